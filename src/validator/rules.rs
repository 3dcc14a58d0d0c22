//! The cold path of the validation of headers: which rules a header breaks, and the violation that
//! ends the stream.

use super::known::Known;
use super::{Expected, Validator};
use crate::header::is_minimal;
use crate::{Header, OpCode, Role, Rule, RuleSet, Violation};

impl Validator {
    /// Returns all rules that this header breaks in this state. This is for linters. The state does
    /// not change.
    ///
    /// Unless the stream has ended with a violation before, [`begin`](Self::begin) returns a
    /// violation exactly if this set is not empty. It is a violation of the first rule of the set.
    ///
    /// If the payload length exceeds both [`Policy::max_frame`](crate::Policy::max_frame) and the
    /// limit of the message, and an earlier byte of the length proves the latter, the set has only
    /// [`Rule::MessageTooBig`] of the two.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let validator = Validator::new(Policy::new(Role::Server));
    /// let broken = validator.broken(&Header::new(OpCode::Ping, 126).not_final());
    /// assert!(broken.iter().eq([
    ///     Rule::FragmentedControl,
    ///     Rule::UnmaskedClientFrame,
    ///     Rule::OversizedControl,
    /// ]));
    /// ```
    #[must_use]
    pub fn broken(&self, header: &Header) -> RuleSet {
        let broken = self.proven(&Known::whole(header));
        let both =
            [Rule::FrameTooBig, Rule::MessageTooBig].iter().all(|rule| broken.contains(*rule));
        if both && self.first_proven(header) == Some(Rule::MessageTooBig) {
            return broken.iter().filter(|rule| *rule != Rule::FrameTooBig).collect();
        }
        broken
    }

    /// Validates the first bytes of a header that has not arrived completely. Call it if bytes of a
    /// header have arrived and no more are there yet, with all of them, 1 to 13.
    ///
    /// A rule is broken at the first byte after which every possible rest of the header breaks it.
    /// For example, the first byte proves a type of data that the endpoint does not accept, and the
    /// second byte proves a frame that is not masked. The violation is the one that
    /// [`begin`](Self::begin) returns for the whole header, whatever its other bytes are.
    ///
    /// The state does not change otherwise: pass the whole header to `begin`, as if this function
    /// had not been called. After a violation and [`resume`](Self::resume), `begin` returns the same
    /// violation again.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of the rule that the bytes break. If an earlier violation ended the stream,
    /// the function returns that violation.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
    ///
    /// ```
    /// use wsvet::{Accepts, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
    /// validator.cut_header(&[0x81])?; // a text message
    /// let violation = validator.cut_header(&[0x82]).unwrap_err(); // a binary message
    /// assert_eq!((violation.rule, violation.offset), (Rule::UnsupportedData, 0));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn cut_header(&mut self, start: &[u8]) -> Result<(), Violation> {
        debug_assert!(
            self.content == Expected::Between || self.failed.is_some(),
            "the frame before was not finished"
        );
        match Known::of(start) {
            Some(known) if !self.admits_start(&known) => Err(self.refuse_start(start)),
            _ => Ok(()),
        }
    }

    /// Ends the stream at the first bytes of a header, which break a rule.
    ///
    /// If an earlier violation ended the stream, the function returns that violation.
    #[cold]
    fn refuse_start(&mut self, start: &[u8]) -> Violation {
        if let Some(violation) = self.violation() {
            return violation;
        }
        match self.first_proven_in(start) {
            Some(rule) => self.fail(rule, Violation::in_header(rule, self.offset).offset),
            None => unreachable!("refused bytes break a rule: {start:02x?}"),
        }
    }

    /// Returns the rule that the fewest first bytes of a header break.
    fn first_proven(&self, header: &Header) -> Option<Rule> {
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        self.first_proven_in(&wire[..len])
    }

    fn first_proven_in(&self, start: &[u8]) -> Option<Rule> {
        let starts = (1..=start.len()).filter_map(|len| Known::of(&start[..len]));
        starts.filter_map(|known| self.proven(&known).first()).next()
    }

    /// Returns all rules that every header breaks that starts so.
    pub(super) fn proven(&self, known: &Known) -> RuleSet {
        let policy = &self.policy;
        let Known { first, second, least, most } = *known;
        let header = Header::from_wire(first, 0, 0, [0; 4]);
        let (opcode, rsv) = (header.opcode(), header.rsv());
        let control = opcode.is_control();
        let starts = opcode.starts_message();
        let continues = opcode == OpCode::Continuation;
        let open = self.is_open();
        // A frame that starts a message has the full limits.
        let (message_room, fragment_room) = if continues {
            (self.message_room, self.fragment_room)
        } else {
            (self.whole_room(&header), policy.max_fragments)
        };
        let of_message = starts || continues;
        let masked = second.map(|second| second & 0x80 != 0);
        let extended = second.is_some_and(|second| second & 0x7F > 125);
        let is_minimal = second.is_none_or(|second| is_minimal(second, most));
        [
            (Rule::ReservedBits, self.is_undefined(rsv)),
            (Rule::ReservedOpcode, opcode.is_reserved()),
            (Rule::FragmentedControl, control && !header.fin()),
            (Rule::UnexpectedContinuation, continues && !open),
            (Rule::InterruptedMessage, starts && open),
            (
                Rule::MisplacedRsv1,
                policy.negotiates_deflate() && rsv & 4 != 0 && (control || continues),
            ),
            (Rule::DataAfterClose, opcode.is_data() && self.is_closed()),
            (Rule::UnsupportedData, !policy.accepts.admits(opcode)),
            (Rule::TooManyFragments, of_message && fragment_room == 0),
            (Rule::UnmaskedClientFrame, policy.role == Role::Server && masked == Some(false)),
            (Rule::MaskedServerFrame, policy.role == Role::Client && masked == Some(true)),
            (Rule::OversizedControl, control && extended),
            (Rule::CloseBodyOneByte, opcode == OpCode::Close && (least, most) == (1, 1)),
            (Rule::NonMinimalLength, !is_minimal),
            (Rule::LengthOverflow, least >> 63 == 1),
            (Rule::FrameTooBig, least > policy.max_frame),
            (Rule::MessageTooBig, of_message && least > message_room),
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
            self.content = self.content.lost();
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
    #[cfg(feature = "std")]
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
