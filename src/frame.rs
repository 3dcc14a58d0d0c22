//! A frame: a header with its payload, wherever that lies.

use crate::{Header, Incomplete, mask};

/// A frame: a [`Header`] with its payload (RFC 6455 §5.2).
///
/// The aliases say where the payload lies: [`FrameRef`] and [`FrameMut`] in the caller's buffer,
/// `FrameBuf` (feature `alloc`) in shared memory.
///
/// ```
/// use wsvet::{Frame, Header, OpCode};
///
/// let frame = Frame { header: Header::new(OpCode::Text, 2), payload: &b"hi"[..] };
/// assert_eq!(frame.header.payload_len(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame<P> {
    /// The header.
    pub header: Header,
    /// The payload: as it stands on the wire, masked where the header has a key, until it is
    /// unmasked.
    pub payload: P,
}

/// A frame whose payload is borrowed.
///
/// ```
/// use wsvet::FrameRef;
///
/// /// How many bytes of payload are in these frames.
/// fn total(frames: &[FrameRef<'_>]) -> usize {
///     frames.iter().map(|frame| frame.payload.len()).sum()
/// }
///
/// let (first, rest) = FrameRef::decode(b"\x81\x02hi\x82\x01\x07")?;
/// let (second, _) = FrameRef::decode(rest)?;
/// assert_eq!(total(&[first, second]), 3);
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
pub type FrameRef<'a> = Frame<&'a [u8]>;

/// A frame whose payload is borrowed and can be unmasked where it lies (§5.3).
///
/// ```
/// use wsvet::FrameMut;
///
/// let mut wire = *b"\x81\x82\x01\x02\x03\x04ik";
/// let (frame, _): (FrameMut<'_>, _) = FrameMut::decode(&mut wire)?;
/// assert_eq!(frame.payload, b"ik");
/// let _ = frame.unmask();
/// assert_eq!(wire[6..], *b"hi");
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
pub type FrameMut<'a> = Frame<&'a mut [u8]>;

/// A frame whose payload is shared memory: taken off a read buffer without a copy.
///
/// ```
/// use wsvet::{Frame, FrameBuf, Header, OpCode};
///
/// let frame: FrameBuf = Frame { header: Header::new(OpCode::Binary, 2), payload: "hi".into() };
/// let other = frame.clone(); // the payload is shared, not copied
/// assert_eq!(frame.payload.as_ptr(), other.payload.as_ptr());
/// ```
#[cfg(feature = "alloc")]
pub type FrameBuf = Frame<bytes::Bytes>;

impl<'a> FrameRef<'a> {
    /// Takes a whole frame off the front of `input` and gives it with the bytes after it (§5.2).
    ///
    /// The payload lies inside `input` and stays masked.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] where `input` ends inside the frame; it says how many bytes more are
    /// certainly needed: all that are missing, once the length has arrived.
    ///
    /// ```
    /// use wsvet::{FrameRef, OpCode};
    ///
    /// let (frame, rest) = FrameRef::decode(b"\x81\x02hi\x89")?;
    /// assert_eq!((frame.header.opcode(), frame.payload), (OpCode::Text, &b"hi"[..]));
    /// assert_eq!(rest, b"\x89");
    /// assert_eq!(FrameRef::decode(b"\x81\x85").unwrap_err().needed(), 9);
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    pub fn decode(input: &'a [u8]) -> Result<(Self, &'a [u8]), Incomplete> {
        let (header, len) = frame_len(input)?;
        let (frame, rest) = input.split_at(len);
        Ok((Self { header, payload: &frame[header.header_len()..] }, rest))
    }
}

impl<'a> FrameMut<'a> {
    /// Takes a whole frame off the front of `input` and gives it with the bytes after it (§5.2).
    ///
    /// The payload lies inside `input`; [`unmask`](Self::unmask) makes it plain where it lies.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] as [`FrameRef::decode`] gives it.
    ///
    /// ```
    /// use wsvet::FrameMut;
    ///
    /// let mut wire = *b"\x81\x82\x01\x01\x01\x01ih";
    /// let (frame, rest) = FrameMut::decode(&mut wire)?;
    /// assert_eq!(frame.unmask().payload, b"hi");
    /// assert!(rest.is_empty());
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    pub fn decode(input: &'a mut [u8]) -> Result<(Self, &'a mut [u8]), Incomplete> {
        let (header, len) = frame_len(input)?;
        let (frame, rest) = input.split_at_mut(len);
        Ok((Self { header, payload: &mut frame[header.header_len()..] }, rest))
    }

    /// Unmasks the payload where it lies (§5.3); without a masking key nothing is done.
    ///
    /// It takes the frame, so that it cannot happen twice. The header keeps its key.
    ///
    /// ```
    /// use wsvet::{Frame, Header, OpCode};
    ///
    /// let mut payload = *b"ih";
    /// let header = Header::new(OpCode::Text, 2).masked([1; 4]);
    /// assert_eq!(Frame { header, payload: &mut payload[..] }.unmask().payload, b"hi");
    /// ```
    #[must_use]
    pub fn unmask(self) -> FrameRef<'a> {
        if let Some(key) = self.header.masking_key() {
            mask::apply(key, 0, self.payload);
        }
        Frame { header: self.header, payload: self.payload }
    }
}

#[cfg(feature = "alloc")]
impl FrameBuf {
    /// Takes a whole frame off the front of `input`, its payload unmasked, without a copy (§5.2,
    /// §5.3).
    ///
    /// # Errors
    ///
    /// [`Incomplete`] as [`FrameRef::decode`] gives it; `input` is then as it was.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wsvet::FrameBuf;
    ///
    /// let mut input = BytesMut::from(&b"\x81\x82\x01\x01\x01\x01ih\x89"[..]);
    /// let frame = FrameBuf::decode(&mut input)?;
    /// assert_eq!(&frame.payload[..], b"hi");
    /// assert_eq!(&input[..], b"\x89");
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    pub fn decode(input: &mut bytes::BytesMut) -> Result<Self, Incomplete> {
        let (header, len) = frame_len(input)?;
        let mut frame = input.split_to(len);
        let mut payload = frame.split_off(header.header_len());
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut payload);
        }
        Ok(Self { header, payload: payload.freeze() })
    }
}

/// The header at the front of `input`, and the length of the frame in bytes, which `input` has.
fn frame_len(input: &[u8]) -> Result<(Header, usize), Incomplete> {
    match Header::decode(input) {
        Ok((header, rest)) => {
            let missing = header.payload_len().saturating_sub(rest.len() as u64);
            if missing == 0 {
                Ok((header, header.header_len() + header.payload_len() as usize))
            } else {
                Err(Incomplete::new(usize::try_from(missing).unwrap_or(usize::MAX)))
            }
        }
        Err(incomplete) => Err(with_payload(incomplete, input)),
    }
}

/// The bytes of the payload too, where the length has arrived before the masking key.
fn with_payload(incomplete: Incomplete, input: &[u8]) -> Incomplete {
    let mut window = [0; Header::MAX_LEN];
    window[..input.len()].copy_from_slice(input);
    match Header::decode(&window) {
        Ok((header, _)) if input.len() >= header.header_len() - key_len(&header) => {
            let payload = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
            Incomplete::new(incomplete.needed().saturating_add(payload))
        }
        _ => incomplete,
    }
}

fn key_len(header: &Header) -> usize {
    if header.is_masked() { 4 } else { 0 }
}
