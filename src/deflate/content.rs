//! The validator of the content of compressed messages (RFC 7692 §7.2.2, RFC 6455 §8.1).

use super::{Inflater, InvalidDeflate, Parameters};
use crate::{Header, InvalidUtf8, OpCode, Policy, Rule, Utf8, Violation};

/// A validator that inflates the compressed messages of one direction, and validates their content.
/// Another validator validates the frames.
///
/// It is for a program that continues after a violation, as a
/// [`Conversation`](crate::Conversation) does. In an endpoint, use [`Validator`](super::Validator),
/// which validates the frames and the content.
///
/// For each frame, call [`begin`](Self::begin) once, [`payload`](Self::payload) for each piece of
/// the payload, and then [`finish`](Self::finish). Make each call after the call of the same name
/// on the validator of the frames.
///
/// ```
/// use wsvet::deflate::{Content, Parameters};
/// use wsvet::{Compression, Conversation, Header, OpCode, Policy, Role, Rule};
///
/// let policy = |role| Policy::new(role).compression(Compression::Inflated);
/// let mut conversation = Conversation::new(policy(Role::Client), policy(Role::Server));
/// let mut content = Content::new(policy(Role::Client), Parameters::new());
///
/// // A text that inflates to "Hello" (RFC 7692 §7.2.3.1), and a message that is not DEFLATE.
/// for (payload, judged) in [(&b"\xF2\x48\xCD\xC9\xC9\x07\x00"[..], None), (b"\xFF", Some(11))] {
///     let header = Header::new(OpCode::Text, payload.len() as u64).with_rsv(4);
///     conversation.begin(Role::Server, &header)?;
///     content.begin(conversation.direction(Role::Server).validator(), &header);
///     conversation.payload(Role::Server, payload)?;
///     let found = content.payload(payload, |piece| assert_eq!(piece, b"Hello")).err();
///     assert_eq!(found.map(|violation| violation.offset), judged);
///     if let Some(violation) = found {
///         assert_eq!(violation.rule, Rule::InvalidDeflate);
///         conversation.broke(Role::Server, violation);
///         break;
///     }
///     conversation.finish(Role::Server)?;
///     content.finish(conversation.direction(Role::Server).validator(), |_| {})?;
/// }
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Debug)]
pub struct Content {
    inflater: Inflater,
    utf8: Utf8,
    max_message: u64,
    /// The number of bytes that the rest of the open message may inflate to.
    room: u64,
    /// Whether the validation has stopped, because earlier data is broken or missing.
    lost: bool,
    /// The open frame, if it belongs to a compressed message.
    frame: Option<CompressedFrame>,
}

/// A frame of a compressed message.
#[derive(Clone, Copy, Debug)]
struct CompressedFrame {
    /// The opcode of the message.
    opcode: OpCode,
    /// Whether the frame is the last of the message.
    last: bool,
    /// The offset at which the payload starts, in bytes from the start of the stream.
    start: u64,
}

impl Content {
    /// Creates a validator at the start of a direction that an endpoint with this policy receives,
    /// if the endpoints have negotiated permessage-deflate with these parameters.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Content, Parameters}};
    /// let content = Content::new(Policy::new(Role::Server), Parameters::new());
    /// # let _ = content;
    /// ```
    #[must_use]
    pub fn new(policy: Policy, parameters: Parameters) -> Self {
        let max_message = policy.max_message;
        let inflater = parameters.inflater(policy.role.peer());
        Self {
            inflater,
            utf8: Utf8::new(),
            max_message,
            room: max_message,
            lost: false,
            frame: None,
        }
    }

    /// Begins the next frame, after `frames` has validated its header.
    ///
    /// ```
    /// # use wsvet::{Compression, Header, OpCode, Policy, Role, Validator, deflate::{Content, Parameters}};
    /// let policy = Policy::new(Role::Client).compression(Compression::Inflated);
    /// let (mut frames, header) = (Validator::new(policy), Header::new(OpCode::Ping, 0));
    /// frames.begin(&header)?;
    /// let mut content = Content::new(policy, Parameters::new());
    /// content.begin(&frames, &header);
    /// assert!(!content.is_compressed());
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn begin(&mut self, frames: &crate::Validator, header: &Header) {
        self.frame = frames.is_compressed(header).then(|| CompressedFrame {
            opcode: frames.message_opcode(),
            last: header.fin(),
            start: frames.offset(),
        });
    }

