//! Functions that write frames to a buffer, and mask the payload while they copy it (RFC 6455
//! §5.2).
//!
//! | write a frame to | Use |
//! |---|---|
//! | the front of a slice, without an allocator | [`single`], [`close`], [`frame`] |
//! | the end of a `Vec<u8>` or a `BytesMut` | `append_single`, `append_close`, `append` (feature `alloc`) |
//! | a stream, without a copy of the payload | [`header`], [`in_place`], or `SendBuffer` (feature `alloc`) |
//! | a stream, in fragments | [`fragments`], then one of the others |
//!
//! ```
//! use wsvet::{CloseCode, CloseFrame, OpCode, encode};
//!
//! // A server sends a text message and then a Close frame.
//! let mut out = [0; 64];
//! let mut len = encode::single(OpCode::Text, b"bye", None, &mut out)?;
//! let close = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "");
//! len += encode::close(&close, None, &mut out[len..])?;
//! assert_eq!(out[..len], *b"\x81\x03bye\x88\x02\x03\xE8");
//! # Ok::<(), encode::Error>(())
//! ```

mod apart;
#[cfg(feature = "alloc")]
mod append;
#[cfg(feature = "alloc")]
mod send_buffer;

use core::fmt;

use crate::{CloseCode, CloseFrame, Frame, Header, OpCode, kernel};

pub use apart::{HeaderBytes, header, in_place};
#[cfg(feature = "std")]
pub(crate) use append::{Append, Checked, Payload};
#[cfg(feature = "alloc")]
pub use append::{Buffer, append, append_close, append_single};
#[cfg(feature = "alloc")]
pub use send_buffer::SendBuffer;

/// The maximum length of a control frame in bytes: 131, with a masking key and 125 bytes of payload
/// (RFC 6455 §5.5).
///
/// ```
/// assert_eq!(wsvet::encode::MAX_CONTROL_LEN, 131);
/// ```
pub const MAX_CONTROL_LEN: usize = 2 + 4 + CloseFrame::MAX_BODY_LEN;

/// Writes a whole frame to the front of `out`, and returns its length in bytes (§5.2).
///
/// `payload` is not masked. If the header has a masking key, the function masks the payload while
/// it copies it. [`raw::frame`] also writes illegal frames.
///
/// # Errors
///
/// [`Error`] if the frame does not fit in `out`, if the length in the header is not that of the
/// payload, or if the frame is illegal regardless of the frames before it. `out` is then unchanged.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let header = Header::new(OpCode::Text, 5).masked([0x37, 0xFA, 0x21, 0x3D]);
/// let mut out = [0; 32];
/// let len = encode::frame(&header, b"Hello", &mut out)?;
/// assert_eq!(out[..len], *b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58"); // §5.7
/// # Ok::<(), wsvet::encode::Error>(())
/// ```
#[inline]
pub fn frame(header: &Header, payload: &[u8], out: &mut [u8]) -> Result<usize, Error> {
    check(header, payload)?;
    raw::frame(header, payload, out)
}

/// Writes a message or a control frame as a single frame to the front of `out`, and returns its
/// length in bytes (§5.4).
///
/// `payload` is not masked. A client passes a fresh masking key for each frame. A server passes
/// `None` (§5.1). The function does not check that the payload of a text message is UTF-8, nor what
/// was sent before: with [`OpCode::Continuation`] it writes the last fragment of a message.
///
/// # Errors
///
/// [`Error`] if the frame does not fit in `out`, or is illegal: it has a reserved opcode, it is a
/// control frame with more than 125 bytes of payload, or it is a Close frame with an illegal body.
/// `out` is then unchanged.
///
/// ```
/// use wsvet::{OpCode, encode};
///
/// let mut out = [0; 16];
/// let len = encode::single(OpCode::Pong, b"Hello", None, &mut out)?;
/// assert_eq!(out[..len], *b"\x8A\x05Hello");
/// let too_long = encode::single(OpCode::Ping, &[0; 126], None, &mut [0; 200]);
/// assert_eq!(too_long, Err(encode::Error::OversizedControl));
/// # Ok::<(), wsvet::encode::Error>(())
/// ```
#[inline]
pub fn single(
    opcode: OpCode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut [u8],
) -> Result<usize, Error> {
    check_single(opcode, payload)?;
    if payload.len() <= CloseFrame::MAX_BODY_LEN {
        return short(0x80 | opcode as u8, payload, key, out);
    }
    let header = Header::new(opcode, payload.len() as u64);
    let header = key.map_or(header, |key| header.masked(key));
    raw::frame(&header, payload, out)
}

