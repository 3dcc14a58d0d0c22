//! One direction of a connection, frame by frame.

mod breaking;
mod legal;

use std::fmt;
use std::sync::Arc;
use std::vec::Vec;

use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::content;
use crate::{Accepts, Header, OpCode, Policy, Role, Rule, RuleSet, Violation, mask};

/// One direction of a connection, as its sender writes it, and what the receiver must make of it.
///
/// It is made for a [`Policy`], that of the receiver. Every frame is legal but the last, if it was
/// asked to break a rule; some noise may follow that one. The rule is the only one that it breaks,
/// where that can be (a length of 2^63 bytes is over any limit too).
///
/// With permessage-deflate negotiated some messages are compressed, in blocks without compression.
///
/// A receiver that reads nothing after a Close, as it may, cannot find
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
    /// Which of them permessage-deflate has compressed.
    compressed: Vec<bool>,
    open: Option<OpenMessage>,
    closed: bool,
    violation: Option<Violation>,
    /// The frame that breaks a rule, or its message, is there to its end.
    whole: bool,
}

/// A message of which frames are still to be sent.
#[derive(Clone, Debug)]
struct OpenMessage {
    opcode: OpCode,
    rsv: u8,
    payload: Arc<[u8]>,
    /// How much of the payload was sent.
    sent: usize,
    /// In how many frames.
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

/// The most frames of a legal stream, and of a message that needs them.
const MOST_FRAMES: usize = 64;

/// The most bytes of a message.
const MOST_BYTES: u64 = 1 << 20;

/// The most frames that are sent to go over a limit.
const MOST_FRAGMENTS: u64 = 4_096;

/// The most bytes that a length can say (§5.2).
const MOST_LEN: u64 = (1 << 63) - 1;

/// The most payload bytes that a frame which breaks a rule has to its end.
const AFFORDABLE: u64 = 70_000;

/// The most bytes that come behind the header or the byte that breaks a rule.
const BEHIND: usize = 32;

impl Stream {
    /// An empty stream, to a receiver with this policy.
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

    /// A legal stream, or one that breaks a rule: each about as often.
    ///
    /// # Errors
    ///
    /// That of `u`, as in every function here.
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

    /// A legal stream: it ends with a Close, or between two frames, also of one message, where `u`
    /// has no bytes left or after 64 frames.
    ///
    /// # Errors
    ///
    /// That of `u`.
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

    /// A stream whose first violation is of this rule.
    ///
    /// # Errors
    ///
    /// `IncorrectFormat` where no stream can break the rule under this policy, see
    /// [`breakable`](Self::breakable); or that of `u`.
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