    /// Sets the maximum number of bytes that a message may inflate to, from the next message on.
    ///
    /// `frames` is the validator of the frames. The limit of an open message stays.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Validator, deflate::{Content, Parameters}};
    /// let policy = Policy::new(Role::Server).max_message(4 << 10);
    /// let mut content = Content::new(policy, Parameters::new());
    /// content.set_max_message(&Validator::new(policy), 1 << 20);
    /// ```
    pub fn set_max_message(&mut self, frames: &crate::Validator, bytes: u64) {
        self.max_message = bytes;
        if frames.open_message().is_none() && self.frame.is_none() {
            self.room = bytes;
        }
    }

    /// Returns whether the open frame belongs to a compressed message.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Content, Parameters}};
    /// assert!(!Content::new(Policy::new(Role::Server), Parameters::new()).is_compressed());
    /// ```
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.frame.is_some()
    }

    /// Inflates and validates the next piece of the payload, which must be unmasked, and calls
    /// `inflated` with the inflated bytes.
    ///
    /// The function ignores control frames and frames of messages that are not compressed. Before a
    /// violation, `inflated` receives all bytes that break no rule, and no others.
    ///
    /// # Errors
    ///
    /// * A [`Violation`] of [`Rule::InvalidDeflate`] if the message is not DEFLATE.
    /// * A [`Violation`] of [`Rule::InvalidUtf8`] if the inflated text is not UTF-8.
    /// * A [`Violation`] of [`Rule::MessageTooBig`] as soon as the message inflates to more bytes
    ///   than the policy accepts.
    ///
    /// The offset of the violation is that of the first byte of the frame's payload, because
    /// inflated bytes have no offset on the wire.
    ///
    /// An endpoint must stop after a violation (RFC 6455 §7.1.7). If you continue, the content is
    /// [lost](Self::is_lost), and later pieces inflate to nothing.
    ///
    /// ```
    /// # use wsvet::{Compression, Header, OpCode, Policy, Role, Rule, Validator, deflate::{Content, Parameters}};
    /// let policy = Policy::new(Role::Client).compression(Compression::Inflated).max_message(4);
    /// let (mut frames, header) = (Validator::new(policy), Header::new(OpCode::Text, 7).with_rsv(4));
    /// frames.begin(&header)?;
    /// let mut content = Content::new(policy, Parameters::new());
    /// content.begin(&frames, &header);
    /// let hello = b"\xF2\x48\xCD\xC9\xC9\x07\x00";
    /// let violation = content.payload(hello, |_| {}).unwrap_err();
    /// assert_eq!((violation.rule, violation.offset), (Rule::MessageTooBig, 2));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn payload(&mut self, plain: &[u8], inflated: impl FnMut(&[u8])) -> Result<(), Violation> {
        self.with_judge(inflated, |content, judge| content.payload_into(plain, judge))
    }

    /// Inflates the next piece of the payload as [`payload`](Self::payload) does, and passes the
    /// inflated bytes to a sink that validates text.
    pub(crate) fn payload_into(
        &mut self,
        plain: &[u8],
        sink: &mut impl Sink,
    ) -> Result<(), Violation> {
        let Some(CompressedFrame { opcode, start, .. }) = self.frame else { return Ok(()) };
        self.inflate(opcode, plain, false, sink).map_err(|rule| Violation { rule, offset: start })
    }

    /// Ends the frame, after `frames` has ended it. If a compressed message ends with the frame,
    /// the function calls `inflated` with the rest of the message.
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`payload`](Self::payload) returns it. Its offset is that of the last
    /// byte of the frame.
    ///
    /// ```
    /// # use wsvet::{Compression, Header, OpCode, Policy, Role, Rule, Validator, deflate::{Content, Parameters}};
    /// let policy = Policy::new(Role::Client).compression(Compression::Inflated);
    /// let (mut frames, header) = (Validator::new(policy), Header::new(OpCode::Text, 0).with_rsv(4));
    /// let mut content = Content::new(policy, Parameters::new());
    /// frames.begin(&header)?;
    /// content.begin(&frames, &header);
    /// frames.finish()?;
    /// let violation = content.finish(&frames, |_| {}).unwrap_err();
    /// assert_eq!((violation.rule, violation.offset), (Rule::InvalidDeflate, 1));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn finish(
        &mut self,
        frames: &crate::Validator,
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.with_judge(inflated, |content, judge| content.finish_into(frames, judge))
    }

    /// Ends the frame as [`finish`](Self::finish) does, and passes the inflated bytes to a sink
    /// that validates text.
    pub(crate) fn finish_into(
        &mut self,
        frames: &crate::Validator,
        sink: &mut impl Sink,
    ) -> Result<(), Violation> {
        match self.frame.take() {
            Some(CompressedFrame { opcode, last: true, .. }) => self
                .inflate(opcode, &[], true, sink)
                .map_err(|rule| Violation { rule, offset: frames.offset() - 1 }),
            _ => Ok(()),
        }
    }

    /// Calls `act` with a sink that validates text, and calls `inflated` with the bytes that break
    /// no rule.
    fn with_judge<F: FnMut(&[u8])>(
        &mut self,
        inflated: F,
        act: impl FnOnce(&mut Self, &mut Judge<F>) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let mut judge = Judge { utf8: self.utf8, inflated };
        let judged = act(self, &mut judge);
        self.utf8 = judge.utf8;
        judged
    }

    /// Inflates and validates the next piece of a compressed message. `end` is whether it is the
    /// last.
    fn inflate(
        &mut self,
        opcode: OpCode,
        compressed: &[u8],
        end: bool,
        sink: &mut impl Sink,
    ) -> Result<(), Rule> {
        let Self { inflater, room, lost, .. } = self;
        let text = opcode == OpCode::Text;
        let mut judged = Ok(());
        if !*lost {
            judged = inflater.inflate(compressed, end, |piece| {
                let within = piece.len().min(usize::try_from(*room).unwrap_or(usize::MAX));
                *room -= within as u64;
                sink.take(&piece[..within], text).map_err(|_| Rule::InvalidUtf8)?;
                if within < piece.len() { Err(Rule::MessageTooBig) } else { Ok(()) }
            });
            if end && !sink.end() && judged.is_ok() {
                judged = Err(Rule::InvalidUtf8);
            }
            *lost = judged.is_err();
        } else if end {
            sink.end();
        }
        if end {
            self.room = self.max_message;
            if self.lost {
                self.lost = !self.inflater.start_anew();
            }
        }
        judged
    }

    /// Records that a part of the open message is missing.
    ///
    /// The rest of the message is not validated, nor is any later message that may refer to it.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Content, Parameters}};
    /// let mut content = Content::new(Policy::new(Role::Server), Parameters::new());
    /// content.lose();
    /// assert!(content.is_lost());
    /// ```
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// Forgets the open message, and records that whole messages may be missing.
    pub(crate) fn lose_message(&mut self) {
        self.frame = None;
        self.utf8 = Utf8::new();
        self.room = self.max_message;
        self.lost = !self.inflater.start_anew();
    }

    /// Returns whether the next content is not validated, because earlier content is not DEFLATE,
    /// breaks another rule, or is missing.
    ///
    /// Without context takeover, this lasts until the end of the message. With context takeover, it
    /// lasts until the end of the stream.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Content, Parameters}};
    /// assert!(!Content::new(Policy::new(Role::Server), Parameters::new()).is_lost());
    /// ```
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }
}

/// A receiver of inflated bytes, which validates text.
pub(crate) trait Sink {
    /// Receives the next piece of a message. `text` is whether it is a text message.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if the message is text, and the piece shows that it is not UTF-8.
    fn take(&mut self, piece: &[u8], text: bool) -> Result<(), InvalidUtf8>;

    /// Ends the message, and returns `false` if its text ends inside a character.
    fn end(&mut self) -> bool;
}

/// A sink that calls `inflated` with the bytes that break no rule.
struct Judge<F> {
    utf8: Utf8,
    inflated: F,
}

impl<F: FnMut(&[u8])> Sink for Judge<F> {
    fn take(&mut self, piece: &[u8], text: bool) -> Result<(), InvalidUtf8> {
        let judged = if text { self.utf8.push(piece) } else { Ok(()) };
        let good = judged.map_or_else(|error| error.index, |()| piece.len());
        if good > 0 {
            (self.inflated)(&piece[..good]);
        }
        judged
    }

    fn end(&mut self) -> bool {
        core::mem::take(&mut self.utf8).is_complete()
    }
}

impl From<InvalidDeflate> for Rule {
    fn from(_: InvalidDeflate) -> Self {
        Self::InvalidDeflate
    }
}
