//! Bytes out: a frame or a Close frame, header and payload, masked on the way (RFC 6455 §5.2).
//!
//! [`Header::encode`] writes a header alone, for those who send the payload from where it lies.
//!
//! ```
//! use wsvet::{CloseCode, CloseFrame, OpCode, encode};
//!
//! // What a server sends, one frame behind the other.
//! let mut out = [0; 64];
//! let mut len = encode::single(OpCode::Text, b"bye", None, &mut out)?;
//! let close = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "");
//! len += encode::close(&close, None, &mut out[len..])?;
//! assert_eq!(out[..len], *b"\x81\x03bye\x88\x02\x03\xE8");
//! # Ok::<(), encode::BufferTooSmall>(())
//! ```

use core::fmt;

use crate::{CloseFrame, Frame, FrameRef, Header, OpCode, kernel};

/// The most bytes a control frame has: 131, with a masking key and 125 bytes of payload (§5.5).
///
/// ```
/// assert_eq!(wsvet::encode::MAX_CONTROL_LEN, 131);
/// ```
pub const MAX_CONTROL_LEN: usize = 2 + 4 + CloseFrame::MAX_BODY_LEN;

/// Writes a whole frame to the front of `out` and gives its length in bytes (§5.2).
///
/// `payload` is plain; where the header has a masking key it is masked while it is copied. The
/// header is written as it is, so its `payload_len` has to be that of `payload`.
///
/// # Errors
///
/// [`BufferTooSmall`] where the frame does not fit; `out` is then as it was.
///
/// # Panics
///
/// With debug assertions, where `header.payload_len()` is not the length of `payload`.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let header = Header::new(OpCode::Text, 5).masked([0x37, 0xFA, 0x21, 0x3D]);
/// let mut out = [0; 32];
/// let len = encode::frame(&header, b"Hello", &mut out)?;
/// assert_eq!(out[..len], *b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58"); // §5.7
/// # Ok::<(), wsvet::encode::BufferTooSmall>(())
/// ```
#[inline]
pub fn frame(header: &Header, payload: &[u8], out: &mut [u8]) -> Result<usize, BufferTooSmall> {
    debug_assert_eq!(header.payload_len(), payload.len() as u64, "the header's length");
    let header_len = header.header_len();
    let len = header_len + payload.len();
    let Some(out) = out.get_mut(..len) else {
        return Err(BufferTooSmall { needed: len });
    };
    match out.first_chunk_mut() {
        // What is written behind the header the payload overwrites.
        Some(window) => {
            header.encode(window);
        }
        None => {
            let mut window = [0; Header::MAX_LEN];
            header.encode(&mut window);
            out.copy_from_slice(&window[..len]);
        }
    }
    kernel::copy(header.masking_key().map(kernel::number), payload, &mut out[header_len..]);
    Ok(len)
}

/// Writes a message or a control frame as a single frame to the front of `out`, and gives its length
/// in bytes (§5.4).
///
/// `payload` is plain. A client gives a fresh masking key, a server `None` (§5.1). It serves for a
/// Pong, and with an empty payload for a Close without a code.
///
/// # Errors
///
/// [`BufferTooSmall`] where the frame does not fit; `out` is then as it was.
///
/// # Panics
///
/// With debug assertions, for a control frame with a payload of over 125 bytes (§5.5).
///
/// ```
/// use wsvet::{OpCode, encode};
///
/// let mut out = [0; 16];
/// let len = encode::single(OpCode::Pong, b"Hello", None, &mut out)?;
/// assert_eq!(out[..len], *b"\x8A\x05Hello");
/// # Ok::<(), wsvet::encode::BufferTooSmall>(())
/// ```
#[inline]
pub fn single(
    opcode: OpCode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    debug_assert!(
        opcode.is_data() || payload.len() <= CloseFrame::MAX_BODY_LEN,
        "oversized-control"
    );
    if payload.len() <= CloseFrame::MAX_BODY_LEN {
        return short(0x80 | opcode as u8, payload, key, out);
    }
    let header = Header::new(opcode, payload.len() as u64);
    let header = key.map_or(header, |key| header.masked(key));
    frame(&header, payload, out)
}

/// Writes a frame of at most 125 bytes of payload: its header is a number, and needs no steps.
#[inline]
fn short(
    first: u8,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let header_len = if key.is_some() { 6 } else { 2 };
    let len = header_len + payload.len();
    let Some(out) = out.get_mut(..len) else {
        return Err(BufferTooSmall { needed: len });
    };
    let (head, body) = out.split_at_mut(header_len);
    let second = payload.len() as u8;
    match (key, &mut *head) {
        (Some([a, b, c, d]), [_, _, _, _, _, _]) => {
            head.copy_from_slice(&[first, 0x80 | second, a, b, c, d]);
        }
        _ => head.copy_from_slice(&[first, second]),
    }
    kernel::copy(key.map(kernel::number), payload, body);
    Ok(len)
}

