//! Frames: a header with its payload.

use core::fmt;

use crate::{Header, Incomplete, mask};

/// A frame: a [`Header`] with its payload (RFC 6455 §5.2).
///
/// The type `P` of the payload tells whether the payload is as on the wire or unmasked:
///
/// | frame | payload |
/// |---|---|
/// | [`FrameRef`], [`FrameMut`] | as on the wire, borrowed from a buffer: [`Masked`] |
/// | `Frame<&[u8]>` | unmasked, borrowed |
/// | `FrameBuf` (feature `alloc`) | unmasked, in shared memory |
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
    /// The payload.
    pub payload: P,
}

/// A payload as on the wire, which must be unmasked before it is read (RFC 6455 §5.3).
///
/// The payload of a frame without a masking key has this type too, because only the header tells
/// whether the bytes are masked. [`FrameMut::unmask`] and [`FrameRef::plain`] return an unmasked
/// payload. No function that takes an unmasked payload accepts this type:
///
/// ```compile_fail,E0308
/// use wsvet::{FrameRef, Policy, Role, Validator};
///
/// let (frame, _) = FrameRef::decode(b"\x81\x82\x01\x02\x03\x04ik").unwrap();
/// let mut validator = Validator::new(Policy::new(Role::Server));
/// validator.frame(&frame.header, frame.payload).unwrap(); // the payload is masked
/// ```
///
/// ```
/// use wsvet::FrameRef;
///
/// let (frame, _) = FrameRef::decode(b"\x81\x82\x01\x02\x03\x04ik")?;
/// assert_eq!(frame.payload.len(), 2);
/// assert_eq!(frame.payload.into_raw(), b"ik");
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Masked<P>(P);

impl<P> Masked<P> {
    /// Creates a payload from its bytes on the wire.
    ///
    /// ```
    /// assert_eq!(wsvet::Masked::new(b"ik").into_raw(), b"ik");
    /// ```
    #[must_use]
    pub const fn new(raw: P) -> Self {
        Self(raw)
    }

    /// Returns the bytes as on the wire.
    ///
    /// Use it to forward them, or to unmask them with [`mask`](crate::mask).
    ///
    /// ```
    /// assert_eq!(wsvet::Masked::new("ik").into_raw(), "ik");
    /// ```
    #[must_use]
    pub fn into_raw(self) -> P {
        self.0
    }
}

impl<P: AsRef<[u8]>> Masked<P> {
    /// Returns the length of the payload in bytes.
    ///
    /// ```
    /// assert_eq!(wsvet::Masked::new(b"ik").len(), 2);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().len()
    }

    /// Returns whether the payload is empty.
    ///
    /// ```
    /// assert!(wsvet::Masked::new(b"").is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<P: AsRef<[u8]>> fmt::Debug for Masked<P> {
    /// Writes the length. It does not write the bytes, because masked bytes are of no use to a
    /// reader.
    ///
    /// ```
    /// assert_eq!(format!("{:?}", wsvet::Masked::new(b"ik")), "Masked(2 bytes)");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} bytes)", self.len())
    }
}

/// A frame that borrows its payload from a buffer, as on the wire.
///
/// ```
/// use wsvet::FrameRef;
///
/// /// Returns the payload bytes of all the frames.
/// fn total(frames: &[FrameRef<'_>]) -> usize {
///     frames.iter().map(|frame| frame.payload.len()).sum()
/// }
///
/// let (first, rest) = FrameRef::decode(b"\x81\x02hi\x82\x01\x07")?;
/// let (second, _) = FrameRef::decode(rest)?;
/// assert_eq!(total(&[first, second]), 3);
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
pub type FrameRef<'a> = Frame<Masked<&'a [u8]>>;

