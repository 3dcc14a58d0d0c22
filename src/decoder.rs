//! Chunks in, events out: parse, unmask and validate in one, for those who want it all.

use core::fmt;
use core::ops::Range;
use core::str;

use crate::kernel::{self, Ending, judge, unmask_ascii};
use crate::{CloseCode, CloseFrame, OpCode, Policy, Reader, Validator, Violation};

/// What a [`StreamDecoder`] found: a piece of a message, or a whole control frame.
///
/// ```
/// use wsvet::{StreamDecoder, Event, OpCode, Policy, Role};
///
/// let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
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
/// // A binary message of 4096 bytes is refused at its header.
/// let violation = read(&mut decoder, &mut b"\x82\x7E\x10\x00".clone(), &mut text).unwrap_err();
/// assert_eq!((violation.rule, violation.offset), (Rule::UnsupportedData, 6));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone)]
pub struct StreamDecoder {
    validator: Validator,
    reader: Reader,
    /// How many bytes of `body` are held.
    held: u8,
    /// The body of a control frame that is cut.
    body: [u8; CloseFrame::MAX_BODY_LEN],
}

/// An [`Event`] without its bytes, which borrows nothing: where they lie is remembered instead.
///
/// [`StreamDecoder::find`] returns it, and [`StreamDecoder::event`] makes it an event again. So a
/// method can look for an event in a loop, and return it when it has found one:
///
/// ```
/// use std::io;
///
/// use wsvet::{Event, Policy, Role, StreamDecoder};
///
/// struct Connection<R> {
///     input: R,
///     decoder: StreamDecoder,
///     buffer: [u8; 4096],
///     /// The bytes of the buffer that were read and not yet decoded.
///     start: usize,
///     end: usize,
/// }
///
/// impl<R: io::Read> Connection<R> {
///     /// Returns the next event, or `None` after the end of the stream.
///     fn next(&mut self) -> io::Result<Option<Event<'_>>> {
///         loop {
///             let chunk = self.start;
///             let found = self.decoder.find(&mut self.buffer[chunk..self.end]);
///             let (used, found) = found.map_err(io::Error::other)?;
///             self.start += used;
///             if let Some(found) = found {
///                 return Ok(Some(self.decoder.event(&found, &self.buffer[chunk..])));
///             }
///             (self.start, self.end) = (0, self.input.read(&mut self.buffer)?);
///             if self.end == 0 {
///                 self.decoder.eof().map_err(io::Error::other)?;
///                 return Ok(None);
///             }
///         }
///     }
/// }
///
/// let input = &b"\x89\x02hi\x88\x00"[..];
/// let decoder = StreamDecoder::new(Policy::new(Role::Client));
/// let mut connection = Connection { input, decoder, buffer: [0; 4096], start: 0, end: 0 };
/// assert_eq!(connection.next()?, Some(Event::Ping(b"hi")));
/// assert_eq!(connection.next()?, Some(Event::Close(None)));
/// assert_eq!(connection.next()?, None);
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    kind: Kind,
    bytes: Lie,
}

/// An event without its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Data {
        opcode: OpCode,
        end: bool,
        rsv: u8,
    },
    Ping,
    Pong,
    /// Its bytes are those of the reason.
    Close(Option<CloseCode>),
}

/// Where the bytes of an event lie.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Lie {
    /// In the chunk.
    Chunk(Range<usize>),
    /// In the body of a control frame that came in several chunks.
    Body(Range<usize>),
}

impl<'a> Event<'a> {
    /// Creates an [`Event::Data`] of a message that is not compressed: for tests, and for decoders of
    /// your own.
    ///
    /// ```
    /// use wsvet::{Event, OpCode};
    ///
    /// let event = Event::data(OpCode::Text, b"hi", true);
    /// assert!(matches!(event, Event::Data { bytes: b"hi", end: true, rsv: 0, .. }));
    /// ```
    #[must_use]
    pub const fn data(opcode: OpCode, bytes: &'a [u8], end: bool) -> Self {
        Self::Data { opcode, bytes, end, rsv: 0 }
    }
}

impl StreamDecoder {
    /// The start of a stream that is received under this policy.
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

