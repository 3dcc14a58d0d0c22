//! The one cursor over a stream of bytes: a header that is cut, the frame, and what of its payload
//! is still to come.

use core::fmt;

use crate::{Header, kernel};

/// Follows one direction of a connection from frame to frame, however its bytes are cut (RFC 6455
/// §5.2).
///
/// It judges nothing, copies nothing but a header that is cut, and never looks at a payload.
///
/// ```text
///   +-------------+   the header is whole    +---------+
///   | in a header |------------------------->| in a    |
///   | (0 to 13    |<-------------------------| payload |
///   | bytes held) |   the payload is whole   +---------+
///   +-------------+
/// ```
///
/// A reader with a buffer of its own, which counts the bytes of text:
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
///             reader.finish(); // the whole frame has come
///         }
///     }
/// }
/// assert_eq!(text, 3);
/// ```
#[derive(Clone)]
pub struct Reader {
    header: Header,
    /// Payload bytes of the frame that have not come.
    remaining: u64,
    /// How many bytes of a header are held, or `IN_PAYLOAD`.
    state: u8,
    cut: [u8; Header::MAX_LEN],
}

/// A header was taken, and its frame is not finished.
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

    /// Takes the bytes of the next header off the front of `chunk`, and returns how many it took.
    ///
    /// If the header is cut, it takes all of `chunk` and holds it. Otherwise the frame has begun:
    /// [`frame`](Self::frame) returns its header.
    ///
    /// # Panics
    ///
    /// With debug assertions, if the frame before is not finished.
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

    /// Takes what is missing of a header that is cut.
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

    /// Holds what `chunk` has, at most as much as a header can have, and returns how much.
    #[inline]
    fn hold(&mut self, chunk: &[u8]) -> usize {
        let held = self.unread();
        let len = chunk.len().min(Header::MAX_LEN - held);
        self.cut[held..held + len].copy_from_slice(&chunk[..len]);
        self.state += len as u8;
        len
    }

    /// Begins a frame whose header was parsed elsewhere.
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

    /// Returns the header of the frame that has begun and is not finished.
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

    /// Returns how many bytes of the payload have not come: 0 if no frame has begun.
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
        // The lesser of the two, so it fits.
        if self.remaining < len as u64 { self.remaining as usize } else { len }
    }

    /// Returns the masking key as the next byte of the payload meets it, if the frame is masked:
    /// its four bytes are turned by how many bytes have come (§5.3).
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

    /// The same as a number.
    #[inline]
    pub(crate) fn key(&self) -> Option<u32> {
        let key = self.header.masking_key()?;
        let phase = self.header.payload_len().wrapping_sub(self.remaining) % 4;
        Some(kernel::turned(kernel::number(key), phase as usize))
    }

    /// Moves over `len` bytes of the payload, which came or are missing, at most to the end of the
    /// frame.
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

    /// Returns whether a frame has begun and all of its payload has come.
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

    /// Ends the frame; a header comes next.
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

    /// Returns how many bytes of a header that is cut are held.
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

    /// Returns the bytes of a header that is cut, as far as they have come.
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

    /// Returns whether the stream is between two frames: no byte of the next header has come.
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