/// The frames of a message, each with at most `most` bytes of payload (§5.4).
///
/// Nothing is copied: the payloads are plain parts of `payload`, and the headers have no masking
/// key; a client gives each a fresh one with [`Header::masked`]. An empty message is one frame.
///
/// # Panics
///
/// Where `most` is 0; with debug assertions, for the opcode of a control frame or a continuation.
///
/// ```
/// use std::io::{IoSlice, Write};
/// use wsvet::{Header, OpCode, encode};
///
/// let mut socket = Vec::new();
/// let mut head = [0; Header::MAX_LEN];
/// for frame in encode::fragments(OpCode::Text, b"Hello", 3) {
///     let len = frame.header.encode(&mut head);
///     // The payload is sent from where it lies. (A socket may take a part of it.)
///     socket.write_vectored(&[IoSlice::new(&head[..len]), IoSlice::new(frame.payload)])?;
/// }
/// assert_eq!(socket, b"\x01\x03Hel\x80\x02lo"); // §5.7
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn fragments(opcode: OpCode, payload: &[u8], most: usize) -> Fragments<'_> {
    assert!(most > 0, "a fragment of 0 bytes carries nothing");
    debug_assert!(opcode.starts_message(), "the opcode of a message");
    Fragments { opcode, rsv: 0, rest: Some(payload), most }
}

/// The frames of a message, made by [`fragments`].
///
/// ```
/// # use wsvet::{OpCode, encode};
/// assert_eq!(encode::fragments(OpCode::Binary, &[0; 10], 4).count(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    opcode: OpCode,
    /// The RSV bits of the next frame.
    rsv: u8,
    /// What was not given yet; nothing after the last frame.
    rest: Option<&'a [u8]>,
    most: usize,
}

impl Fragments<'_> {
    /// The same frames, the first with these RSV bits: 4, RSV1, for a payload that permessage-deflate
    /// has compressed (RFC 7692 §6).
    ///
    /// ```
    /// # use wsvet::{OpCode, encode};
    /// let hello = b"\xF2\x48\xCD\xC9\xC9\x07\x00";
    /// let frames = encode::fragments(OpCode::Text, hello, 4).with_rsv(4);
    /// assert!(frames.map(|frame| frame.header.first_byte()).eq([0x41, 0x80]));
    /// ```
    #[must_use]
    pub const fn with_rsv(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = FrameRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<FrameRef<'a>> {
        let rest = self.rest.take()?;
        let opcode = core::mem::replace(&mut self.opcode, OpCode::Continuation);
        let rsv = core::mem::take(&mut self.rsv);
        let (payload, rest) = rest.split_at(rest.len().min(self.most));
        let header = Header::new(opcode, payload.len() as u64).with_rsv(rsv);
        if rest.is_empty() {
            return Some(Frame { header, payload });
        }
        self.rest = Some(rest);
        Some(Frame { header: header.not_final(), payload })
    }
}

/// Writes a whole Close frame to the front of `out` and gives its length in bytes, 4 to 131
/// (§5.5.1).
///
/// A client gives a fresh masking key, a server `None` (§5.1). For an empty body take [`single`].
///
/// # Errors
///
/// [`BufferTooSmall`] where the frame does not fit; [`MAX_CONTROL_LEN`] bytes always suffice.
///
/// ```
/// use wsvet::{Rule, Violation, encode};
///
/// let violation = Violation { rule: Rule::UnsupportedData, offset: 0 };
/// let mut out = [0; encode::MAX_CONTROL_LEN];
/// if let Some(close) = violation.reply() {
///     let len = encode::close(&close, None, &mut out)?;
///     assert_eq!(out[..4], [0x88, len as u8 - 2, 0x03, 0xEB]); // 1003
/// }
/// # Ok::<(), wsvet::encode::BufferTooSmall>(())
/// ```
pub fn close(
    close: &CloseFrame<'_>,
    key: Option<[u8; 4]>,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    single(OpCode::Close, &body[..len], key, out)
}

/// The frame does not fit the buffer that was given for it.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let error = encode::frame(&Header::new(OpCode::Text, 2), b"hi", &mut [0; 3]).unwrap_err();
/// assert_eq!(error.needed, 4);
/// assert_eq!(error.to_string(), "the buffer is too small: the frame needs 4 bytes");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BufferTooSmall {
    /// How many bytes the frame needs in all.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: the frame needs {} bytes", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}
