//! The cold explanation: which rules a header breaks, and the violation that ends the stream.

use super::{Content, Validator};
use crate::{Header, OpCode, Role, Rule, RuleSet, Violation};

impl Validator {
    /// All rules that this header breaks in this state, for linters; nothing is changed.
    ///
    /// [`begin`](Self::begin) refuses a header exactly where this set is not empty, with its first
    /// rule.
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
        // A frame that starts a message has all the room there is.
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

    /// Returns whether one of these RSV bits is defined by no negotiated extension.
    pub(crate) const fn is_undefined(&self, rsv: u8) -> bool {
        let deflate = if self.policy.negotiates_deflate() { 4 } else { 0 };
        rsv & !(self.policy.rsv | deflate) != 0
    }

    /// Returns all rules that a refused header breaks, and the violation of the first, which ends
    /// the stream.
    #[inline(always)]
    pub(super) fn refuse(&mut self, header: &Header) -> (RuleSet, Violation) {
        // As scalars, so that the hot path keeps the header in registers.
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
        // What the payload means is unknown, or its end is: it is not judged after `resume`.
        if broken.iter().any(Rule::loses_content) {
            self.content = Content::Opaque;
            // A control frame, or one that has no meaning at all, is no part of the message.
            if header.opcode().belongs_to_message() && self.is_open() {
                self.message.lose();
            }
        }
        match broken.first() {
            Some(rule) => (broken, self.fail(rule, Violation::in_header(rule, start).offset)),
            None => unreachable!("a refused header breaks a rule: {header:?}"),
        }
    }

    /// Gives the violation that ended the stream again, if one has.
    #[inline]
    pub(crate) fn still_good(&self) -> Result<(), Violation> {
        match self.violation() {
            None => Ok(()),
            Some(violation) => Err(violation),
        }
    }

    /// Ends the stream with a violation that a judge beside this one has found.
    #[cfg(any(feature = "codec", feature = "deflate"))]
    #[cold]
    pub(crate) fn refuse_with(&mut self, found: Violation) -> Violation {
        self.fail(found.rule, found.offset)
    }

    #[cold]
    pub(super) fn fail(&mut self, rule: Rule, offset: u64) -> Violation {
        self.failed = Some(rule);
        self.failed_at = offset;
        // So that one look at the next header is enough.
        self.admitted = 0;
        Violation { rule, offset }
    }
}
