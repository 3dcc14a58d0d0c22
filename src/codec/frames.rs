//! The codec of whole frames, which validates each frame while it arrives.

use core::fmt;
use std::boxed::Box;

use bytes::{Buf, BytesMut};

use super::Error;
use super::closing::{ClosingHandle, Handshake};
use super::compression::DeflateState;
#[cfg(feature = "deflate")]
use crate::Compression;
use crate::decoder::passes;
use crate::encode::{self, Buffer, Checked, Payload};
use crate::{
    Closing, FrameBuf, Header, Message, OpCode, Policy, Reader, Role, Utf8Bytes, Validator,
    Violation, kernel,
};

/// The free space in bytes that a new codec provides for a read.
const LEAST_ROOM: usize = 4 << 10;

/// The maximum free space in bytes for a read. The space grows up to it while reads fill the
/// buffer. The codec never reserves more, whatever length a header states.
const MOST_ROOM: usize = 128 << 10;

/// A codec of whole frames that validates the received frames: a `Decoder` and an `Encoder` of
/// [`FrameBuf`].
///
/// The codec validates a frame while it arrives: the header before it waits for the payload, and
/// the payload piece by piece. It masks the frames of a client with the keys that
/// [`with_keys`](Self::with_keys) sets.
///
/// ```
/// use bytes::BytesMut;
/// use wsvet::codec::Frames;
/// use wsvet::{Policy, Role};
///
/// let mut frames = Frames::new(Policy::new(Role::Client));
/// let mut input = BytesMut::from(&b"\x01\x02hi\x80"[..]);
/// let frame = frames.decode(&mut input)?.unwrap();
/// assert_eq!((&frame.payload[..], frame.header.fin()), (&b"hi"[..], false));
/// assert!(frames.decode(&mut input)?.is_none()); // the header is cut
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
#[derive(Debug)]
pub struct Frames {
    pub(super) validator: Validator,
    /// The compression of messages, if permessage-deflate is negotiated and the codec inflates.
    pub(super) compression: Option<Box<DeflateState>>,
    reader: Reader,
    /// The number of validated bytes of the current frame at the front of the buffer: its header
    /// and its payload so far.
    kept: usize,
    keys: Option<Keys>,
    /// The free space in bytes that the codec tries to provide for the next read.
    room: usize,
    closing: Handshake,
    /// Whether a fragmented message is open that the caller sends frame by frame.
    sending: bool,
}

