//! The cursor over a stream of bytes: the cut header, the current frame, and the rest of its
//! payload.

use core::fmt;

use crate::{Header, kernel};

/// A cursor that follows one direction of a connection from frame to frame, regardless of how the
/// stream is cut into chunks (RFC 6455 §5.2).
///
/// A reader does not validate. It copies only a header that is cut by the end of a chunk, and never
/// reads the bytes of a payload.
///
/// ```text
///   +-------------+   the header is whole    +---------+
///   | in a header |------------------------->| in a    |
///   | (0 to 13    |<-------------------------| payload |
///   | bytes held) |   the payload is whole   +---------+
///   +-------------+
/// ```
///
/// To use a reader, call [`header`](Self::header) until a frame has begun, consume its payload with
/// [`available`](Self::available) and [`advance`](Self::advance), and call [`finish`](Self::finish)
/// when [`is_whole`](Self::is_whole) returns `true`. This program counts the bytes of text:
///
/// ```
/// use wsvet::{OpCode, Reader};
///
/// let mut reader = Reader::new();
/// let mut text = 0;
/// for mut chunk in [&b"\x89\x00\x81"[..], b"\x03a", b"bc\x8A\x00"] {
///     while !chunk.is_empty() {
///         let used = match reader.frame() {
///             None => reader.header(chunk),
///             Some(header) => {
///                 let len = reader.available(chunk.len());
///                 if header.opcode() == OpCode::Text {
///                     text += len;
///                 }
///                 reader.advance(len as u64);
///                 len
///             }
///         };
///         chunk = &chunk[used..];
///         if reader.is_whole() {
///             reader.finish(); // the whole frame has arrived
///         }
///     }
/// }
/// assert_eq!(text, 3);
/// ```
#[derive(Clone)]
pub struct Reader {
    header: Header,
    /// The number of payload bytes of the frame that have not arrived.
    remaining: u64,
    /// The number of held bytes of a cut header, or `IN_PAYLOAD`.
    state: u8,
    cut: [u8; Header::MAX_LEN],
}

/// The state after a header was read, until its frame is finished.
const IN_PAYLOAD: u8 = 0x80;

