//! Chunks in, events out: parse, unmask and validate in one, for those who want it all.

use core::fmt;

use crate::kernel::{self, Ending, judge, unmask_ascii};
use crate::{CloseFrame, Header, OpCode, Policy, Validator, Violation};

/// What a [`Decoder`] found: a piece of a message, or a whole control frame.
///
/// ```
/// use wsvet::{Decoder, Event, OpCode, Policy, Role};
///
/// let mut decoder = Decoder::new(Policy::new(Role::Client));
/// let mut chunk = *b"\x81\x02hi";
/// match decoder.decode(&mut chunk)? {
///     (4, Some(Event::Data { opcode: OpCode::Text, bytes: b"hi", end: true, .. })) => {}
///     event => panic!("{event:?}"),
/// }
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next piece of a text or binary message: as much of a frame as the chunk has.
    #[non_exhaustive]
    Data {
        /// The opcode of the message, text or binary, for its continuation frames too.
        opcode: OpCode,
        /// The plain bytes, where they lie in the chunk; a character of a text may be cut.
        bytes: &'a [u8],
        /// Whether the message ends with this piece; a message can end with an empty one.
        end: bool,
        /// The RSV bits of the message's first frame: 4 where permessage-deflate is negotiated and
        /// has compressed the message.
        rsv: u8,
    },
    /// A Ping: answer with a Pong that has the same payload (§5.5.2).
    Ping(&'a [u8]),
    /// A Pong (§5.5.3).
    Pong(&'a [u8]),
    /// A Close: answer with a Close, if none was sent yet, and read no further (§5.5.1). An empty
    /// body is `None`. Control frames that come after it are given too.
    Close(Option<CloseFrame<'a>>),
}

/// Decodes one direction of a connection from chunks of any size, and judges all of it (RFC 6455
/// §5, §6.2).
///
/// Data is unmasked where it lies in the chunk and never copied. What is kept between chunks is at
/// most a cut header or the body of a cut control frame, inside the decoder itself: it allocates
/// nothing, whatever a header says.
///
/// The events and the violation are the same however the stream is cut into chunks. Only the data
/// comes in as many pieces as it arrives in, and what of a frame was given before its payload
/// breaks a rule depends on them.
///
/// ```
/// use wsvet::{Accepts, Decoder, Event, Policy, Role, Rule, Violation};
///
/// fn read(decoder: &mut Decoder, mut chunk: &mut [u8], text: &mut Vec<u8>) -> Result<(), Violation> {
///     while !chunk.is_empty() {
///         let (used, event) = decoder.decode(chunk)?;
///         if let Some(Event::Data { bytes, .. }) = event {
///             text.extend_from_slice(bytes);
///         }
///         chunk = &mut chunk[used..];
///     }
///     Ok(())
/// }
///
/// let mut decoder = Decoder::new(Policy::new(Role::Client).accepts(Accepts::TextOnly));
/// let mut text = Vec::new();
/// read(&mut decoder, &mut b"\x89\x00\x81\x02h".clone(), &mut text)?;
/// read(&mut decoder, &mut b"i".clone(), &mut text)?;
/// assert_eq!(text, b"hi");
///
/// // A binary message of 4096 bytes is refused at its header.
/// let violation = read(&mut decoder, &mut b"\x82\x7E\x10\x00".clone(), &mut text).unwrap_err();
/// assert_eq!((violation.rule, violation.offset), (Rule::UnsupportedData, 6));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    validator: Validator,
    header: Header,
    /// Payload bytes of the frame that have not come yet.
    remaining: u64,
    /// The opcode of the message that the frame belongs to.
    message: OpCode,
    /// The RSV bits of that message's first frame.
    rsv: u8,
    phase: u8,
    /// Where the chunk before ended: how many bytes are held, and `IN_PAYLOAD`. Zero is the start
    /// of a frame.
    cut: u8,
    /// A cut header, or the body of a control frame that is cut.
    held: [u8; CloseFrame::MAX_BODY_LEN],
}

/// The chunk before ended inside a payload.
const IN_PAYLOAD: u8 = 0x80;

impl Decoder {
    /// The start of a stream that is received under this policy.
    ///
    /// ```
    /// use wsvet::{Decoder, Policy, Role};
    ///
    /// let decoder = Decoder::new(Policy::new(Role::Server));
    /// assert!(size_of_val(&decoder) <= 256);
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self {
            validator: Validator::new(policy),
            header: Header::new(OpCode::Continuation, 0),
            remaining: 0,
            message: OpCode::Continuation,
            rsv: 0,
            phase: 0,
            cut: 0,
            held: [0; CloseFrame::MAX_BODY_LEN],
        }
    }

    /// The same on a connection on which permessage-deflate was agreed, beside a
    /// [`Content`](crate::deflate::Content) that inflates: [`Policy::max_message`] counts there for
    /// what a compressed message inflates to, and here for all others (RFC 7692 §6).
    ///
    /// As it stands on the wire, a compressed message may be six times as long.
    ///
    /// ```
    /// use wsvet::{Decoder, Policy, Role, Rule};
    ///
    /// let policy = Policy::new(Role::Client).max_message(5);
    /// let mut decoder = Decoder::inflated(policy);
    /// decoder.decode(&mut *b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00".to_vec())?; // "Hello"
    /// let violation = decoder.decode(&mut [0x81, 0x07]).unwrap_err();
    /// assert_eq!(violation.rule, Rule::MessageTooBig);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn inflated(policy: Policy) -> Self {
        let validator = Validator::inflated(policy.permessage_deflate(true));
        Self { validator, ..Self::new(policy) }
    }

    /// Decodes up to the next event, and gives how many bytes of `chunk` were used with it.
    ///
    /// Call it again with the rest of the chunk until that is empty. Without an event all of the
    /// chunk was used. The bytes used are overwritten with plain ones; those of an event lie in
    /// the chunk, but for the body of a control frame that came in several chunks.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream; it ends the stream (§7.1.7) and is given again by
    /// every later call. Of the frame that breaks a rule nothing more is given, though the chunk may
    /// have been unmasked further.
    ///
    /// ```
    /// use wsvet::{Decoder, Event, Policy, Role};
    ///
    /// let mut decoder = Decoder::new(Policy::new(Role::Server));
    /// assert_eq!(decoder.decode(&mut [0x89, 0x81, 1, 2])?, (4, None));
    /// assert_eq!(decoder.decode(&mut [3, 4, b'!' ^ 1])?, (3, Some(Event::Ping(b"!"))));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline(always)]
    pub fn decode<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        // Most chunks start with a whole frame of data.
        if self.cut == 0
            && let Some(window) = chunk.first_chunk()
            && let first = window[0]
            && let Some((start, len)) = self.validator.admits_common(window)
            && let used = start + len
            && used <= chunk.len()
        {
            let frame = &mut chunk[..used];
            let is_fragment = first & 0x0F == 0;
            let end = first & 0x80 != 0;
            if !is_fragment {
                if passes(first, start, frame) {
                    self.validator.pass_single(used);
                    let opcode = if first & 1 == 0 { OpCode::Binary } else { OpCode::Text };
                    let (bytes, rsv) = (&chunk[start..used], first >> 4 & 7);
                    return Ok((used, Some(Event::Data { opcode, bytes, end, rsv })));
                }
            } else if end || len > 0 {
                let (key, payload) = split(start, frame);
                self.validator.fragment(start, end, key, payload)?;
                return Ok((used, Some(self.data(&chunk[start..used], end))));
            }
        }
        self.decode_piece(chunk)
    }

    /// Decodes a piece of data that is not the last of its frame, or anything else.
    #[inline(never)]
    fn decode_piece<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        let len = chunk.len();
        let inside = self.cut == IN_PAYLOAD && len > 0 && (len as u64) < self.remaining;
        if !inside || self.header.opcode().is_control() {
            return self.decode_any(chunk);
        }
        self.judge(chunk)?;
        self.remaining -= len as u64;
        Ok((len, Some(self.data(chunk, false))))
    }

    /// Decodes what comes, whole or cut, and goes on where a frame gives no event.
    #[inline(never)]
    fn decode_any<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        self.validator.still_good()?;
        let mut used = 0;
        loop {
            if self.cut & IN_PAYLOAD == 0 {
                match self.begin(&chunk[used..])? {
                    Some(len) => used += len,
                    None => return Ok((chunk.len(), None)),
                }
            }
            let start = used;
            let done = self.payload(&mut chunk[used..], &mut used)?;
            let opcode = self.header.opcode();
            if opcode.is_control() {
                let Some(body) = self.control_body(&chunk[start..used], done) else {
                    return Ok((used, None));
                };
                return Ok((used, Some(control_event(opcode, body))));
            }
            let end = done && self.header.fin();
            if end || start < used {
                return Ok((used, Some(self.data(&chunk[start..used], end))));
            }
            if !done {
                return Ok((used, None));
            }
        }
    }

    /// Ends the stream: no byte will follow.
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`Validator::eof`] gives it (§7.1.5); there is nobody left to send it to.
    ///
    /// ```
    /// use wsvet::{Decoder, Policy, Role, Rule};
    ///
    /// let mut decoder = Decoder::new(Policy::new(Role::Server));
    /// assert_eq!(decoder.decode(&mut [0x89])?, (1, None));
    /// assert_eq!(decoder.eof().unwrap_err().rule, Rule::EofInFrame);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn eof(&mut self) -> Result<(), Violation> {
        let unread = if self.cut & IN_PAYLOAD == 0 { self.cut } else { 0 };
        self.validator.eof(unread.into())
    }

    /// The validator that judges the stream: its offset, and what is open.
    ///
    /// ```
    /// use wsvet::{Decoder, Policy, Role};
    ///
    /// let mut decoder = Decoder::new(Policy::new(Role::Client));
    /// decoder.decode(&mut [0x8A, 0x00])?;
    /// assert_eq!(decoder.validator().offset(), 2);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Begins the next frame: how many bytes of `chunk` its header took, or `None` where the
    /// header is cut; all of the chunk is held then.
    #[inline]
    fn begin(&mut self, chunk: &[u8]) -> Result<Option<usize>, Violation> {
        let held = self.held();
        let decoded =
            if held == 0 { Header::decode(chunk) } else { Header::decode(self.hold(chunk)) };
        let Ok((header, _)) = decoded else {
            if held == 0 {
                self.hold(chunk);
            }
            return Ok(None);
        };
        self.cut = 0;
        self.validator.begin(&header)?;
        self.note_message(&header);
        self.remaining = header.payload_len();
        self.phase = 0;
        self.cut = IN_PAYLOAD;
        self.header = header;
        Ok(Some(header.header_len() - held))
    }

    /// How many bytes are held.
    fn held(&self) -> usize {
        usize::from(self.cut & !IN_PAYLOAD)
    }

    /// Holds as much of a cut header as the chunk has, and gives what is held.
    fn hold(&mut self, chunk: &[u8]) -> &[u8] {
        let held = self.held();
        let len = chunk.len().min(Header::MAX_LEN - held);
        self.held[held..held + len].copy_from_slice(&chunk[..len]);
        self.cut += len as u8;
        &self.held[..held + len]
    }

    /// Unmasks and judges what the chunk has of the payload, and whether the frame ends with it.
    #[inline]
    fn payload(&mut self, chunk: &mut [u8], used: &mut usize) -> Result<bool, Violation> {
        // The lesser of the two, so it fits.
        let len = self.remaining.min(chunk.len() as u64) as usize;
        self.judge(&mut chunk[..len])?;
        *used += len;
        self.remaining -= len as u64;
        let done = self.remaining == 0;
        if done {
            self.validator.finish()?;
            self.cut &= !IN_PAYLOAD;
        }
        Ok(done)
    }

    /// Unmasks and judges the next bytes of the payload.
    #[inline(always)]
    fn judge(&mut self, piece: &mut [u8]) -> Result<(), Violation> {
        let phase = self.phase.into();
        self.phase = ((phase + piece.len()) % 4) as u8;
        match self.header.masking_key() {
            Some(key) => {
                self.validator.payload_text(kernel::turned(kernel::number(key), phase), piece)
            }
            None => self.validator.payload(piece),
        }
    }

    /// Keeps what later fragments do not say of their message.
    #[inline]
    fn note_message(&mut self, header: &Header) {
        if header.opcode().starts_message() {
            self.message = header.opcode();
            self.rsv = header.rsv();
        }
    }

    /// A piece of the message that the frame belongs to.
    #[inline]
    fn data<'a>(&self, bytes: &'a [u8], end: bool) -> Event<'a> {
        Event::Data { opcode: self.message, bytes, end, rsv: self.rsv }
    }

    /// The whole body of a control frame: `piece` itself, or what was held with `piece` behind it.
    fn control_body<'a>(&'a mut self, piece: &'a [u8], done: bool) -> Option<&'a [u8]> {
        let held = self.held();
        if done && held == 0 {
            return Some(piece);
        }
        let len = held + piece.len();
        self.held[held..len].copy_from_slice(piece);
        self.cut = if done { 0 } else { IN_PAYLOAD | len as u8 };
        done.then_some(&self.held[..len])
    }
}