/// The source of the masking keys. It is `Sync`, so that a codec with it is `Sync` too.
struct Keys(Box<dyn FnMut() -> [u8; 4] + Send + Sync>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Frames {
    /// Creates a codec for a new connection that receives under this policy.
    ///
    /// The codec collects frames in memory. If the policy sets no limit for a frame or a message,
    /// the codec refuses a frame of more than 64 MiB with 1009. [`Policy::no_limit`] removes this
    /// limit.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let frames = Frames::new(Policy::new(Role::Server).max_frame(1 << 16));
    /// assert!(size_of_val(&frames) <= 192);
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self::below(policy.collecting_frames())
    }

    /// Creates a codec for use by the codec of messages, which sets the limits.
    pub(super) const fn below(policy: Policy) -> Self {
        Self {
            validator: Validator::new(policy),
            compression: None,
            reader: Reader::new(),
            kept: 0,
            keys: None,
            room: LEAST_ROOM,
            closing: Handshake::Own(Closing::Open),
            sending: false,
        }
    }

    /// Creates a codec for use by the codec of messages, with permessage-deflate.
    #[cfg(feature = "deflate")]
    pub(super) fn compressed(policy: Policy, compression: DeflateState) -> Self {
        let validator = Validator::new(policy.compression(Compression::Inflated));
        Self { validator, compression: Some(Box::new(compression)), ..Self::below(policy) }
    }

    /// Changes the policy during the connection, as [`Validator::set_policy`] does.
    ///
    /// # Panics
    ///
    /// Panics if the role, the RSV bits or the compression differ from those of the old policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Server).max_frame(4 << 10));
    /// frames.set_policy(frames.validator().policy().max_frame(1 << 20));
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.validator.set_policy(policy.collecting_frames());
    }

    /// Sets the source of the masking keys. The codec calls it for each frame that a client sends.
    ///
    /// A client cannot send without a source (§5.1). Each key must come from a strong source of
    /// entropy, such as `rand::random` (§5.3). A server never masks a frame, and never calls the
    /// source.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Frame, Header, OpCode, Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Client)).with_keys(|| [1, 2, 3, 4]);
    /// let mut out = BytesMut::new();
    /// frames.encode(Frame { header: Header::new(OpCode::Ping, 1), payload: "a".into() }, &mut out)?;
    /// assert_eq!(out[..], *b"\x89\x81\x01\x02\x03\x04\x60");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn with_keys(self, keys: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        Self { keys: Some(Keys(Box::new(keys))), ..self }
    }

    /// Returns the validator of the frames that are received.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// assert_eq!(Frames::new(Policy::new(Role::Server)).validator().offset(), 0);
    /// ```
    #[must_use]
    pub const fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Returns whether both endpoints have sent a Close frame. The closing handshake is then
    /// complete, and the server closes the TCP connection (§7.1.1).
    ///
    /// After a violation this stays `false`, because the codec discards what the peer sends.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// assert!(!Frames::new(Policy::new(Role::Server)).is_done());
    /// ```
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.closing().is_done()
    }

    /// Returns the state of the closing handshake.
    ///
    /// ```
    /// # use wsvet::{Closing, Policy, Role, codec::Frames};
    /// assert_eq!(Frames::new(Policy::new(Role::Server)).closing(), Closing::Open);
    /// ```
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.closing.get()
    }

    /// Returns a handle to the state of the closing handshake, for use after the codec is moved, or
    /// for a second codec of the same connection.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let policy = Policy::new(Role::Server);
    /// let mut reads = Frames::new(policy);
    /// let writes = Frames::new(policy).with_closing(reads.closing_handle());
    /// # let _ = writes;
    /// ```
    #[must_use]
    pub fn closing_handle(&mut self) -> ClosingHandle {
        self.closing.handle()
    }

    /// Shares the closing handshake of another codec of the same connection.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let policy = Policy::new(Role::Server);
    /// let mut reads = Frames::new(policy);
    /// let writes = Frames::new(policy).with_closing(reads.closing_handle());
    /// # let _ = writes;
    /// ```
    #[must_use]
    pub fn with_closing(self, closing: ClosingHandle) -> Self {
        Self { closing: Handshake::Shared(closing), ..self }
    }

    /// Finds a whole frame at the front of `src` that is an unfragmented message and whose header
    /// breaks no rule. Returns the index at which its payload starts, and the index at which it
    /// ends.
    ///
    /// Most frames of a stream are such frames, and this path takes fewer steps for them.
    #[inline(always)]
    fn find_single(&self, src: &BytesMut) -> Option<(usize, usize)> {
        if !self.reader.is_between_frames() || self.compression.is_some() {
            return None;
        }
        let window: &[u8; Header::MAX_LEN] = src.first_chunk()?;
        let is_fragment = window[0] & 0x0F == 0;
        let (start, len) = self.validator.admits_common(window).filter(|_| !is_fragment)?;
        (start + len <= src.len()).then_some((start, start + len))
    }

    /// Takes a whole frame off the front of `src` that is an unfragmented message and breaks no
    /// rule. Returns `None` if there is none.
    #[inline]
    fn take_single(&mut self, src: &mut BytesMut) -> Option<FrameBuf> {
        let (start, end) = self.find_single(src)?;
        let (header, _) = Header::from_window(src.first_chunk()?);
        if !passes(src[0], start, &mut src[..end]) {
            return None;
        }
        self.validator.pass_single(end);
        let mut payload = src.split_to(end).freeze();
        payload.advance(start);
        Some(FrameBuf { header, payload })
    }

    /// Takes an unfragmented message off the front of `src`, as [`take_single`](Self::take_single)
    /// takes a frame. The text of a text message is checked once, when the message is created.
    #[inline(always)]
    pub(super) fn take_message(&mut self, src: &mut BytesMut) -> Option<Message> {
        const TEXT: u8 = 0x81;
        const BINARY: u8 = 0x82;
        let (start, end) = self.find_single(src)?;
        let message = match src[0] {
            TEXT => {
                // The extended length of a payload below 64 KiB has at most two bytes. If four
                // bytes or more follow, the last four are the masking key.
                let key = src[2..start].last_chunk().map(|key| kernel::number(*key));
                Message::Text(Utf8Bytes::take(key, start, end, src)?)
            }
            first @ BINARY => {
                if !passes(first, start, &mut src[..end]) {
                    return None;
                }
                let mut payload = src.split_to(end).freeze();
                payload.advance(start);
                Message::Binary(payload)
            }
            _ => return None,
        };
        self.validator.pass_single(end);
        Some(message)
    }

    /// Validates and unmasks the part of the frame's payload that is in `src`.
    fn judge(&mut self, src: &mut BytesMut) -> Result<(), Violation> {
        let there = self.reader.available(src.len() - self.kept);
        let piece = &mut src[self.kept..self.kept + there];
        let key = self.reader.pass(there);
        self.validator.payload_masked(key, piece)?;
        self.kept += there;
        if let Some(compression) = &mut self.compression
            && compression.takes_frame()
        {
            let found = compression.payload(piece);
            found.map_err(|found| self.validator.refuse_with(found))?;
            // The inflated bytes replace the compressed ones, which are not needed any more.
            src.advance(core::mem::take(&mut self.kept));
        }
        Ok(())
    }

    /// Validates the end of the frame.
    fn finish(&mut self, header: &Header) -> Result<(), Violation> {
        self.reader.finish();
        self.validator.finish()?;
        if let Some(compression) = &mut self.compression {
            let found = compression.finish(&self.validator);
            found.map_err(|found| self.validator.refuse_with(found))?;
        }
        if header.opcode() == OpCode::Close {
            self.closing.receive();
        }
        Ok(())
    }

    /// Makes free space for the next read, if `missing` more bytes of a frame may arrive. If the
    /// last read has filled the buffer, doubles the space to provide.
    fn make_room(&mut self, src: &mut BytesMut, missing: u64) {
        let left = src.capacity() - src.len();
        if left == 0 {
            self.room = (2 * self.room).min(MOST_ROOM);
        }
        // Reuses the memory of frames that were dropped, if it is large enough: few large reads are
        // cheaper than many small ones.
        let enough = self.room / 4 * 3;
        if left < enough && !src.try_reclaim(enough) && (left as u64) < missing {
            src.reserve(self.room.saturating_sub(src.len()).max(self.room / 2));
        }
    }

    /// Writes a control frame.
    pub(super) fn write_control(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        let header = Header::new(opcode, payload.len() as u64);
        encode::check(&header, payload)?;
        self.write(header, payload, dst)
    }

    /// Returns whether a fragmented message is open after a frame with this header is sent.
    ///
    /// # Errors
    ///
    /// An [`encode::Error`] if the frame must not be sent.
    fn check(&self, header: &Header, payload: &[u8]) -> Result<bool, encode::Error> {
        encode::check(header, payload)?;
        let opcode = header.opcode();
        if self.validator.is_undefined(header.rsv()) {
            Err(encode::Error::ReservedBits)
        } else if opcode == OpCode::Continuation && !self.sending {
            Err(encode::Error::UnexpectedContinuation)
        } else if opcode.starts_message() && self.sending {
            Err(encode::Error::InterruptedMessage)
        } else {
            Ok(if opcode.is_data() { !header.fin() } else { self.sending })
        }
    }

    /// Writes a frame that was checked. The buffer may hold the payload if it is `Bytes`. After a
    /// Close frame it writes nothing, and returns an error for data.
    #[inline]
    pub(super) fn write(
        &mut self,
        header: Header,
        payload: impl Payload,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        if let Some(header) = self.next_header(header)? {
            dst.put(&header, payload, Checked(()));
        }
        Ok(())
    }

    /// Returns the header of the next frame to send, with its masking key, and counts a Close frame.
    /// Returns `None` for a control frame after a Close frame, which is left out.
    #[inline]
    fn next_header(&mut self, header: Header) -> Result<Option<Header>, Error> {
        let closes = header.opcode() == OpCode::Close;
        if self.closing().has_sent() {
            // The peer needs no second Close frame, and no Pong after a Close frame.
            return if header.opcode().is_data() { Err(Error::Closed) } else { Ok(None) };
        }
        let header = match (self.validator.role(), &mut self.keys) {
            (Role::Server, _) => header,
            (Role::Client, Some(Keys(key))) => header.masked(key()),
            (Role::Client, None) => return Err(Error::Unmasked),
        };
        if closes {
            self.closing.send();
        }
        Ok(Some(header))
    }
}

