//! The decoder that parses, unmasks and validates chunks of a stream, and returns events.

mod event;

use core::fmt;

use crate::kernel::{self, Ending, judge, unmask_ascii};
use crate::{CloseFrame, OpCode, Policy, Reader, Validator, Violation};

pub use event::{Event, Found};

/// A decoder that parses, unmasks and validates one direction of a connection, from chunks of any
/// size (RFC 6455 §5, §6.2).
///
/// The decoder unmasks data in place in the chunk, and never copies it. Between chunks it holds at
/// most a cut header or the body of a cut control frame, in a fixed buffer. It never allocates
/// memory, whatever length a header states.
///
/// The events and the violation do not depend on how the stream is cut into chunks, with two
/// exceptions. The decoder returns data in as many pieces as it arrives in. If a payload breaks a
/// rule, the pieces of the frame that the decoder returned before depend on the chunks.
///
/// ```
/// use wsvet::{Accepts, StreamDecoder, Event, Policy, Role, Rule, Violation};
///
/// fn read(decoder: &mut StreamDecoder, mut chunk: &mut [u8], text: &mut Vec<u8>) -> Result<(), Violation> {
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
/// let mut decoder = StreamDecoder::new(Policy::new(Role::Client).accepts(Accepts::TextOnly));
/// let mut text = Vec::new();
/// read(&mut decoder, &mut b"\x89\x00\x81\x02h".clone(), &mut text)?;
/// read(&mut decoder, &mut b"i".clone(), &mut text)?;
/// assert_eq!(text, b"hi");
///
/// // The decoder refuses a binary message of 4096 bytes at its header.
/// let violation = read(&mut decoder, &mut b"\x82\x7E\x10\x00".clone(), &mut text).unwrap_err();
/// assert_eq!((violation.rule, violation.offset), (Rule::UnsupportedData, 6));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone)]
// The validator, which every frame changes, is exactly one cache line. In C the caller decides where a
// decoder lies.
#[cfg_attr(all(target_pointer_width = "64", not(feature = "c")), repr(align(64)))]
pub struct StreamDecoder {
    validator: Validator,
    reader: Reader,
    /// The number of bytes that `body` holds.
    held: u8,
    /// The body of a cut control frame.
    body: [u8; CloseFrame::MAX_BODY_LEN],
}

