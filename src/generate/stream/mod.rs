//! Streams: one direction of a connection, built frame by frame.

mod breaking;
mod legal;

use std::fmt;
use std::sync::Arc;
use std::vec::Vec;

use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::content;
use crate::{Accepts, CloseFrame, Header, OpCode, Policy, Role, Rule, RuleSet, Violation, mask};

/// The bytes of one direction of a connection, and what the receiver must find in them.
///
/// A stream is created for the [`Policy`] of the receiver. Every frame of a legal stream is legal.
/// If the stream breaks a rule, its last frame breaks it, and random bytes may follow that frame.
/// The frame breaks no other rule if that is possible. (A length of 2^63 bytes, for example, also
/// exceeds every limit.)
///
/// If the policy negotiates permessage-deflate, some messages are compressed, in blocks without
/// compression.
///
/// A receiver may stop reading after a Close frame (RFC 6455 §5.5.1). Such a receiver cannot find
/// [`Rule::DataAfterClose`].
///
/// ```
/// use arbitrary::Unstructured;
/// use wsvet::generate::Stream;
/// use wsvet::{StreamDecoder, Policy, Role, Rule};
///
/// let policy = Policy::new(Role::Server);
/// let mut u = Unstructured::new(b"as many bytes as the fuzzer has found");
/// let stream = Stream::breaking(policy, Rule::InterruptedMessage, &mut u)?;
///
/// let (mut decoder, mut bytes) = (StreamDecoder::new(policy), stream.bytes().to_vec());
/// let mut rest = &mut bytes[..];
/// let found = loop {
///     match decoder.decode(rest) {
///         Ok((used, _)) => rest = &mut rest[used..],
///         Err(violation) => break violation,
///     }
/// };
/// assert_eq!(Some(found), stream.violation());
/// # Ok::<(), arbitrary::Error>(())
/// ```
#[derive(Clone)]
pub struct Stream {
    policy: Policy,
    bytes: Vec<u8>,
    messages: Vec<(OpCode, Vec<u8>)>,
    /// Whether each of the messages is compressed with permessage-deflate.
    compressed: Vec<bool>,
    open: Option<OpenMessage>,
    closed: bool,
    violation: Option<Violation>,
    /// Whether the frame that breaks a rule is complete, or the text message that is not UTF-8.
    whole: bool,
}

/// A message that is not sent to its end yet.
#[derive(Clone, Debug)]
struct OpenMessage {
    opcode: OpCode,
    rsv: u8,
    payload: Arc<[u8]>,
    /// The number of payload bytes that were sent.
    sent: usize,
    /// The number of frames that were sent.
    fragments: u32,
}

impl OpenMessage {
    fn new(opcode: OpCode, rsv: u8, payload: Vec<u8>) -> Self {
        Self { opcode, rsv, payload: payload.into(), sent: 0, fragments: 0 }
    }
}

/// A frame that is not sent yet, and the message that is open after it.
struct NextFrame {
    header: Header,
    payload: Vec<u8>,
    open: Option<OpenMessage>,
}

/// The maximum number of frames of a legal stream. A message has at most about as many, unless the
/// frame limit requires more.
const MOST_FRAMES: usize = 64;

/// The maximum number of payload bytes of a message.
const MOST_BYTES: u64 = 1 << 20;

/// The maximum number of frames that are sent to exceed a limit.
const MOST_FRAGMENTS: u64 = 4_096;

/// The maximum length of a payload in bytes (§5.2).
const MOST_LEN: u64 = (1 << 63) - 1;

/// The maximum number of payload bytes of a complete frame that breaks a rule. A longer one is cut.
const AFFORDABLE: u64 = 70_000;

/// The maximum number of bytes after the header of a cut frame, and of random bytes after a
/// complete frame.
const BEHIND: usize = 32;