impl Reader {
    /// Creates a reader at the start of a stream.
    ///
    /// ```
    /// assert!(wsvet::Reader::new().frame().is_none());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            header: Header::from_wire(0, 0, 0, [0; 4]),
            remaining: 0,
            state: 0,
            cut: [0; Header::MAX_LEN],
        }
    }

    /// Reads the bytes of the next header from the front of `chunk`, and returns the number of
    /// bytes read.
    ///
    /// If `chunk` ends inside the header, the function reads all of `chunk`, and the reader holds
    /// the bytes. Otherwise the frame begins, and [`frame`](Self::frame) returns its header.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// let mut reader = Reader::new();
    /// assert_eq!(reader.header(b"\x81"), 1);
    /// assert_eq!(reader.header(b"\x02hi"), 1);
    /// assert_eq!(reader.frame().unwrap().payload_len(), 2);
    /// ```
    #[inline]
    pub fn header(&mut self, chunk: &[u8]) -> usize {
        debug_assert!(self.state & IN_PAYLOAD == 0, "the frame before is not finished");
        if self.state != 0 {
            return self.rest_of_header(chunk);
        }
        match Header::decode(chunk) {
            Ok((header, _)) => {
                self.begin(header);
                header.header_len()
            }
            Err(_) => self.hold(chunk),
        }
    }

    /// Reads the missing bytes of a cut header.
    #[inline(never)]
    fn rest_of_header(&mut self, chunk: &[u8]) -> usize {
        let held = self.unread();
        let len = self.hold(chunk);
        match Header::decode(self.cut_header()) {
            Ok((header, _)) => {
                self.begin(header);
                header.header_len() - held
            }
            Err(_) => len,
        }
    }

    /// Holds the bytes of `chunk`, up to the maximum length of a header, and returns how many of
    /// them.
    #[inline]
    fn hold(&mut self, chunk: &[u8]) -> usize {
        let held = self.unread();
        let len = chunk.len().min(Header::MAX_LEN - held);
        self.cut[held..held + len].copy_from_slice(&chunk[..len]);
        self.state += len as u8;
        len
    }

    /// Begins a frame whose header was decoded elsewhere.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Reader};
    /// let mut reader = Reader::new();
    /// reader.begin(Header::new(OpCode::Text, 2));
    /// assert_eq!(reader.remaining(), 2);
    /// ```
    #[inline]
    pub fn begin(&mut self, header: Header) {
        self.remaining = header.payload_len();
        self.header = header;
        self.state = IN_PAYLOAD;
    }

    /// Returns the header of the frame that has begun and is not finished, or `None` if there is
    /// none.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// assert_eq!(Reader::new().frame(), None);
    /// ```
    #[inline]
    #[must_use]
    pub const fn frame(&self) -> Option<&Header> {
        if self.state == IN_PAYLOAD { Some(&self.header) } else { None }
    }

    /// Returns how many bytes of the payload have not arrived. It is 0 if no frame has begun.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// assert_eq!(Reader::new().remaining(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns how many of the next `len` bytes belong to the payload of the frame.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Reader};
    /// let mut reader = Reader::new();
    /// reader.begin(Header::new(OpCode::Binary, 2));
    /// assert_eq!(reader.available(5), 2);
    /// ```
    #[inline]
    #[must_use]
    pub const fn available(&self, len: usize) -> usize {
        // The cast is lossless, because `remaining` is less than `len`.
        if self.remaining < len as u64 { self.remaining as usize } else { len }
    }

    /// Returns the masking key for the next byte of the payload, or `None` if the frame is not
    /// masked (§5.3).
    ///
    /// Its four bytes are rotated by the number of payload bytes that have arrived, so that its
    /// first byte masks the next byte of the payload.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Reader};
    /// let mut reader = Reader::new();
    /// reader.begin(Header::new(OpCode::Text, 9).masked([1, 2, 3, 4]));
    /// reader.advance(5);
    /// assert_eq!(reader.masking_key(), Some([2, 3, 4, 1]));
    /// ```
    #[inline]
    #[must_use]
    pub fn masking_key(&self) -> Option<[u8; 4]> {
        self.key().map(u32::to_le_bytes)
    }

    /// Returns the [`masking_key`](Self::masking_key) as a number.
    #[inline]
    pub(crate) fn key(&self) -> Option<u32> {
        let key = self.header.masking_key()?;
        let phase = self.header.payload_len().wrapping_sub(self.remaining) % 4;
        Some(kernel::turned(kernel::number(key), phase as usize))
    }

    /// Returns whether the next `len` bytes lie inside the payload of a data frame, and are not the
    /// end of it.
    #[inline]
    pub(crate) fn is_inside_data(&self, len: usize) -> bool {
        self.frame().is_some_and(|header| header.opcode().is_data())
            && (len as u64) < self.remaining
    }

    /// Moves over `len` bytes of the payload, of which the frame has at least as many
    /// [available](Self::available), and returns the key for the first of them.
    #[inline]
    pub(crate) fn pass(&mut self, len: usize) -> Option<u32> {
        let key = self.key();
        let rest = self.remaining.wrapping_sub(len as u64);
        debug_assert!(rest <= self.remaining, "the frame has fewer bytes");
        self.remaining = rest;
        key
    }

    /// Moves over `len` bytes of the payload, at most to the end of the frame.
    ///
    /// The bytes have arrived, or are missing from the input.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Reader};
    /// let mut reader = Reader::new();
    /// reader.begin(Header::new(OpCode::Binary, 2));
    /// reader.advance(2);
    /// assert!(reader.is_whole());
    /// ```
    #[inline]
    pub fn advance(&mut self, len: u64) {
        self.remaining = self.remaining.saturating_sub(len);
    }

    /// Returns whether a frame has begun and its whole payload has arrived.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// assert!(!Reader::new().is_whole());
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.state == IN_PAYLOAD && self.remaining == 0
    }

    /// Finishes the frame. A header comes next.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Reader};
    /// let mut reader = Reader::new();
    /// reader.begin(Header::new(OpCode::Ping, 0));
    /// reader.finish();
    /// assert!(reader.is_between_frames());
    /// ```
    #[inline]
    pub fn finish(&mut self) {
        self.remaining = 0;
        self.state = 0;
    }

    /// Returns how many bytes of a cut header the reader holds.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// let mut reader = Reader::new();
    /// reader.header(b"\x81");
    /// assert_eq!(reader.unread(), 1);
    /// ```
    #[inline]
    #[must_use]
    pub const fn unread(&self) -> usize {
        (self.state & !IN_PAYLOAD) as usize
    }

    /// Returns the bytes of a cut header that the reader holds.
    ///
    /// ```
    /// # use wsvet::Reader;
    /// let mut reader = Reader::new();
    /// reader.header(b"\x81\xFE\x01");
    /// assert_eq!(reader.cut_header(), b"\x81\xFE\x01");
    /// ```
    #[must_use]
    pub fn cut_header(&self) -> &[u8] {
        &self.cut[..self.unread()]
    }

    /// Returns whether the stream is between two frames: no frame has begun, and no byte of the
    /// next header has arrived.
    ///
    /// ```
    /// assert!(wsvet::Reader::new().is_between_frames());
    /// ```
    #[inline(always)]
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        self.state == 0
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("frame", &self.frame())
            .field("remaining", &self.remaining)
            .field("unread", &self.unread())
            .finish()
    }
}