impl StreamDecoder {
    /// Creates a decoder at the start of a stream that an endpoint with this policy receives.
    ///
    /// ```
    /// use wsvet::{StreamDecoder, Policy, Role};
    ///
    /// let decoder = StreamDecoder::new(Policy::new(Role::Server));
    /// assert!(size_of_val(&decoder) <= 256);
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self {
            validator: Validator::new(policy),
            reader: Reader::new(),
            held: 0,
            body: [0; CloseFrame::MAX_BODY_LEN],
        }
    }

    /// Changes the policy during the connection, as [`Validator::set_policy`] does.
    ///
    /// # Panics
    ///
    /// Panics if the role, the RSV bits or the compression differ from those of the current policy.
    ///
    /// ```
    /// use wsvet::{Policy, Role, StreamDecoder};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Client).max_message(1));
    /// decoder.set_policy(decoder.validator().policy().max_message(2));
    /// assert!(decoder.decode(&mut [0x82, 2, 7, 8]).is_ok());
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.validator.set_policy(policy);
    }

    /// Decodes `chunk` up to the next event, and returns how many bytes of `chunk` it used, and the
    /// event.
    ///
    /// Call it again with the rest of the chunk until the rest is empty. If there is no event, all
    /// of the chunk was used; an empty chunk is no event. Masked payloads are unmasked in the chunk. The bytes of an event lie
    /// in the chunk, except for the body of a control frame that arrived in several chunks.
    ///
    /// # Errors
    ///
    /// [`Violation`] if the stream breaks a rule. It is the first violation of the stream and ends
    /// the stream (§7.1.7): every later call returns the same violation. The decoder returns no
    /// more data of the frame that breaks the rule, although more of the chunk may have been
    /// unmasked.
    ///
    /// ```
    /// use wsvet::{StreamDecoder, Event, Policy, Role};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
    /// assert_eq!(decoder.decode(&mut [0x89, 0x81, 1, 2])?, (4, None));
    /// assert_eq!(decoder.decode(&mut [3, 4, b'!' ^ 1])?, (3, Some(Event::Ping(b"!"))));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline(always)]
    pub fn decode<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        // Fast path: most chunks start with a whole data frame.
        if self.reader.is_between_frames()
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
        self.decode_byte(chunk)
    }

    /// Decodes `chunk` up to the next event, as [`decode`](Self::decode) does, and returns the
    /// event without a borrow.
    ///
    /// [`event`](Self::event) returns the event itself.
    ///
    /// # Errors
    ///
    /// [`Violation`] if the stream breaks a rule, as for [`decode`](Self::decode).
    ///
    /// ```
    /// use wsvet::{Event, Policy, Role, StreamDecoder};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
    /// let mut chunk = *b"\x89\x81\x01\x02\x03\x04\x20";
    /// let (used, found) = decoder.find(&mut chunk)?;
    /// assert_eq!(used, 7);
    /// assert_eq!(decoder.event(&found.unwrap(), &chunk), Event::Ping(b"!"));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn find(&mut self, chunk: &mut [u8]) -> Result<(usize, Option<Found>), Violation> {
        let body = self.body.as_ptr().addr();
        let start = chunk.as_ptr().addr();
        let addresses = start..start + chunk.len();
        let (used, event) = self.decode(chunk)?;
        Ok((used, event.map(|event| Found::new(event, addresses, body))))
    }

    /// Returns the event that [`find`](Self::find) has found, with its bytes.
    ///
    /// `chunk` must be the chunk that was passed to `find`, or more bytes that start with it. Call
    /// this function before the next call of `find` or [`decode`](Self::decode). Otherwise the
    /// event may have other bytes.
    ///
    /// # Panics
    ///
    /// May panic if `chunk` is shorter than the bytes that `find` used.
    ///
    /// ```
    /// use wsvet::{Event, OpCode, Policy, Role, StreamDecoder};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
    /// let mut chunk = *b"\x82\x02\x07\x08";
    /// let (_, found) = decoder.find(&mut chunk)?;
    /// let event = decoder.event(&found.unwrap(), &chunk);
    /// assert_eq!(event, Event::data(OpCode::Binary, &[7, 8], true));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[must_use]
    pub fn event<'a>(&'a self, found: &Found, chunk: &'a [u8]) -> Event<'a> {
        found.event(chunk, &self.body)
    }

    /// Decodes a chunk that is one byte of a data frame but not its last, if the byte breaks no rule
    /// whatever comes before and after it. Otherwise calls [`decode_piece`](Self::decode_piece).
    ///
    /// A stream that arrives byte by byte takes this path, which calls no function.
    #[inline(never)]
    fn decode_byte<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        if let [byte] = &mut *chunk
            && self.reader.is_inside_data(1)
            && self.validator.passes_byte(self.reader.key(), byte)
        {
            self.reader.pass(1);
            return Ok((1, Some(self.data(chunk, false))));
        }
        self.decode_piece(chunk)
    }

    /// Decodes a chunk that is a piece of a data frame but not its end, or else calls
    /// [`decode_any`](Self::decode_any).
    #[inline(never)]
    fn decode_piece<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        let len = chunk.len();
        if len == 0 || !self.reader.is_inside_data(len) {
            return self.decode_any(chunk);
        }
        self.judge(chunk)?;
        Ok((len, Some(self.data(chunk, false))))
    }

    /// Decodes headers and payloads, whole or cut, up to the next event.
    #[inline(never)]
    fn decode_any<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        self.validator.still_good()?;
        let mut used = 0;
        loop {
            if self.reader.frame().is_none() {
                used += self.reader.header(&chunk[used..]);
                match self.reader.frame() {
                    Some(header) => self.validator.begin(header)?,
                    None => {
                        self.validator.cut_header(self.reader.cut_header())?;
                        return Ok((used, None));
                    }
                }
            }
            let start = used;
            used += self.reader.available(chunk.len() - start);
            self.judge(&mut chunk[start..used])?;
            let done = self.reader.is_whole();
            let Some(header) = self.reader.frame() else { unreachable!("a frame has begun") };
            let (opcode, fin) = (header.opcode(), header.fin());
            if done {
                self.validator.finish()?;
                self.reader.finish();
            }
            if opcode.is_control() {
                let Some(body) = self.control_body(&chunk[start..used], done) else {
                    return Ok((used, None));
                };
                return Ok((used, Some(Event::control(opcode, body))));
            }
            let end = done && fin;
            if end || start < used {
                return Ok((used, Some(self.data(&chunk[start..used], end))));
            }
            if !done {
                return Ok((used, None));
            }
        }
    }

    /// Ends the stream, and validates its end. No byte may follow (§7.1.5).
    ///
    /// # Errors
    ///
    /// [`Violation`] with [`Rule::EofInFrame`](crate::Rule::EofInFrame) or
    /// [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose) if the stream ends without a Close
    /// frame, or the violation that ended the stream before. For the violation of these two rules
    /// no reply can be sent.
    ///
    /// ```
    /// use wsvet::{StreamDecoder, Policy, Role, Rule};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
    /// assert_eq!(decoder.decode(&mut [0x89])?, (1, None));
    /// assert_eq!(decoder.eof().unwrap_err().rule, Rule::EofInFrame);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn eof(&mut self) -> Result<(), Violation> {
        self.validator.eof(self.reader.unread())
    }

    /// Returns the validator of the stream, which knows the offset in the stream and the open
    /// message.
    ///
    /// ```
    /// use wsvet::{StreamDecoder, Policy, Role};
    ///
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
    /// decoder.decode(&mut [0x8A, 0x00])?;
    /// assert_eq!(decoder.validator().offset(), 2);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Unmasks and validates the next bytes of the payload.
    #[inline(always)]
    fn judge(&mut self, piece: &mut [u8]) -> Result<(), Violation> {
        let key = self.reader.pass(piece.len());
        self.validator.payload_masked(key, piece)
    }

    /// Returns the event for a piece of the message that the frame belongs to.
    #[inline]
    fn data<'a>(&self, bytes: &'a [u8], end: bool) -> Event<'a> {
        let (opcode, rsv) = (self.validator.message_opcode(), self.validator.message_rsv());
        Event::Data { opcode, bytes, end, rsv }
    }

    /// Returns the whole body of a control frame, or `None` if the frame is not `done`.
    ///
    /// The body is `piece` itself, or the held bytes followed by `piece`. If the frame is not
    /// `done`, the decoder holds `piece`.
    fn control_body<'a>(&'a mut self, piece: &'a [u8], done: bool) -> Option<&'a [u8]> {
        let held = usize::from(self.held);
        if done && held == 0 {
            return Some(piece);
        }
        let len = held + piece.len();
        self.body[held..len].copy_from_slice(piece);
        self.held = if done { 0 } else { len as u8 };
        done.then_some(&self.body[..len])
    }
}

/// Returns the masking key of a frame, if it has one, and its payload, which starts at `start`.
#[inline(always)]
fn split(start: usize, frame: &mut [u8]) -> (Option<u32>, &mut [u8]) {
    let (header, payload) = frame.split_at_mut(start);
    // On the fast path the length has at most 16 bits, so only a header with a masking key has four
    // or more bytes after its first two.
    (header[2..].last_chunk().map(|key| kernel::number(*key)), payload)
}

/// Unmasks the payload of a message in a single frame, and returns whether the payload breaks no
/// rule. If it breaks a rule, the payload is left as it was.
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

/// Unmasks text, and returns whether it is UTF-8. If it is not, the text is left masked.
#[inline(never)]
fn passes_text(key: u32, text: &mut [u8]) -> bool {
    let passes = judge(key, &mut *text) == Ending::Whole;
    if !passes {
        kernel::mask(key, text);
    }
    passes
}

impl fmt::Debug for StreamDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamDecoder")
            .field("validator", &self.validator)
            .field("in_payload", &self.reader.frame().is_some())
            .field("remaining", &self.reader.remaining())
            .finish_non_exhaustive()
    }
}
