//! The header apart, for a payload that is sent from where it is.

use core::fmt;
use core::ops::Deref;

use super::{Error, Header, check, kernel};

/// Returns the bytes of the header of a frame whose payload is sent from where it is, without a copy
/// (§5.2).
///
/// Write the bytes and then the payload, with one vectored write if the stream has one. The frame
/// must not be masked, so this is for servers. A client uses [`in_place`].
///
/// # Errors
///
/// The errors of [`frame`](super::frame) for an illegal frame, and [`Error::UnmaskedPayload`] if the
/// header has a masking key.
///
/// ```
/// use std::io::{IoSlice, Write};
/// use wsvet::{Header, OpCode, encode};
///
/// let payload = b"Hello";
/// let header = encode::header(&Header::new(OpCode::Text, 5), payload)?;
/// let mut socket = Vec::new();
/// // A socket may accept only a part of it.
/// let written = socket.write_vectored(&[IoSlice::new(&header), IoSlice::new(payload)]).unwrap();
/// assert_eq!((&socket[..], written), (&b"\x81\x05Hello"[..], 7));
/// # Ok::<(), encode::Error>(())
/// ```
#[inline]
pub fn header(header: &Header, payload: &[u8]) -> Result<HeaderBytes, Error> {
    if header.is_masked() {
        return Err(Error::UnmaskedPayload);
    }
    check(header, payload)?;
    Ok(HeaderBytes::new(header))
}

/// Masks the payload in place if the header has a masking key, and returns the bytes of the header
/// (§5.3).
///
/// Write the bytes and then the payload, as with [`header`]. Nothing is copied: use it if you own the
/// payload and do not need it again.
///
/// # Errors
///
/// The errors of [`frame`](super::frame) for an illegal frame. `payload` is then unchanged.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let mut payload = *b"Hello";
/// let header = Header::new(OpCode::Text, 5).masked([0x37, 0xFA, 0x21, 0x3D]);
/// let header = encode::in_place(&header, &mut payload)?;
/// assert_eq!(*header, *b"\x81\x85\x37\xFA\x21\x3D");
/// assert_eq!(payload, *b"\x7F\x9F\x4D\x51\x58"); // §5.7
/// # Ok::<(), encode::Error>(())
/// ```
#[inline]
pub fn in_place(header: &Header, payload: &mut [u8]) -> Result<HeaderBytes, Error> {
    check(header, payload)?;
    if let Some(key) = header.masking_key() {
        kernel::mask(kernel::number(key), payload);
    }
    Ok(HeaderBytes::new(header))
}

/// The bytes of a header, as on the wire: 2 to 14 (§5.2).
///
/// [`header`] and [`in_place`] return it.
///
/// ```
/// use wsvet::{Header, OpCode, encode};
///
/// let header = encode::header(&Header::new(OpCode::Pong, 0), b"")?;
/// assert_eq!(*header, [0x8A, 0x00]);
/// # Ok::<(), encode::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderBytes {
    /// Zeros after the header.
    wire: [u8; Header::MAX_LEN],
    len: u8,
}

impl HeaderBytes {
    #[inline]
    pub(super) fn new(header: &Header) -> Self {
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire) as u8;
        Self { wire, len }
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.wire[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeaderBytes").field(&&**self).finish()
    }
}