/// Returns an error if the frame is illegal regardless of the frames before it.
#[inline]
pub(crate) fn check(header: &Header, payload: &[u8]) -> Result<(), Error> {
    if header.payload_len() != payload.len() as u64 {
        return Err(Error::LengthMismatch);
    }
    let opcode = header.opcode();
    if opcode.belongs_to_message() { Ok(()) } else { check_control(opcode, header.fin(), payload) }
}

/// Returns an error if the single frame is illegal regardless of the frames before it.
#[inline]
fn check_single(opcode: OpCode, payload: &[u8]) -> Result<(), Error> {
    if opcode.belongs_to_message() { Ok(()) } else { check_control(opcode, true, payload) }
}

#[inline(never)]
fn check_control(opcode: OpCode, fin: bool, payload: &[u8]) -> Result<(), Error> {
    if opcode.is_reserved() {
        Err(Error::ReservedOpcode)
    } else if !fin {
        Err(Error::FragmentedControl)
    } else if payload.len() > CloseFrame::MAX_BODY_LEN {
        Err(Error::OversizedControl)
    } else if opcode == OpCode::Close {
        match CloseFrame::decode(payload) {
            Ok(None) => Ok(()),
            Ok(Some(close)) => check_code(close.code),
            Err(_) => Err(Error::InvalidCloseBody),
        }
    } else {
        Ok(())
    }
}

/// Returns an error if a Close frame must not have this code.
fn check_code(code: CloseCode) -> Result<(), Error> {
    if code.is_sendable() { Ok(()) } else { Err(Error::InvalidCloseCode) }
}

/// Writes a frame with at most 125 bytes of payload. Its header is always 2 or 6 bytes long, so the
/// steps of [`Header::encode`] are not needed.
#[inline(always)]
fn short(first: u8, payload: &[u8], key: Option<[u8; 4]>, out: &mut [u8]) -> Result<usize, Error> {
    let header_len = if key.is_some() { 6 } else { 2 };
    let len = header_len + payload.len();
    let Some(out) = out.get_mut(..len) else {
        return Err(Error::BufferTooSmall { needed: len });
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

/// Splits a message into fragments with at most `most` bytes of payload each, and returns an
/// iterator over their frames (§5.4).
///
/// The payloads are unmasked parts of `payload`. Nothing is copied. The headers have no masking
/// key: a client sets a fresh key for each frame with [`Header::masked`], and masks the payload. An
/// empty message is one frame.
///
/// # Panics
///
/// Panics if `most` is 0. Panics with debug assertions if `opcode` is not text or binary.
///
/// ```
/// use std::io::{IoSlice, Write};
/// use wsvet::{OpCode, encode};
///
/// let mut socket = Vec::new();
/// for frame in encode::fragments(OpCode::Text, b"Hello", 3) {
///     let header = encode::header(&frame.header, frame.payload)?;
///     // The payload is sent without a copy. (A socket may accept only a part of it.)
///     socket.write_vectored(&[IoSlice::new(&header), IoSlice::new(frame.payload)])?;
/// }
/// assert_eq!(socket, b"\x01\x03Hel\x80\x02lo"); // §5.7
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn fragments(opcode: OpCode, payload: &[u8], most: usize) -> Fragments<'_> {
    assert!(most > 0, "a fragment of 0 bytes carries nothing");
    debug_assert!(opcode.starts_message(), "the opcode of a message");
    Fragments { opcode, rsv: 0, rest: Some(payload), most }
}

/// An iterator over the frames of a message.
///
/// [`fragments`] returns it.
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
    /// The payload of the frames that the iterator has not returned, or `None` after the last
    /// frame.
    rest: Option<&'a [u8]>,
    most: usize,
}

impl Fragments<'_> {
    /// Sets the RSV bits of the next frame to `rsv`: RSV1 = 4, RSV2 = 2, RSV3 = 1.
    ///
    /// Call it before the first frame is taken, so that the first frame of the message has the
    /// bits. Use 4 for a payload that permessage-deflate has compressed (RFC 7692 §6).
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
    type Item = Frame<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
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

/// Writes a whole Close frame to the front of `out`, and returns its length in bytes, 4 to 131
/// (§5.5.1).
///
/// A client passes a fresh masking key for each frame. A server passes `None` (§5.1). A reason over
/// 123 bytes is cut at the end of a character. To write a Close frame without a code, use
/// [`single`].
///
/// # Errors
///
/// - [`Error::InvalidCloseCode`] if a Close frame must not have the code, such as 1005 and 1006.
/// - [`Error::BufferTooSmall`] if the frame does not fit in `out`. [`MAX_CONTROL_LEN`] bytes always
///   suffice.
///
/// ```
/// use wsvet::{CloseCode, CloseFrame, Rule, Violation, encode};
///
/// let violation = Violation::new(Rule::UnsupportedData, 0);
/// let mut out = [0; encode::MAX_CONTROL_LEN];
/// if let Some(close) = violation.reply() {
///     let len = encode::close(&close, None, &mut out)?;
///     assert_eq!(out[..4], [0x88, len as u8 - 2, 0x03, 0xEB]); // 1003
/// }
/// let abnormal = CloseFrame::new(CloseCode::ABNORMAL_CLOSURE, "");
/// let refused = encode::close(&abnormal, None, &mut out);
/// assert_eq!(refused, Err(encode::Error::InvalidCloseCode));
/// # Ok::<(), wsvet::encode::Error>(())
/// ```
pub fn close(close: &CloseFrame<'_>, key: Option<[u8; 4]>, out: &mut [u8]) -> Result<usize, Error> {
    check_code(close.code)?;
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    short(0x88, &body[..len], key, out)
}

