//! The decoder that parses, unmasks, inflates and validates chunks of a stream, and passes events
//! to a closure.

use super::{Parameters, Validator};
use crate::{CloseFrame, Event, Header, Policy, Reader, Violation, mask};

/// A decoder that parses, unmasks, inflates and validates one direction of a connection with
/// permessage-deflate, from chunks of any size (RFC 6455 §5, RFC 7692 §6).
///
/// It is the [`StreamDecoder`](crate::StreamDecoder) for compressed messages. The bytes of a data
/// event are inflated if the message is compressed. One chunk can inflate to many events, so the
/// decoder passes events to a closure. A data event has at most 16 KiB if the message is
/// compressed, and at most the length of the chunk if it is not.
///
/// [`Policy::max_message`] counts the inflated bytes of a message. The offset of a violation in a
/// compressed message is that of the first byte of the frame's payload, because inflated bytes have
/// no offset on the wire.
///
/// ```
/// use wsvet::deflate::{Parameters, StreamDecoder};
/// use wsvet::{Event, OpCode, Policy, Role};
///
/// let policy = Policy::new(Role::Client).max_message(1 << 20);
/// let mut decoder = StreamDecoder::new(policy, Parameters::new());
/// let mut text = Vec::new();
/// let mut messages = 0;
/// // "Hello", compressed (RFC 7692 §7.2.3.1), in two chunks.
/// for mut chunk in [b"\xC1\x07\xF2\x48\xCD".to_vec(), b"\xC9\xC9\x07\x00".to_vec()] {
///     decoder.decode(&mut chunk, |event| {
///         if let Event::Data { opcode: OpCode::Text, bytes, end, .. } = event {
///             text.extend_from_slice(bytes);
///             messages += u32::from(end);
///         }
///     })?;
/// }
/// assert_eq!((text.as_slice(), messages), (&b"Hello"[..], 1));
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Debug)]
pub struct StreamDecoder {
    validator: Validator,
    reader: Reader,
    /// The number of bytes that `body` holds.
    held: u8,
    /// The payload of the open control frame.
    body: [u8; CloseFrame::MAX_BODY_LEN],
}

impl StreamDecoder {
    /// Creates a decoder at the start of a stream that an endpoint with this policy receives, if
    /// the endpoints have negotiated permessage-deflate with these parameters.
    ///
    /// ```
    /// use wsvet::deflate::{Parameters, StreamDecoder};
    /// use wsvet::{Policy, Role};
    ///
    /// let decoder = StreamDecoder::new(Policy::new(Role::Server), Parameters::new());
    /// assert_eq!(decoder.validator().frames().offset(), 0);
    /// ```
    #[must_use]
    pub fn new(policy: Policy, parameters: Parameters) -> Self {
        Self {
            validator: Validator::new(policy, parameters),
            reader: Reader::new(),
            held: 0,
            body: [0; CloseFrame::MAX_BODY_LEN],
        }
    }

    /// Replaces the policy during the connection, as [`Validator::set_policy`] does.
    ///
    /// # Panics
    ///
    /// Panics if the role or the RSV bits differ from those of the old policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Parameters, StreamDecoder}};
    /// let policy = Policy::new(Role::Server);
    /// let mut decoder = StreamDecoder::new(policy.max_message(4 << 10), Parameters::new());
    /// decoder.set_policy(policy.max_message(1 << 20));
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.validator.set_policy(policy);
    }

    /// Decodes the whole chunk, unmasks payloads in place, and calls `each` with each event.
    ///
    /// A message ends with an [`Event::Data`] whose `end` is `true`, and which has no bytes.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream. It ends the stream (RFC 6455 §7.1.7), and every later
    /// call returns it again.
    ///
    /// ```
    /// # use wsvet::{Event, Policy, Role, Rule, deflate::{Parameters, StreamDecoder}};
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Client), Parameters::new());
    /// decoder.decode(&mut b"\x89\x01!".clone(), |event| assert_eq!(event, Event::Ping(b"!")))?;
    /// let violation = decoder.decode(&mut b"\xC1\x01\xFF".clone(), |_| {}).unwrap_err();
    /// assert_eq!((violation.rule, violation.offset), (Rule::InvalidDeflate, 5));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn decode(
        &mut self,
        chunk: &mut [u8],
        mut each: impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        let mut rest = chunk;
        loop {
            if let Some(violation) = self.validator.frames().violation() {
                return Err(violation);
            }
            if self.reader.is_whole() {
                self.finish(&mut each)?;
            } else if rest.is_empty() {
                return Ok(());
            } else if self.reader.frame().is_none() {
                let used = self.reader.header(rest);
                rest = &mut rest[used..];
                match self.reader.frame() {
                    Some(header) => self.validator.begin(header)?,
                    None => self.validator.cut_header(self.reader.cut_header())?,
                }
            } else {
                let (piece, after) = rest.split_at_mut(self.reader.available(rest.len()));
                rest = after;
                self.payload(piece, &mut each)?;
            }
        }
    }

    /// Unmasks and validates a piece of a payload, and holds it if the frame is a control frame.
    fn payload(
        &mut self,
        piece: &mut [u8],
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Violation> {
        if let Some(key) = self.reader.masking_key() {
            mask::apply(key, 0, piece);
        }
        self.reader.advance(piece.len() as u64);
        if self.reader.frame().is_some_and(is_control) {
            let held = usize::from(self.held);
            self.body[held..held + piece.len()].copy_from_slice(piece);
            self.held += piece.len() as u8;
        }
        let opcode = self.validator.frames().message_opcode();
        self.validator.payload(piece, |bytes| each(Event::data(opcode, bytes, false)))
    }

    /// Ends the frame, and calls `each` with the last event of the frame.
    fn finish(&mut self, each: &mut impl FnMut(Event<'_>)) -> Result<(), Violation> {
        let Some(&header) = self.reader.frame() else { return Ok(()) };
        let opcode = self.validator.frames().message_opcode();
        self.reader.finish();
        self.validator.finish(|bytes| each(Event::data(opcode, bytes, false)))?;
        if !is_control(&header) {
            if header.fin() {
                each(Event::data(opcode, &[], true));
            }
            return Ok(());
        }
        let body = &self.body[..usize::from(core::mem::take(&mut self.held))];
        each(Event::control(header.opcode(), body));
        Ok(())
    }

    /// Validates the end of the stream (RFC 6455 §7.1.5).
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`crate::Validator::eof`] returns it.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Rule, deflate::{Parameters, StreamDecoder}};
    /// let mut decoder = StreamDecoder::new(Policy::new(Role::Client), Parameters::new());
    /// decoder.decode(&mut [0x89], |_| {})?;
    /// assert_eq!(decoder.eof().unwrap_err().rule, Rule::EofInFrame);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn eof(&mut self) -> Result<(), Violation> {
        self.validator.eof(self.reader.unread())
    }

    /// Returns the validator of the stream.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Parameters, StreamDecoder}};
    /// let decoder = StreamDecoder::new(Policy::new(Role::Server), Parameters::new());
    /// assert_eq!(decoder.validator().frames().violation(), None);
    /// ```
    #[must_use]
    pub const fn validator(&self) -> &Validator {
        &self.validator
    }
}

fn is_control(header: &Header) -> bool {
    header.opcode().is_control()
}