impl Stream {
    /// Creates an empty stream to a receiver with this policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert!(Stream::new(Policy::new(Role::Server)).bytes().is_empty());
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self {
            policy,
            bytes: Vec::new(),
            messages: Vec::new(),
            compressed: Vec::new(),
            whole: true,
            open: None,
            closed: false,
            violation: None,
        }
    }

    /// Creates a legal stream, or one that breaks a rule, about equally often.
    ///
    /// # Errors
    ///
    /// Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// let stream = Stream::under(Policy::new(Role::Client), &mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(stream.policy().role, Role::Client);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn under(policy: Policy, u: &mut Unstructured<'_>) -> Result<Self> {
        if u.arbitrary()? {
            return Self::legal(policy, u);
        }
        let rules: Vec<_> = Self::breakable(&policy).iter().collect();
        let rule = *u.choose(&rules)?;
        Self::breaking(policy, rule, u)
    }

    /// Creates a legal stream.
    ///
    /// The stream ends with a Close frame. If `u` runs out of bytes or the stream has 64 frames
    /// before that, it ends after a frame, possibly inside a message.
    ///
    /// # Errors
    ///
    /// Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// let stream = Stream::legal(Policy::new(Role::Client), &mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(stream.violation(), None);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn legal(policy: Policy, u: &mut Unstructured<'_>) -> Result<Self> {
        let mut stream = Self::new(policy);
        for _ in 0..MOST_FRAMES {
            if u.is_empty() || stream.closed {
                break;
            }
            stream.push_legal(u)?;
        }
        Ok(stream)
    }

    /// Creates a stream whose first violation is of this rule.
    ///
    /// # Errors
    ///
    /// - `IncorrectFormat` if no stream can break the rule under this policy (see
    ///   [`breakable`](Self::breakable)).
    /// - Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, Rule, generate::Stream};
    /// let mut u = Unstructured::new(b"bytes");
    /// let stream = Stream::breaking(Policy::new(Role::Client), Rule::InvalidUtf8, &mut u)?;
    /// assert_eq!(stream.violation().map(|found| found.rule), Some(Rule::InvalidUtf8));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn breaking(policy: Policy, rule: Rule, u: &mut Unstructured<'_>) -> Result<Self> {
        let mut stream = Self::new(policy);
        for _ in 0..u.int_in_range(0..=7)? {
            stream.push_open(u)?;
        }
        stream.push_breaking(rule, u)?;
        Ok(stream)
    }

    /// Returns the rules that a stream can break under this policy.
    ///
    /// For example, a stream to a server cannot break [`Rule::MaskedServerFrame`], and a receiver
    /// without a limit refuses no frame as too big. [`Rule::InvalidDeflate`] is never in the set,
    /// because only a receiver that inflates can find it.
    ///
    /// The set also leaves out a limit on messages that takes more than 1 MiB of payload or 4,096
    /// frames to exceed, and a limit on fragments over 4,096.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Rule, generate::Stream};
    /// let policy = Policy::new(Role::Server);
    /// assert!(!Stream::breakable(&policy).contains(Rule::FrameTooBig));
    /// assert!(Stream::breakable(&policy.max_frame(1_000)).contains(Rule::FrameTooBig));
    /// ```
    #[must_use]
    pub fn breakable(policy: &Policy) -> RuleSet {
        let can_break = |rule: &Rule| match rule {
            Rule::ReservedBits => undefined(policy) != 0,
            Rule::InterruptedMessage | Rule::NonMinimalLength | Rule::LengthOverflow => {
                policy.max_fragments > 0
            }
            Rule::MisplacedRsv1 => policy.negotiates_deflate(),
            Rule::UnmaskedClientFrame => policy.role == Role::Server,
            Rule::MaskedServerFrame => policy.role == Role::Client,
            Rule::UnsupportedData => policy.accepts != Accepts::Any,
            Rule::FrameTooBig => {
                policy.max_frame < CloseFrame::MAX_BODY_LEN as u64 || frames_exceed(policy)
            }
            Rule::MessageTooBig => frames_to_fill(policy).is_some(),
            Rule::TooManyFragments => u64::from(policy.max_fragments) <= MOST_FRAGMENTS,
            Rule::InvalidUtf8 => policy.accepts.admits(OpCode::Text) && most_payload(policy) > 0,
            Rule::InvalidCloseCode => policy.max_frame > 1,
            Rule::InvalidCloseReason => policy.max_frame > 2,
            // Only a receiver that inflates can find it.
            Rule::InvalidDeflate => false,
            Rule::ReservedOpcode
            | Rule::FragmentedControl
            | Rule::OversizedControl
            | Rule::UnexpectedContinuation
            | Rule::CloseBodyOneByte
            | Rule::DataAfterClose
            | Rule::EofInFrame
            | Rule::EofWithoutClose => true,
        };
        Rule::ALL.iter().copied().filter(can_break).collect()
    }

    /// Adds a legal frame. After a Close frame it is a Ping or a Pong.
    ///
    /// # Errors
    ///
    /// - `IncorrectFormat` if the stream already breaks a rule.
    /// - Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// let mut stream = Stream::new(Policy::new(Role::Server));
    /// stream.push_legal(&mut Unstructured::new(b"bytes"))?;
    /// assert!(stream.bytes().len() >= 6);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn push_legal(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.violation.is_some() {
            return Err(Error::IncorrectFormat);
        }
        if !self.closed && u.ratio(1, 16)? { self.push_close(u) } else { self.push_open(u) }
    }

    /// Adds the frames that break this rule, and returns the violation that the receiver must find.
    ///
    /// The last frame breaks the rule. That frame may be cut: see [`is_whole`](Self::is_whole).
    /// [`Rule::EofInFrame`] and [`Rule::EofWithoutClose`] are broken by the end of the stream, so
    /// the caller must tell the receiver that the stream has ended.
    ///
    /// # Errors
    ///
    /// - `IncorrectFormat` if the rule cannot be broken under the policy (see
    ///   [`breakable`](Self::breakable)), or if the stream has a Close frame or already breaks a
    ///   rule.
    /// - Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, Rule, generate::Stream};
    /// let mut stream = Stream::new(Policy::new(Role::Client));
    /// let mut u = Unstructured::new(&[]);
    /// let violation = stream.push_breaking(Rule::ReservedOpcode, &mut u)?;
    /// assert_eq!((violation.rule, violation.offset), (Rule::ReservedOpcode, 0));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn push_breaking(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<Violation> {
        let possible = Self::breakable(&self.policy).contains(rule);
        if !possible || self.closed || self.violation.is_some() {
            return Err(Error::IncorrectFormat);
        }
        let offset = self.break_rule(rule, u)?;
        let violation = Violation { rule, offset };
        self.violation = Some(violation);
        Ok(violation)
    }

    /// Returns the policy of the receiver.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).policy().role, Role::Server);
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the bytes on the wire, from the first frame on.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).bytes(), b"");
    /// ```
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the messages that the receiver must have received: all whole messages and control
    /// frames before the violation, with their unmasked payloads.
    ///
    /// A compressed message is compressed as on the wire. [`inflated`](Self::inflated) inflates it.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert!(Stream::new(Policy::new(Role::Server)).messages().is_empty());
    /// ```
    #[must_use]
    pub fn messages(&self) -> &[(OpCode, Vec<u8>)] {
        &self.messages
    }

    /// Returns an iterator over the [`messages`](Self::messages) that inflates those that
    /// permessage-deflate has compressed. The application of the receiver must have received these.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert!(Stream::new(Policy::new(Role::Server)).inflated().next().is_none());
    /// ```
    pub fn inflated(&self) -> impl Iterator<Item = (OpCode, &[u8])> {
        self.messages.iter().zip(&self.compressed).map(|((opcode, payload), compressed)| {
            (*opcode, if *compressed { content::inflated(payload) } else { payload })
        })
    }

    /// Returns whether the frame that breaks the rule is complete, or `true` if the stream breaks
    /// no rule.
    ///
    /// For [`Rule::InvalidUtf8`] the whole text message must be complete. A receiver that validates
    /// only whole frames and whole messages can find the violation only if this is `true`.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, Rule, generate::Stream};
    /// let mut u = Unstructured::new(b"bytes");
    /// let stream = Stream::breaking(Policy::new(Role::Client), Rule::LengthOverflow, &mut u)?;
    /// assert!(!stream.is_whole()); // the stream does not contain 2^63 bytes of payload
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Returns the violation that the receiver must find, or `None` if the stream breaks no rule.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).violation(), None);
    /// ```
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// Adds a legal frame that is not a Close frame.
    pub(super) fn push_open(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let frame = self.open_frame(u)?;
        self.send(frame);
        Ok(())
    }

    /// Adds a fragment of the open message, and returns whether a message was open.
    pub(super) fn push_rest(&mut self, u: &mut Unstructured<'_>) -> Result<bool> {
        let Some(message) = self.open.clone() else { return Ok(false) };
        let frame = self.fragment(message, u)?;
        self.send(frame);
        Ok(true)
    }

    /// Adds a legal Close frame.
    pub(super) fn push_close(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let frame = self.close(u)?;
        self.send(frame);
        Ok(())
    }

    /// Adds a control frame if its payload is within the frame limit of the receiver, and returns
    /// whether it was added.
    pub(super) fn push_control(
        &mut self,
        opcode: OpCode,
        payload: Vec<u8>,
        u: &mut Unstructured<'_>,
    ) -> Result<bool> {
        let fits = payload.len() as u64 <= self.policy.max_frame;
        if fits {
            let frame = self.control(opcode, payload, u)?;
            self.send(frame);
        }
        Ok(fits)
    }

    /// Adds a legal frame.
    fn send(&mut self, frame: NextFrame) {
        let NextFrame { header, payload, open } = frame;
        self.write(&header, &payload);
        self.open = open;
        if header.opcode().is_control() {
            self.closed |= header.opcode() == OpCode::Close;
            self.messages.push((header.opcode(), payload));
            self.compressed.push(false);
        } else if header.fin()
            && let Some(message) = self.open.take()
        {
            self.messages.push((message.opcode, message.payload.to_vec()));
            self.compressed.push(self.policy.negotiates_deflate() && message.rsv & 4 != 0);
        }
    }

    /// Writes a frame, and returns the offset of its header.
    fn write(&mut self, header: &Header, payload: &[u8]) -> u64 {
        let start = self.bytes.len();
        let mut out = [0; Header::MAX_LEN];
        let len = header.encode(&mut out);
        self.bytes.extend_from_slice(&out[..len]);
        self.bytes.extend_from_slice(payload);
        mask::apply(header.masking_key().unwrap_or_default(), 0, &mut self.bytes[start + len..]);
        start as u64
    }
}

