//! The cold path of the validation of headers: which rules a header breaks, and the violation that
//! ends the stream.

use super::{Expected, Validator};
use crate::{Header, OpCode, Role, Rule, RuleSet, Violation};

impl Validator {
    /// Returns all rules that this header breaks in this state. This is for linters. The state does
    /// not change.
    ///
    /// Unless the stream has ended with a violation before, [`begin`](Self::begin) returns a
    /// violation exactly if this set is not empty. It is a violation of the first rule of the set.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let validator = Validator::new(Policy::new(Role::Server));
    /// let broken = validator.broken(&Header::new(OpCode::Ping, 126).not_final());
    /// assert!(broken.iter().eq([
    ///     Rule::FragmentedControl,
    ///     Rule::OversizedControl,
    ///     Rule::UnmaskedClientFrame,
    /// ]));
    /// ```
    #[must_use]
    pub fn broken(&self, header: &Header) -> RuleSet {
        let policy = &self.policy;
        let opcode = header.opcode();
        let len = header.payload_len();
        let control = opcode.is_control();
        let starts = opcode.starts_message();
        let continues = opcode == OpCode::Continuation;
        let open = self.is_open();
        let rsv1 = header.rsv() & 4 != 0;
        // A frame that starts a message has the full limits.
        let (message_room, fragment_room) = if continues {
            (self.message_room, self.fragment_room)
        } else {
            (self.whole_room(header), policy.max_fragments)
        };
        let of_message = starts || continues;
        [
            (Rule::ReservedBits, self.is_undefined(header.rsv())),
            (Rule::ReservedOpcode, opcode.is_reserved()),
            (Rule::FragmentedControl, control && !header.fin()),
            (Rule::OversizedControl, control && len > 125),
            (Rule::UnexpectedContinuation, continues && !open),
            (Rule::InterruptedMessage, starts && open),
            (Rule::MisplacedRsv1, policy.negotiates_deflate() && rsv1 && (control || continues)),
            (Rule::UnmaskedClientFrame, policy.role == Role::Server && !header.is_masked()),
            (Rule::MaskedServerFrame, policy.role == Role::Client && header.is_masked()),
            (Rule::NonMinimalLength, !header.is_minimal()),
            (Rule::LengthOverflow, len >> 63 == 1),
            (Rule::DataAfterClose, opcode.is_data() && self.is_closed()),
            (Rule::UnsupportedData, !policy.accepts.admits(opcode)),
            (Rule::FrameTooBig, len > policy.max_frame),
            (Rule::MessageTooBig, of_message && len > message_room),
            (Rule::TooManyFragments, of_message && fragment_room == 0),
            (Rule::CloseBodyOneByte, opcode == OpCode::Close && len == 1),
        ]
        .into_iter()
        .filter_map(|(rule, broken)| broken.then_some(rule))
        .collect()
    }

    /// Returns whether these RSV bits include one that no negotiated extension defines.
    pub(crate) const fn is_undefined(&self, rsv: u8) -> bool {
        let deflate = if self.policy.negotiates_deflate() { 4 } else { 0 };
        rsv & !(self.policy.rsv | deflate) != 0
    }

    /// Ends the stream at a header that breaks a rule, and returns all rules that it breaks and the
    /// violation of the first.
    ///
    /// If an earlier violation ended the stream, the function returns that violation.
    #[inline(always)]
    pub(super) fn refuse(&mut self, header: &Header) -> (RuleSet, Violation) {
        // The arguments are scalars so that the hot path keeps the header in registers.
        self.refuse_parts(header.first_byte(), header.second_byte(), header.payload_len())
    }

    #[cold]
    #[inline(never)]
    fn refuse_parts(&mut self, first: u8, second: u8, payload_len: u64) -> (RuleSet, Violation) {
        let header = &Header::from_wire(first, second, payload_len, [0; 4]);
        let broken = self.broken(header);
        if let Some(violation) = self.violation() {
            return (broken, violation);
        }
        let start = self.offset;
        self.enter(header);
        // The meaning or the end of the payload is unknown, so it is not validated after `resume`.
        if broken.iter().any(Rule::loses_content) {
            self.content = Expected::Opaque;
            // A control frame or a frame with a reserved opcode is not part of the message.
            if header.opcode().belongs_to_message() && self.is_open() {
                self.message.lose();
            }
        }
        match broken.first() {
            Some(rule) => (broken, self.fail(rule, Violation::in_header(rule, start).offset)),
            None => unreachable!("a refused header breaks a rule: {header:?}"),
        }
    }

    /// Returns the violation that ended the stream as an error, if one did.
    #[inline]
    pub(crate) fn still_good(&self) -> Result<(), Violation> {
        match self.violation() {
            None => Ok(()),
            Some(violation) => Err(violation),
        }
    }

    /// Ends the stream with a violation that another validator has found.
    #[cfg(any(feature = "codec", feature = "deflate"))]
    #[cold]
    pub(crate) fn refuse_with(&mut self, found: Violation) -> Violation {
        self.fail(found.rule, found.offset)
    }

    /// Ends the stream with a violation of this rule at this offset, and returns the violation.
    #[cold]
    pub(super) fn fail(&mut self, rule: Rule, offset: u64) -> Violation {
        self.failed = Some(rule);
        self.failed_at = offset;
        // The next header fails the check of its kind, so the hot path need not check `failed`.
        self.admitted = 0;
        Violation { rule, offset }
    }
}