/// Functions that write frames without checks, to test how a peer handles illegal frames.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// // A Ping in two fragments.
/// let header = Header::new(OpCode::Ping, 2).not_final();
/// let mut out = [0; 8];
/// let len = encode::raw::frame(&header, b"hi", &mut out)?;
/// assert_eq!(out[..len], *b"\x09\x02hi");
/// # Ok::<(), wsvet::encode::Error>(())
/// ```
pub mod raw {
    use super::{Error, Header, kernel};

    /// Writes the header and the payload to the front of `out` without checks, and returns their
    /// length in bytes.
    ///
    /// If the header has a masking key, the function masks the payload while it copies it.
    ///
    /// # Errors
    ///
    /// [`Error::BufferTooSmall`] if the header and the payload do not fit in `out`. There is no
    /// other error. `out` is then unchanged.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, encode};
    /// let header = Header::new(OpCode::Text, 1 << 40); // the payload is shorter than it states
    /// assert_eq!(encode::raw::frame(&header, b"hi", &mut [0; 12]), Ok(12));
    /// ```
    #[inline]
    pub fn frame(header: &Header, payload: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let header_len = header.header_len();
        let len = header_len + payload.len();
        let Some(out) = out.get_mut(..len) else {
            return Err(Error::BufferTooSmall { needed: len });
        };
        match out.first_chunk_mut() {
            // `encode` writes zeros after the header. The payload overwrites them.
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
}

/// The reason why a frame was not written.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let error = encode::frame(&Header::new(OpCode::Text, 2), b"hi", &mut [0; 3]).unwrap_err();
/// assert_eq!(error, encode::Error::BufferTooSmall { needed: 4 });
/// assert_eq!(error.to_string(), "the buffer is too small: the frame needs 4 bytes");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The frame does not fit in the buffer.
    BufferTooSmall {
        /// The length of the whole frame in bytes.
        needed: usize,
    },
    /// The length in the header is not that of the payload.
    LengthMismatch,
    /// The header has a masking key, but the payload is sent as it is, not masked (§5.3).
    UnmaskedPayload,
    /// The opcode is one of 3-7 or B-F (§5.2).
    ReservedOpcode,
    /// An RSV bit is set that no negotiated extension defines (§5.2).
    ReservedBits,
    /// A control frame has FIN clear (§5.5).
    FragmentedControl,
    /// A control frame has more than 125 bytes of payload (§5.5).
    OversizedControl,
    /// The body of a Close frame is one byte long, or its reason is not UTF-8 (§5.5.1).
    InvalidCloseBody,
    /// A Close frame must not have the code, such as 1005 or 1006 (§7.4).
    InvalidCloseCode,
    /// A continuation frame continues no message (§5.4).
    UnexpectedContinuation,
    /// A text or binary frame comes inside a fragmented message (§5.4).
    InterruptedMessage,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferTooSmall { needed } => {
                return write!(f, "the buffer is too small: the frame needs {needed} bytes");
            }
            Self::LengthMismatch => "the length in the header is not that of the payload",
            Self::UnmaskedPayload => {
                "the header has a masking key, but the payload would not be masked"
            }
            Self::ReservedOpcode => "the opcode is reserved: use 0, 1, 2, 8, 9 or 10",
            Self::ReservedBits => "an RSV bit is set that no negotiated extension defines",
            Self::FragmentedControl => "a control frame must not be fragmented: set FIN",
            Self::OversizedControl => "a control frame has at most 125 bytes of payload",
            Self::InvalidCloseBody => {
                "the body of a Close is empty, or a code of two bytes and a reason in UTF-8"
            }
            Self::InvalidCloseCode => {
                "the close code must not be sent: use 1000-1003, 1007-1014 or 3000-4999"
            }
            Self::UnexpectedContinuation => "a continuation frame without a message to continue",
            Self::InterruptedMessage => {
                "a new message inside a fragmented message: finish that first"
            }
        })
    }
}

impl core::error::Error for Error {}