impl fmt::Debug for Stream {
    /// Writes the bytes as hex text, which `wsvet check` can read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("policy", &self.policy)
            .field("violation", &self.violation)
            .field("bytes", &Hex(&self.bytes))
            .finish_non_exhaustive()
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<'a> Arbitrary<'a> for Stream {
    /// Creates a stream under any policy. The stream is legal or breaks a rule.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let policy = u.arbitrary()?;
        Self::under(policy, u)
    }
}

/// Returns the RSV bits that no extension defines.
fn undefined(policy: &Policy) -> u8 {
    !(policy.rsv | if policy.negotiates_deflate() { 4 } else { 0 }) & 7
}

/// Returns the maximum number of payload bytes of a message. It fits into frames within the limits.
fn most_payload(policy: &Policy) -> usize {
    let frames = u64::from(policy.max_fragments).min(MOST_FRAMES as u64);
    let by_frames = policy.max_frame.saturating_mul(frames);
    by_frames.min(policy.max_message).min(MOST_BYTES) as usize
}

/// Returns whether a data frame can exceed the limit of a frame, and not that of its message by an
/// earlier byte of the length.
fn frames_exceed(policy: &Policy) -> bool {
    policy.max_frame < MOST_LEN
        && policy.max_frame <= policy.max_message
        && policy.max_fragments > 0
}

/// Returns how many frames of the maximum length fit into a message, so that one more exceeds the
/// limit. Returns `None` if no message can exceed the limit, or only one with too many frames or
/// bytes to send.
fn frames_to_fill(policy: &Policy) -> Option<u64> {
    let frames = policy.max_message.checked_div(policy.max_frame)?;
    let affordable = frames == 0 || (policy.max_message <= MOST_BYTES && frames <= MOST_FRAGMENTS);
    let possible = policy.max_message < MOST_LEN && frames < policy.max_fragments.into();
    (affordable && possible).then_some(frames)
}
