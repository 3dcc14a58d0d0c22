//! How values are shown and converted, for logs and for panics.

use wsvet::{CloseCode, Header, OpCode, Policy, Role, Rule, RuleSet, StreamDecoder};

#[test]
fn a_reserved_opcode_is_named_by_its_digit() {
    for byte in 0..16 {
        let opcode = Header::from_wire(byte, 0, 0, [0; 4]).opcode();
        let digit = format!("reserved {byte:X}");
        assert_eq!(opcode.name() == digit, opcode.is_reserved(), "{opcode:?}");
    }
}

#[test]
fn a_close_code_is_its_number() {
    assert_eq!(CloseCode::from(1003), CloseCode::UNSUPPORTED_DATA);
    assert_eq!(u16::from(CloseCode::UNSUPPORTED_DATA), 1003);
}

#[test]
fn a_header_and_a_set_of_rules_show_what_they_mean() {
    assert_eq!(
        format!("{:?}", Header::new(OpCode::Text, 2).masked([1, 2, 3, 4]).not_final()),
        "Header { fin: false, rsv: 0, opcode: Text, masking_key: Some([1, 2, 3, 4]), \
         payload_len: 2, header_len: 6 }"
    );
    let set: RuleSet = [Rule::InvalidUtf8, Rule::ReservedBits].into_iter().collect();
    assert_eq!(format!("{set:?}"), "{ReservedBits, InvalidUtf8}");
}

/// What it holds of the stream is nobody's business.
#[test]
fn a_decoder_shows_where_it_is_and_no_payload() {
    let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
    assert_eq!(decoder.decode(&mut b"\x89\x06secr".clone()), Ok((6, None)));
    let shown = format!("{decoder:?}");
    assert!(shown.ends_with("in_payload: true, remaining: 2, .. }"), "{shown}");
    assert!(!shown.contains("115, 101"), "{shown}");
}
