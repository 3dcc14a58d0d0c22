//! What compressed messages hold, judged (RFC 7692 §7.2.2, RFC 6455 §8.1).

use super::{Inflater, InvalidDeflate, Parameters};
use crate::{OpCode, Policy, Rule, Utf8};

/// Inflates and judges the compressed messages of one direction, beside a judge of its frames.
///
/// It is for those who have their frames from a [`Decoder`](crate::Decoder) or a
/// [`Conversation`](crate::Conversation); others take [`Validator`](super::Validator), which is
/// both.
///
/// ```
/// use wsvet::deflate::{Content, Parameters};
/// use wsvet::{CloseFrame, Compression, Decoder, Event, Policy, Responder, Role, Rule, encode};
///
/// let policy = Policy::new(Role::Client).max_message(1 << 20).compression(Compression::Inflated);
/// let mut decoder = Decoder::new(policy); // the limit counts what comes out
/// let mut content = Content::new(policy, Parameters::new());
/// // "Hello", as text, and a message that is no DEFLATE.
/// let mut received = *b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00\xC1\x01\xFF";
/// let mut chunk = &mut received[..];
/// let mut text = Vec::new();
/// let rule = loop {
///     let (used, event) = decoder.decode(chunk)?;
///     if let Some(Event::Data { opcode, bytes, end, rsv: 4, .. }) = event {
///         let take = |piece: &[u8]| text.extend_from_slice(piece);
///         if let Err(rule) = content.piece(opcode, bytes, end, take) {
///             break rule;
///         }
///     }
///     chunk = &mut chunk[used..];
/// };
/// assert_eq!(text, b"Hello");
/// assert_eq!(rule, Rule::InvalidDeflate);
///
/// let (mut responder, mut out) = (Responder::new(), [0; encode::MAX_CONTROL_LEN]);
/// let close = CloseFrame::new(rule.close_code(), rule.text());
/// let sent = responder.close(Some(&close), Some([1, 2, 3, 4]), &mut out);
/// assert_eq!(sent.len(), 6 + 2 + rule.text().len());
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Debug)]
pub struct Content {
    inflater: Inflater,
    utf8: Utf8,
    max_message: u64,
    /// How many bytes more the open message may inflate to.
    room: u64,
    /// What comes next is not judged.
    lost: bool,
}

impl Content {
    /// The start of a direction that is received under this policy, with these parameters.
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
        Self { inflater, utf8: Utf8::new(), max_message, room: max_message, lost: false }
    }

    /// Inflates and judges the next piece of a compressed message, its last where `end` says so, and
    /// gives what it holds.
    ///
    /// `opcode` is that of the message, for its continuations too. What breaks a rule is not given, and
    /// all before it is.
    ///
    /// # Errors
    ///
    /// The rule that is broken: [`Rule::InvalidDeflate`], [`Rule::InvalidUtf8`], or
    /// [`Rule::MessageTooBig`] as soon as more comes out than the policy allows. An endpoint goes no
    /// further (RFC 6455 §7.1.7); for a linter the content is then [lost](Self::is_lost), and later
    /// pieces give nothing.
    ///
    /// # Panics
    ///
    /// With debug assertions, for an opcode that starts no message.
    ///
    /// ```
    /// # use wsvet::{OpCode, Policy, Role, Rule, deflate::{Content, Parameters}};
    /// let policy = Policy::new(Role::Server).max_message(4);
    /// let mut content = Content::new(policy, Parameters::new());
    /// let hello = b"\xF2\x48\xCD\xC9\xC9\x07\x00";
    /// let judged = content.piece(OpCode::Text, hello, true, |_| {});
    /// assert_eq!(judged, Err(Rule::MessageTooBig));
    /// ```
    pub fn piece(
        &mut self,
        opcode: OpCode,
        compressed: &[u8],
        end: bool,
        mut inflated: impl FnMut(&[u8]),
    ) -> Result<(), Rule> {
        debug_assert!(opcode.starts_message(), "the opcode of the message: {opcode}");
        let Self { inflater, utf8, room, lost, .. } = self;
        let text = opcode == OpCode::Text;
        let mut judged = Ok(());
        if !*lost {
            judged = inflater.inflate(compressed, end, |piece| {
                let within = piece.len().min(usize::try_from(*room).unwrap_or(usize::MAX));
                *room -= within as u64;
                let judged = if text { utf8.push(&piece[..within]) } else { Ok(()) };
                let good = judged.map_or_else(|error| error.index, |()| within);
                if good > 0 {
                    inflated(&piece[..good]);
                }
                judged.map_err(|_| Rule::InvalidUtf8)?;
                if within < piece.len() { Err(Rule::MessageTooBig) } else { Ok(()) }
            });
            if judged.is_ok() && end && !utf8.is_complete() {
                judged = Err(Rule::InvalidUtf8);
            }
            *lost = judged.is_err();
        }
        if end {
            self.utf8 = Utf8::new();
            self.room = self.max_message;
            if self.lost {
                self.lost = !self.inflater.start_anew();
            }
        }
        judged
    }

    /// Something of the open message is missing: neither the rest of it is judged, nor any message
    /// that may reach back to it.
    ///
    /// ```
    /// # use wsvet::{OpCode, Policy, Role, deflate::{Content, Parameters}};
    /// let mut content = Content::new(Policy::new(Role::Server), Parameters::new());
    /// content.lose();
    /// content.piece(OpCode::Text, b"no DEFLATE", true, |_| unreachable!())?;
    /// # Ok::<(), wsvet::Rule>(())
    /// ```
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// Whether what comes next is not judged, because something before it was no DEFLATE, broke
    /// another rule, or is missing.
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

impl From<InvalidDeflate> for Rule {
    fn from(_: InvalidDeflate) -> Self {
        Self::InvalidDeflate
    }
}