/// A frame that mutably borrows its payload from a buffer, as on the wire, and can unmask it in
/// place (RFC 6455 §5.3).
///
/// ```
/// use wsvet::FrameMut;
///
/// let mut wire = *b"\x81\x82\x01\x02\x03\x04ik";
/// let (frame, _): (FrameMut<'_>, _) = FrameMut::decode(&mut wire)?;
/// assert_eq!(frame.unmask().payload, b"hi");
/// assert_eq!(wire[6..], *b"hi");
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
pub type FrameMut<'a> = Frame<Masked<&'a mut [u8]>>;

/// A frame with an unmasked payload in shared memory, taken off a read buffer without a copy.
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
    /// Decodes the whole frame at the front of `input`, and returns it with the bytes after it
    /// (§5.2).
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if `input` ends inside the frame. [`Incomplete::needed`] returns how many
    /// more bytes are needed at least. If `input` contains the payload length, this is the exact
    /// number of missing bytes.
    ///
    /// ```
    /// use wsvet::{FrameRef, OpCode};
    ///
    /// let (frame, rest) = FrameRef::decode(b"\x81\x02hi\x89")?;
    /// assert_eq!(frame.header.opcode(), OpCode::Text);
    /// assert_eq!(rest, b"\x89");
    /// assert_eq!(FrameRef::decode(b"\x81\x85").unwrap_err().needed(), 9);
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    pub fn decode(input: &'a [u8]) -> Result<(Self, &'a [u8]), Incomplete> {
        let (header, len) = frame_len(input)?;
        let (frame, rest) = input.split_at(len);
        Ok((Self { header, payload: Masked(&frame[header.header_len()..]) }, rest))
    }

    /// Returns the frame with its unmasked payload, or `None` if the payload is masked.
    ///
    /// A server sends frames that are not masked (§5.1).
    ///
    /// ```
    /// # use wsvet::FrameRef;
    /// let (frame, _) = FrameRef::decode(b"\x81\x02hi")?;
    /// assert_eq!(frame.plain().unwrap().payload, b"hi");
    /// let (frame, _) = FrameRef::decode(b"\x81\x82\x01\x02\x03\x04ik")?;
    /// assert_eq!(frame.plain(), None);
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    #[must_use]
    pub fn plain(self) -> Option<Frame<&'a [u8]>> {
        let Self { header, payload: Masked(payload) } = self;
        (!header.is_masked()).then_some(Frame { header, payload })
    }
}

impl<'a> FrameMut<'a> {
    /// Decodes the whole frame at the front of `input`, and returns it with the bytes after it
    /// (§5.2).
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if `input` ends inside the frame, as for [`FrameRef::decode`].
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
        Ok((Self { header, payload: Masked(&mut frame[header.header_len()..]) }, rest))
    }

    /// Unmasks the payload in place, and returns the frame with the unmasked payload (§5.3).
    ///
    /// A payload that is not masked does not change. The header keeps its masking key.
    ///
    /// ```
    /// use wsvet::{Frame, Header, Masked, OpCode};
    ///
    /// let mut payload = *b"ih";
    /// let header = Header::new(OpCode::Text, 2).masked([1; 4]);
    /// let frame = Frame { header, payload: Masked::new(&mut payload[..]) };
    /// assert_eq!(frame.unmask().payload, b"hi");
    /// ```
    #[must_use]
    pub fn unmask(self) -> Frame<&'a [u8]> {
        let Self { header, payload: Masked(payload) } = self;
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, payload);
        }
        Frame { header, payload }
    }
}

#[cfg(feature = "alloc")]
impl FrameBuf {
    /// Takes the whole frame at the front of `input` off it, and unmasks its payload, without a
    /// copy (§5.2, §5.3).
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if `input` ends inside the frame, as for [`FrameRef::decode`]. `input` is
    /// then unchanged.
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

/// Returns the header at the front of `input`, and the length of the frame in bytes. `input` has at
/// least this length.
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

/// Returns `incomplete`, with the bytes of the payload added if `input` contains the payload length
/// but not the whole masking key.
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
