//! What a judge that goes on after a violation still knows.

use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};

/// A frame with a reserved opcode is no part of the message that is open.
#[test]
fn a_reserved_opcode_loses_nothing_of_the_message_around_it() {
    for opcode in OpCode::ALL.into_iter().filter(|opcode| opcode.is_reserved()) {
        let mut validator = Validator::new(Policy::new(Role::Client));
        validator.frame(&Header::new(OpCode::Text, 1).not_final(), b"\xC3").unwrap();
        let reserved = validator.begin(&Header::new(opcode, 0)).unwrap_err();
        assert_eq!(reserved.rule, Rule::ReservedOpcode, "{opcode}");
        validator.resume();
        validator.finish().unwrap();
        validator.begin(&Header::new(OpCode::Continuation, 1)).unwrap();
        let cut = validator.payload(b"a").unwrap_err();
        assert_eq!((cut.rule, cut.offset), (Rule::InvalidUtf8, 7), "{opcode}");
    }
}