    /// Changes what is accepted during the connection, as [`Validator::set_policy`] does.
    ///
    /// # Panics
    ///
    /// If the role, the RSV bits or the compression differ.
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
        // Most chunks start with a whole frame of data.
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
        self.decode_piece(chunk)
    }

    /// Decodes up to the next event, as [`decode`](Self::decode) does, and returns it without a
    /// borrow: [`event`](Self::event) returns the event itself.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream, as [`decode`](Self::decode) returns it.
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
        let (chunk_start, body_start) = (chunk.as_ptr().addr(), self.body.as_ptr().addr());
        let chunk_len = chunk.len();
        let (used, event) = self.decode(chunk)?;
        let Some(event) = event else { return Ok((used, None)) };
        let (kind, bytes) = match event {
            Event::Data { opcode, bytes, end, rsv } => (Kind::Data { opcode, end, rsv }, bytes),
            Event::Ping(body) => (Kind::Ping, body),
            Event::Pong(body) => (Kind::Pong, body),
            Event::Close(None) => (Kind::Close(None), &[][..]),
            Event::Close(Some(close)) => (Kind::Close(Some(close.code)), close.reason.as_bytes()),
        };
        let len = bytes.len();
        let at = bytes.as_ptr().addr();
        let in_chunk = at.wrapping_sub(chunk_start);
        let bytes = if len == 0 {
            Lie::Chunk(0..0)
        } else if in_chunk < chunk_len {
            Lie::Chunk(in_chunk..in_chunk + len)
        } else {
            let in_body = at.wrapping_sub(body_start);
            Lie::Body(in_body..in_body + len)
        };
        Ok((used, Some(Found { kind, bytes })))
    }

    /// Returns the event that [`find`](Self::find) has found, with its bytes.
    ///
    /// Call it before the next call of `find` or [`decode`](Self::decode). `chunk` is the chunk that
    /// was given to `find`, or more bytes that start with it.
    ///
    /// # Panics
    ///
    /// If `chunk` is shorter than the bytes that were used.
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
        let bytes = match &found.bytes {
            Lie::Chunk(range) => &chunk[range.clone()],
            Lie::Body(range) => &self.body[range.clone()],
        };
        match found.kind {
            Kind::Data { opcode, end, rsv } => Event::Data { opcode, bytes, end, rsv },
            Kind::Ping => Event::Ping(bytes),
            Kind::Pong => Event::Pong(bytes),
            Kind::Close(code) => Event::Close(code.map(|code| CloseFrame {
                code,
                // It was judged when it was found.
                reason: str::from_utf8(bytes).unwrap_or_default(),
            })),
        }
    }

    /// Decodes a piece of data that is not the last of its frame, or anything else.
    #[inline(never)]
    fn decode_piece<'a>(
        &'a mut self,
        chunk: &'a mut [u8],
    ) -> Result<(usize, Option<Event<'a>>), Violation> {
        let len = chunk.len();
        let inside = match self.reader.frame() {
            Some(header) => header.opcode().is_data() && (len as u64) < self.reader.remaining(),
            None => false,
        };
        if !inside || len == 0 {
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
                    None => return Ok((used, None)),
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
                return Ok((used, Some(control_event(opcode, body))));
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

    /// Ends the stream: no byte will follow.
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`Validator::eof`] gives it (§7.1.5); there is nobody left to send it to.
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

    /// The validator that judges the stream: its offset, and what is open.
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

    /// Unmasks and judges the next bytes of the payload.
    #[inline(always)]
    fn judge(&mut self, piece: &mut [u8]) -> Result<(), Violation> {
        let key = self.reader.key();
        self.reader.advance(piece.len() as u64);
        self.validator.payload_masked(key, piece)
    }

    /// Returns a piece of the message that the frame belongs to.
    #[inline]
    fn data<'a>(&self, bytes: &'a [u8], end: bool) -> Event<'a> {
        let (opcode, rsv) = (self.validator.message_opcode(), self.validator.message_rsv());
        Event::Data { opcode, bytes, end, rsv }
    }

    /// Returns the whole body of a control frame: `piece` itself, or what was held and `piece` after
    /// it.
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

impl fmt::Debug for StreamDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamDecoder")
            .field("validator", &self.validator)
            .field("in_payload", &self.reader.frame().is_some())
            .field("remaining", &self.reader.remaining())
            .finish_non_exhaustive()
    }
}