    /// The rules that a stream can break under this policy: a server receives no frame from a
    /// server, masked or not, and who has no limit refuses nothing as too big.
    ///
    /// Left out is also what would take more than 1 MiB of payload or 4,096 frames.
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
            Rule::InterruptedMessage => policy.max_fragments > 0,
            Rule::MisplacedRsv1 => policy.negotiates_deflate(),
            Rule::UnmaskedClientFrame => policy.role == Role::Server,
            Rule::MaskedServerFrame => policy.role == Role::Client,
            Rule::UnsupportedData => policy.accepts != Accepts::Any,
            Rule::FrameTooBig => policy.max_frame < MOST_LEN,
            Rule::MessageTooBig => frames_to_fill(policy).is_some(),
            Rule::TooManyFragments => u64::from(policy.max_fragments) <= MOST_FRAGMENTS,
            Rule::InvalidUtf8 => policy.accepts.admits(OpCode::Text) && most_payload(policy) > 0,
            Rule::CloseBodyOneByte => policy.max_frame > 0,
            Rule::InvalidCloseCode => policy.max_frame > 1,
            Rule::InvalidCloseReason => policy.max_frame > 2,
            // It is broken for those alone who inflate.
            Rule::InvalidDeflate => false,
            Rule::ReservedOpcode
            | Rule::FragmentedControl
            | Rule::OversizedControl
            | Rule::UnexpectedContinuation
            | Rule::NonMinimalLength
            | Rule::LengthOverflow
            | Rule::DataAfterClose
            | Rule::EofInFrame
            | Rule::EofWithoutClose => true,
        };
        Rule::ALL.iter().copied().filter(can_break).collect()
    }

    /// Adds a legal frame; after a Close a Ping or a Pong.
    ///
    /// # Errors
    ///
    /// `IncorrectFormat` after a violation; or that of `u`.
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

    /// Adds the frames that are needed to break this rule, the last of which breaks it. That frame
    /// may be cut short ([`is_whole`](Self::is_whole)). The rules of the end are broken by the end: the
    /// receiver has to be told of it.
    ///
    /// # Errors
    ///
    /// `IncorrectFormat` where the rule cannot be broken under the policy, or after a Close or a
    /// violation; or that of `u`.
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

    /// The policy of the receiver.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).policy().role, Role::Server);
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The bytes on the wire, from the first frame on.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).bytes(), b"");
    /// ```
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole messages and control frames before the violation, with their unmasked payloads:
    /// what the receiver must have got. A compressed message is as it was sent; see
    /// [`inflated`](Self::inflated).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert!(Stream::new(Policy::new(Role::Server)).messages().is_empty());
    /// ```
    #[must_use]
    pub fn messages(&self) -> &[(OpCode, Vec<u8>)] {
        &self.messages
    }

    /// The same messages, inflated where permessage-deflate has compressed them: what the
    /// receiver's application must have got.
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

    /// Whether the frame that breaks the rule is there to its end, and with it the text that is no
    /// UTF-8: a receiver that judges what is whole finds the violation only then.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, Rule, generate::Stream};
    /// let mut u = Unstructured::new(b"bytes");
    /// let stream = Stream::breaking(Policy::new(Role::Client), Rule::LengthOverflow, &mut u)?;
    /// assert!(!stream.is_whole()); // nobody sends 2^63 bytes
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// What the receiver must find, if anything is broken.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, generate::Stream};
    /// assert_eq!(Stream::new(Policy::new(Role::Server)).violation(), None);
    /// ```
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// Adds a legal frame that is no Close.
    pub(super) fn push_open(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let frame = self.open_frame(u)?;
        self.send(frame);
        Ok(())
    }

    /// Adds a fragment of the message that is open, if one is.
    pub(super) fn push_rest(&mut self, u: &mut Unstructured<'_>) -> Result<bool> {
        let Some(message) = self.open.clone() else { return Ok(false) };
        let frame = self.fragment(message, u)?;
        self.send(frame);
        Ok(true)
    }

    /// Adds a Close that may be sent.
    pub(super) fn push_close(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let frame = self.close(u)?;
        self.send(frame);
        Ok(())
    }

    /// Sends a control frame with this payload, if it is legal to the receiver.
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

    /// Sends a legal frame.
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

    /// Writes a frame; where the header stands is given.
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
    /// The bytes are hex text, as `wsvet check` reads it.
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
    /// A stream under any policy, legal or not.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let policy = u.arbitrary()?;
        Self::under(policy, u)
    }
}

/// The RSV bits that no extension defines.
fn undefined(policy: &Policy) -> u8 {
    !(policy.rsv | if policy.negotiates_deflate() { 4 } else { 0 }) & 7
}

/// The most payload bytes of a message, such that it need not have too many frames.
fn most_payload(policy: &Policy) -> usize {
    let frames = u64::from(policy.max_fragments).min(MOST_FRAMES as u64);
    let by_frames = policy.max_frame.saturating_mul(frames);
    by_frames.min(policy.max_message).min(MOST_BYTES) as usize
}

/// How many frames of the most bytes fit a message, so that one more is too much; `None` where it
/// cannot be too much, or only with too many frames or bytes.
fn frames_to_fill(policy: &Policy) -> Option<u64> {
    let frames = policy.max_message.checked_div(policy.max_frame)?;
    let affordable = frames == 0 || (policy.max_message <= MOST_BYTES && frames <= MOST_FRAGMENTS);
    let possible = policy.max_message < MOST_LEN && frames <= policy.max_fragments.into();
    (affordable && possible).then_some(frames)
}