impl Frames {
    /// Takes the next frame off the front of `src` and unmasks its payload, or returns `None` if a
    /// part of the frame is missing. The codec discards everything after a Close frame (§1.4) or
    /// after a violation (§7.1.7).
    ///
    /// # Errors
    ///
    /// An [`Error::Violation`] as soon as the byte that breaks the rule has arrived.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Client));
    /// let mut input = BytesMut::from(&b"\x81\x03\xC3\xA9"[..]);
    /// assert!(frames.decode(&mut input)?.is_none());
    /// input.extend_from_slice(b"!");
    /// assert_eq!(frames.decode(&mut input)?.unwrap().payload, "é!");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        if self.closing().has_received() {
            src.clear();
            return Ok(None);
        }
        if let Some(frame) = self.take_single(src) {
            return Ok(Some(frame));
        }
        if self.validator.violation().is_some() {
            src.clear();
            return Ok(None);
        }
        if self.reader.is_between_frames() {
            let Ok((header, _)) = Header::decode(src) else {
                self.validator.cut_header(src)?;
                // An idle connection reserves no memory for frames that may arrive.
                self.make_room(src, if src.is_empty() { 1 } else { MOST_ROOM as u64 });
                return Ok(None);
            };
            self.validator.begin(&header)?;
            if let Some(compression) = &mut self.compression {
                compression.begin(&self.validator, &header);
            }
            self.reader.begin(header);
            self.kept = header.header_len();
        }
        self.judge(src)?;
        let Some(&header) = self.reader.frame() else { unreachable!("a frame has begun") };
        if !self.reader.is_whole() {
            self.make_room(src, self.reader.remaining());
            return Ok(None);
        }
        self.finish(&header)?;
        let kept = core::mem::take(&mut self.kept);
        let mut payload = src.split_to(kept).freeze();
        payload.advance(header.header_len().min(kept));
        Ok(Some(FrameBuf { header, payload }))
    }

    /// Takes the next frame after the stream has ended. Returns `None` after the last frame if the
    /// stream ended with a Close frame.
    ///
    /// # Errors
    ///
    /// The errors of [`decode`](Self::decode), and an [`Error::Violation`] of
    /// [`Rule::EofInFrame`](crate::Rule::EofInFrame) or
    /// [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose) (§7.1.5).
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Client));
    /// let error = frames.decode_eof(&mut BytesMut::from(&b"\x81"[..])).unwrap_err();
    /// assert!(error.to_string().starts_with("eof-in-frame at byte 1"));
    /// ```
    pub fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        if let Some(frame) = self.decode(src)? {
            return Ok(Some(frame));
        }
        if self.validator.violation().is_some() {
            return Ok(None); // the violation was returned before
        }
        let unread = if self.reader.is_between_frames() { src.len() } else { 0 };
        src.clear();
        self.reader.finish();
        self.validator.eof(unread)?;
        Ok(None)
    }

    /// Writes a frame with the FIN bit, the RSV bits and the opcode of its header to the end of `dst`:
    /// a `BytesMut`, a `Vec<u8>`, or a [`SendBuffer`](encode::SendBuffer), which holds a long payload
    /// instead of copying it.
    ///
    /// The codec writes the length of the payload, and masks the frame of a client with a fresh
    /// key. It ignores the length and the masking key of the header. A control frame after a Close
    /// frame is left out (§5.5.1).
    ///
    /// # Errors
    ///
    /// The codec writes nothing and returns:
    ///
    /// - [`Error::Closed`] if the frame is data after a Close frame.
    /// - [`Error::Unmasked`] if a client has no source of masking keys.
    /// - [`Error::Encode`] if the frame is illegal, or illegal after the frames before it: a new
    ///   message inside a fragmented message, or a continuation frame without one.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Frame, Header, OpCode, Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Server));
    /// let mut out = BytesMut::new();
    /// let header = Header::new(OpCode::Text, 2).not_final();
    /// frames.encode(Frame { header, payload: "hi".into() }, &mut out)?;
    /// assert_eq!(out[..], *b"\x01\x02hi");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn encode(&mut self, frame: FrameBuf, dst: &mut impl Buffer) -> Result<(), Error> {
        let FrameBuf { header, payload } = frame;
        let plain = Header::new(header.opcode(), payload.len() as u64).with_rsv(header.rsv());
        let header = if header.fin() { plain } else { plain.not_final() };
        let sending = self.check(&header, &payload)?;
        self.write(header, payload, dst)?;
        self.sending = sending;
        Ok(())
    }
}