/// The key of a frame, if it has one, and its payload, which starts there.
#[inline(always)]
fn split(start: usize, frame: &mut [u8]) -> (Option<u32>, &mut [u8]) {
    let (header, payload) = frame.split_at_mut(start);
    // Behind the two bytes that every header has there are four only with a key.
    (header[2..].last_chunk().map(|key| kernel::number(*key)), payload)
}

/// Unmasks the payload of a message in a single frame, and whether it breaks no rule. If it does,
/// it is left as it was.
#[inline(always)]
pub(crate) fn passes(first: u8, start: usize, frame: &mut [u8]) -> bool {
    const TEXT: u8 = 0x81;
    match split(start, frame) {
        (Some(key), payload) if first == TEXT => {
            unmask_ascii(key, &mut *payload) || passes_text(key, payload)
        }
        (None, payload) if first == TEXT => passes_plain_text(payload),
        (Some(key), payload) => {
            kernel::mask(key, payload);
            true
        }
        (None, _) => true,
    }
}

#[inline(never)]
fn passes_plain_text(text: &[u8]) -> bool {
    unmask_ascii(0, text) || judge(0, text) == Ending::Whole
}

/// The same for any text.
#[inline(never)]
fn passes_text(key: u32, text: &mut [u8]) -> bool {
    let passes = judge(key, &mut *text) == Ending::Whole;
    if !passes {
        kernel::mask(key, text);
    }
    passes
}

fn control_event(opcode: OpCode, body: &[u8]) -> Event<'_> {
    match opcode {
        OpCode::Ping => Event::Ping(body),
        OpCode::Pong => Event::Pong(body),
        // The validator admits no reserved opcode, and no body that does not decode.
        _ => {
            let close = CloseFrame::decode(body);
            debug_assert!(close.is_ok(), "{close:?}");
            Event::Close(close.unwrap_or_default())
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("validator", &self.validator)
            .field("in_payload", &(self.cut & IN_PAYLOAD != 0))
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
