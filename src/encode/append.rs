//! Functions that append frames to a buffer that grows.

use alloc::vec::Vec;
use core::ops::{Deref, Range};

use bytes::{Bytes, BytesMut};

use super::{Error, SendBuffer, check, check_code, check_single};
use crate::kernel::{self, Place};
use crate::{CloseFrame, Header, OpCode};

/// A buffer that grows, to which frames can be appended: `Vec<u8>`, `BytesMut` or [`SendBuffer`].
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// use wsvet::encode::Buffer;
/// use wsvet::{Message, Policy, Role, codec::Messages};
///
/// fn greet(out: &mut impl Buffer) -> Result<(), wsvet::codec::Error> {
///     Messages::new(Policy::new(Role::Server)).encode(Message::text("hi"), out)
/// }
///
/// let mut out = Vec::new();
/// greet(&mut out)?;
/// assert_eq!(out, b"\x81\x02hi");
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
pub trait Buffer: Append {}

impl Buffer for Vec<u8> {}
impl Buffer for BytesMut {}
impl Buffer for SendBuffer {}

/// What a [`Buffer`] can do. Only this crate can implement and use it.
#[allow(unnameable_types)]
pub trait Append {
    /// Whether the buffer can hold a payload that is `Bytes`, instead of copying it.
    const HOLDS: bool = false;

    /// Appends a frame, and masks the payload while it is copied if the header has a masking key.
    fn put_frame(&mut self, header: &Header, payload: &[u8], checked: Checked);

    /// Appends a frame as [`put_frame`](Self::put_frame) does, or holds its payload if it can be
    /// held.
    #[inline]
    fn put(&mut self, header: &Header, payload: impl Payload, checked: Checked) {
        self.put_frame(header, &payload, checked);
    }

    /// Appends the bytes of whole frames. They can be held.
    fn put_ready(&mut self, frames: &Bytes, checked: Checked);
}

/// The payload of a frame to append: a slice, which is copied, or `Bytes`, which can be held.
#[allow(unnameable_types)]
pub trait Payload: Deref<Target = [u8]> + Sized {
    /// Returns the part of the payload in this range.
    fn part(&self, range: Range<usize>) -> Self;

    /// Returns the payload as `Bytes`, or unchanged if that needs a copy.
    fn shared(self) -> Result<Bytes, Self>;
}

impl Payload for &[u8] {
    fn part(&self, range: Range<usize>) -> Self {
        &self[range]
    }

    #[inline]
    fn shared(self) -> Result<Bytes, Self> {
        Err(self)
    }
}

impl Payload for Bytes {
    fn part(&self, range: Range<usize>) -> Self {
        self.slice(range)
    }

    #[inline]
    fn shared(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// The proof that a frame is legal: whoever makes one has checked the frame.
#[allow(unnameable_types)]
#[derive(Clone, Copy, Debug)]
pub struct Checked(pub(crate) ());

/// The two buffers have the same methods, and no trait for them.
macro_rules! impl_append {
    ($buffer:ty) => {
        impl Append for $buffer {
            #[inline]
            fn put_frame(&mut self, header: &Header, payload: &[u8], _: Checked) {
                let header_len = header.header_len();
                let len = header_len + payload.len();
                self.reserve(len.max(Header::MAX_LEN));
                let room = self.spare_capacity_mut();
                let Some(window) = room.first_chunk_mut() else {
                    unreachable!("there is room for the longest header")
                };
                let mut wire = [0; Header::MAX_LEN];
                header.encode(&mut wire);
                // The payload overwrites the zeros after the header.
                *window = Place::block(wire);
                let key = header.masking_key().map(kernel::number);
                kernel::copy(key, payload, &mut room[header_len..len]);
                // SAFETY: `room` starts at the end of the buffer, and its first `len` bytes were
                // written: the header with the window, and the payload by the copy.
                #[allow(unsafe_code)]
                unsafe {
                    self.set_len(self.len() + len);
                }
            }

            #[inline]
            fn put_ready(&mut self, frames: &Bytes, _: Checked) {
                self.extend_from_slice(frames);
            }
        }
    };
}

impl_append!(Vec<u8>);
impl_append!(BytesMut);

/// Appends a whole frame to a buffer, as [`frame`](super::frame) writes it (§5.2).
///
/// # Errors
///
/// [`Error`] if the length in the header is not that of the payload, or if the frame is illegal
/// regardless of the frames before it. Nothing is then appended.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let mut out = Vec::new();
/// encode::append(&Header::new(OpCode::Text, 3).not_final(), b"Hel", &mut out)?;
/// encode::append(&Header::new(OpCode::Continuation, 2), b"lo", &mut out)?;
/// assert_eq!(out, b"\x01\x03Hel\x80\x02lo"); // §5.7
/// # Ok::<(), encode::Error>(())
/// ```
#[inline]
pub fn append(header: &Header, payload: &[u8], out: &mut impl Buffer) -> Result<(), Error> {
    check(header, payload)?;
    out.put_frame(header, payload, Checked(()));
    Ok(())
}

/// Appends a message or a control frame to a buffer as a single frame, as [`single`](super::single)
/// writes it (§5.4).
///
/// `payload` is not masked. A client passes a fresh masking key for each frame. A server passes
/// `None` (§5.1).
///
/// # Errors
///
/// [`Error`] if the frame is illegal, as [`single`](super::single) returns it. Nothing is then
/// appended.
///
/// ```
/// use wsvet::{OpCode, encode};
///
/// let mut out = b"earlier frames".to_vec();
/// encode::append_single(OpCode::Text, b"hi", None, &mut out)?;
/// assert!(out.ends_with(b"\x81\x02hi"));
/// # Ok::<(), encode::Error>(())
/// ```
#[inline]
pub fn append_single(
    opcode: OpCode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &mut impl Buffer,
) -> Result<(), Error> {
    check_single(opcode, payload)?;
    let header = Header::new(opcode, payload.len() as u64);
    out.put_frame(&key.map_or(header, |key| header.masked(key)), payload, Checked(()));
    Ok(())
}

/// Appends a whole Close frame to a buffer, as [`close`](super::close) writes it (§5.5.1).
///
/// # Errors
///
/// [`Error::InvalidCloseCode`] if a Close frame must not have the code, such as 1005 and 1006. Nothing
/// is then appended.
///
/// ```
/// use wsvet::{CloseCode, CloseFrame, encode};
///
/// let mut out = Vec::new();
/// encode::append_close(&CloseFrame::new(CloseCode::GOING_AWAY, "bye"), None, &mut out)?;
/// assert_eq!(out, b"\x88\x05\x03\xE9bye");
/// # Ok::<(), encode::Error>(())
/// ```
pub fn append_close(
    close: &CloseFrame<'_>,
    key: Option<[u8; 4]>,
    out: &mut impl Buffer,
) -> Result<(), Error> {
    check_code(close.code)?;
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    append_single(OpCode::Close, &body[..len], key, out)
}
