//! The verdict over whole conversations: a case for each outcome, and what must not change it.

mod common;

use std::time::Duration;

use wsvet::{
    Abnormality, Accepts, Act, CloseCode, Conversation, End, FrameMut, Header, Observed, OpCode,
    Policy, Role, Rule, Unopened, Verdict, Violation,
};

use Role::{Client, Server};
use Step::{Fin, Frame, Part, Reset};

/// What happens in a conversation.
#[derive(Clone, Copy)]
enum Step {
    /// A frame: its first byte, its payload.
    Frame(Role, u8, &'static [u8]),
    /// The first bytes of a frame.
    Part(Role, u8, &'static [u8], usize),
    Fin(Role),
    Reset(Role),
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// A Close of the client, and of the server.
const BYE: [Step; 2] = [Frame(Client, CLOSE, b"\x03\xE8"), Frame(Server, CLOSE, b"\x03\xE8")];

fn start() -> Conversation {
    let server = Policy::new(Server).accepts(Accepts::TextOnly);
    Conversation::new(Policy::new(Client), server)
}

fn wire(from: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header::from_wire(first, payload.len() as u8, 0, [0; 4]);
    common::frame(from, header, payload)
}

/// The same conversation with the bytes of each step in pieces of this size.
fn in_pieces(steps: &[Step], size: usize) -> Verdict {
    let mut conversation = start();
    for step in steps {
        let (from, bytes) = match *step {
            Frame(from, first, payload) => (from, wire(from, first, payload)),
            Part(from, first, payload, len) => (from, wire(from, first, payload)[..len].to_vec()),
            Fin(from) => {
                conversation.end(from, End::Fin, 0);
                continue;
            }
            Reset(from) => {
                conversation.end(from, End::Reset, 0);
                continue;
            }
        };
        bytes.chunks(size).for_each(|chunk| conversation.bytes(from, chunk));
    }
    conversation.verdict()
}

/// The same, with a parser of one's own in front.
fn by_hand(steps: &[Step]) -> Option<Verdict> {
    let mut conversation = start();
    for step in steps {
        match *step {
            Frame(from, first, payload) => {
                let mut bytes = wire(from, first, payload);
                let (frame, _) = FrameMut::decode(&mut bytes).unwrap();
                let frame = frame.unmask();
                let _ = conversation.begin(from, &frame.header);
                let _ = conversation.payload(from, frame.payload);
                let _ = conversation.finish(from);
            }
            Part(..) => return None,
            Fin(from) => {
                conversation.end(from, End::Fin, 0);
            }
            Reset(from) => {
                conversation.end(from, End::Reset, 0);
            }
        }
    }
    Some(conversation.verdict())
}

#[track_caller]
fn verdict(steps: &[Step]) -> Verdict {
    let whole = in_pieces(steps, usize::MAX);
    assert!((1..9).all(|size| in_pieces(steps, size) == whole));
    assert!(by_hand(steps).is_none_or(|verdict| verdict == whole));
    whole
}

#[track_caller]
fn says(steps: &[Step], expected: &str) -> Verdict {
    let verdict = verdict(steps);
    assert_eq!(verdict.to_string(), expected);
    verdict
}

#[test]
fn a_clean_close_has_the_code_of_who_was_first() {
    let verdict = says(
        &[&[Frame(Client, TEXT, b"hi"), Frame(Server, BINARY, b"\xFF")], &BYE[..]].concat(),
        "a clean close: the client closed with 1000 Normal Closure, and the server answered",
    );
    assert_eq!(verdict, Verdict::Clean { first: Client, code: CloseCode::NORMAL_CLOSURE });
    says(
        &[Frame(Server, CLOSE, b"\x03\xE9"), Frame(Client, TEXT, b"hi"), Frame(Client, CLOSE, b"")],
        "a clean close: the server closed with 1001 Going Away, and the client answered",
    );
    says(
        &[Frame(Server, CLOSE, b""), Frame(Client, CLOSE, b""), Fin(Server), Reset(Client)],
        "a clean close: the server closed without a code (the application of its peer is told \
         1005), and the client answered",
    );
}

#[test]
fn a_violation_is_refused_as_it_must_be() {
    let steps = [
        Frame(Client, TEXT, b"hi"),
        Frame(Client, BINARY, b"hi"),
        Frame(Client, TEXT, b"more that was under way"),
        Frame(Server, TEXT, b"hi, and this too"),
        Frame(Server, CLOSE, b"\x03\xEBtext only"),
    ];
    let expected = "refused as it must be: unsupported-data, and the server closed with 1003 \
                    Unsupported Data";
    says(&steps, expected);
    says(&[&steps[..], &[Frame(Client, CLOSE, b"\x03\xEB"), Fin(Server)]].concat(), expected);
    // The client's own Close was under way.
    let crossed = [Frame(Client, BINARY, b""), Frame(Client, CLOSE, b"\x03\xE8")];
    says(&[&crossed[..], &[steps[4]]].concat(), expected);
}

#[test]
fn a_violation_is_refused_with_another_code_or_without_one() {
    let binary = Frame(Client, BINARY, b"hi");
    for (body, name) in [
        (&b"\x03\xE8"[..], "1000 Normal Closure"),
        (b"\x03\xEA", "1002 Protocol Error"),
        (b"\x03\xF0", "1008 Policy Violation"),
        (b"\x03\xF3", "1011 Internal Error"),
    ] {
        says(
            &[binary, Frame(Server, CLOSE, body)],
            &format!(
                "refused with another code: unsupported-data, and the server closed with {name} \
                 where 1003 Unsupported Data was due"
            ),
        );
    }
    let dropped = "refused without a word: unsupported-data, and the server dropped the \
                   connection (1006) where a Close with 1003 Unsupported Data was due";
    says(&[binary, Fin(Server)], dropped);
    says(&[binary, Frame(Server, PING, b""), Reset(Server)], dropped);
}

#[test]
fn a_violation_is_let_pass() {
    let text = Frame(Server, TEXT, b"\xFF");
    let expected = "broken and let pass: invalid-utf8, and the client went on where 1007 Invalid \
                    Frame Payload Data was due";
    let passed = says(&[text, Frame(Client, TEXT, b"thanks")], expected);
    assert!(matches!(passed, Verdict::LetPass { by: Client, violation } if violation.offset == 2));
    // What comes long after it has nothing to do with it.
    let thanks = Frame(Client, TEXT, b"thanks");
    for end in [
        &[Fin(Server), Fin(Client)][..],
        &[Reset(Client)],
        &[Frame(Client, CLOSE, b"\x03\xE9"), Frame(Server, CLOSE, b"\x03\xE9")],
        &[Frame(Server, CLOSE, b"\x03\xE8"), Frame(Client, CLOSE, b"")],
    ] {
        says(&[&[text, thanks][..], end].concat(), expected);
    }
    // But for a refusal, which can have crossed what was on its way.
    let refusal = Frame(Client, CLOSE, b"\x03\xF0");
    assert!(matches!(verdict(&[text, thanks, refusal]), Verdict::RefusedOtherwise { .. }));
    // A Close that is an echo refuses nothing.
    let echoed = [Frame(Server, CLOSE, b"\x03\xE8"), Frame(Client, CLOSE, b"\x03\xE8")];
    says(&[&[text][..], &echoed].concat(), expected);
}

#[test]
fn what_is_refused_without_a_reason_is_wrongly_refused() {
    for (body, name) in [
        (b"\x03\xEA", "1002 Protocol Error"),
        (b"\x03\xEB", "1003 Unsupported Data"),
        (b"\x03\xEF", "1007 Invalid Frame Payload Data"),
        (b"\x03\xF1", "1009 Message Too Big"),
    ] {
        let close = Frame(Client, CLOSE, body);
        let expected = format!(
            "wrongly refused: the client closed with {name}, and the server broke nothing that can \
             be seen"
        );
        says(&[Frame(Server, BINARY, b""), close], &expected);
        says(&[close, Frame(Server, CLOSE, body)], &expected);
        says(&[Frame(Server, CLOSE, b"\x03\xE8"), close], &expected);
    }
}

/// Who echoes a Close refuses nothing, whatever it sent in between.
#[test]
fn an_echo_is_an_answer() {
    let code = CloseCode::PROTOCOL_ERROR;
    let [close, echo] = [Client, Server].map(|from| Frame(from, CLOSE, b"\x03\xEA"));
    let steps = [close, Frame(Server, TEXT, b"\xFF"), echo];
    assert_eq!(verdict(&steps), Verdict::WronglyRefused { by: Client, code });
}

/// What an endpoint breaks after a Close was no reason for it.
#[test]
fn a_close_is_not_excused_by_what_comes_after_it() {
    let close = Frame(Server, CLOSE, b"\x03\xEB");
    let wrong = Verdict::WronglyRefused { by: Server, code: CloseCode::UNSUPPORTED_DATA };
    let broken = Frame(Client, BINARY, b"");
    for after in [&[][..], &[broken], &[broken, BYE[0]], &[Frame(Client, CLOSE, b"\x03")]] {
        assert_eq!(verdict(&[&[close], after].concat()), wrong);
    }
    let violation = Violation::new(Rule::UnsupportedData, 0);
    assert_eq!(verdict(&[broken, close, BYE[0]]), Verdict::Refused { by: Server, violation });
}

/// An endpoint that has left did not leave because of what its peer broke later.
#[test]
fn who_has_left_refuses_nothing() {
    let why = Abnormality::WithoutClose;
    let left = Verdict::Abnormal { by: Server, why };
    assert_eq!(verdict(&[Fin(Server), Frame(Client, BINARY, b"")]), left);
    assert_eq!(verdict(&[Fin(Server), Frame(Client, BINARY, b""), Fin(Client)]), left);
    let (code, violation) = (CloseCode::ABNORMAL_CLOSURE, Violation::new(Rule::UnsupportedData, 0));
    let dropped = Verdict::RefusedOtherwise { by: Server, violation, code };
    assert_eq!(verdict(&[Frame(Client, BINARY, b""), Fin(Server)]), dropped);
}

#[test]
fn an_end_without_a_handshake_is_abnormal() {
    let at = "an abnormal end (1006), at the";
    let text = Frame(Client, TEXT, b"hi");
    says(
        &[text, Fin(Server), Fin(Client)],
        &format!("{at} server: its stream ended without a Close"),
    );
    says(&[text, Reset(Client)], &format!("{at} client: the connection was reset without a Close"));
    for len in 1..7 {
        let cut = Part(Client, TEXT, b"hi", len);
        says(&[cut, Fin(Client)], &format!("{at} client: its stream ended inside a frame"));
    }
    let unanswered = format!("{at} client: it did not answer the Close of the other");
    says(&[Frame(Server, CLOSE, b"\x03\xE9"), Fin(Client)], &unanswered);
    says(&[Frame(Server, CLOSE, b"\x03\xE9"), Reset(Client)], &unanswered);
    says(
        &[Frame(Server, CLOSE, b"\x03\xE9"), Reset(Server)],
        &format!("{at} server: it reset the connection before its Close could be answered"),
    );
    // Who has gone without a Close is not asked for another, whatever the other sends.
    for late in [&b"\x03\xE8"[..], b"\x03\xEA"] {
        let late = Frame(Server, CLOSE, late);
        let expected = format!("{at} client: its stream ended without a Close");
        says(&[text, Fin(Client), late, Fin(Server)], &expected);
        let expected = format!("{at} client: its stream ended inside a frame");
        says(&[Part(Client, TEXT, b"hi", 7), Fin(Client), late], &expected);
    }
    // A parser in front holds the first byte of a header.
    let mut conversation = start();
    conversation.end(Client, End::Fin, 1);
    let why = Abnormality::InFrame;
    assert_eq!(conversation.verdict(), Verdict::Abnormal { by: Client, why });
    // What the client broke just before it went was nobody's to answer.
    let verdict = verdict(&[Frame(Client, BINARY, b""), Fin(Client)]);
    let why = Abnormality::WithoutClose;
    assert_eq!(verdict, Verdict::Abnormal { by: Client, why });
}

#[test]
fn what_has_not_ended_is_open() {
    let open = "still open at the end of what was seen";
    says(&[], open);
    says(&[Frame(Client, TEXT, b"hi"), Part(Server, TEXT, b"hi", 3)], open);
    says(&[Frame(Server, CLOSE, b"\x03\xE8"), Fin(Server)], open);
    says(&[Frame(Client, BINARY, b"")], open);
}

#[test]
fn after_a_close_nothing_need_be_answered() {
    // Data after a Close is discarded by who has received it, and is no reason to refuse.
    let clean = Verdict::Clean { first: Client, code: CloseCode::NORMAL_CLOSURE };
    assert_eq!(verdict(&[BYE[0], Frame(Client, TEXT, b"late"), BYE[1]]), clean);
    // Who has closed reads what the other still sends, but cannot answer it any more.
    let late = [BYE[1], Frame(Client, BINARY, b""), BYE[0]];
    assert_eq!(verdict(&late), Verdict::Clean { first: Server, code: CloseCode::NORMAL_CLOSURE });
    assert_eq!(verdict(&[BYE[0], Frame(Client, TEXT, b"late"), Fin(Server)]), {
        Verdict::Abnormal { by: Server, why: Abnormality::Unanswered }
    });
}

#[test]
fn data_after_a_close_may_be_refused() {
    let late = Frame(Client, TEXT, b"late");
    let refused = [BYE[0], late, Frame(Server, CLOSE, b"\x03\xEA")];
    let violation = Violation::new(Rule::DataAfterClose, 8);
    assert_eq!(verdict(&refused), Verdict::Refused { by: Server, violation });
    let twice = [BYE[0], late, late, Frame(Server, CLOSE, b"\x03\xEA")];
    assert_eq!(verdict(&twice), Verdict::Refused { by: Server, violation });
    // Its first byte is enough.
    let cut = [BYE[0], Part(Client, TEXT, b"late", 1), Frame(Server, CLOSE, b"\x03\xEA")];
    assert_eq!(verdict(&cut), Verdict::Refused { by: Server, violation });
    let code = CloseCode::PROTOCOL_ERROR;
    let ping = [BYE[0], Part(Client, PING, b"late", 1), Frame(Server, CLOSE, b"\x03\xEA")];
    assert_eq!(verdict(&ping), Verdict::WronglyRefused { by: Server, code });
    // The refusal came before the data, or has another code.
    let code = CloseCode::PROTOCOL_ERROR;
    let early = [BYE[0], Frame(Server, CLOSE, b"\x03\xEA"), late];
    assert_eq!(verdict(&early), Verdict::WronglyRefused { by: Server, code });
    let code = CloseCode::UNSUPPORTED_DATA;
    let other = [BYE[0], late, Frame(Server, CLOSE, b"\x03\xEB")];
    assert_eq!(verdict(&other), Verdict::WronglyRefused { by: Server, code });
}

#[test]
fn a_close_that_breaks_a_rule_is_no_clean_close() {
    // The ASCII text "1000" in place of the code.
    let said = "a broken Close: the client closed with 1000 Normal Closure, and the Close of the \
                server that answered it breaks invalid-close-code";
    let broken = says(&[BYE[0], Frame(Server, CLOSE, b"1000")], said);
    let violation = Violation::new(Rule::InvalidCloseCode, 2);
    let code = CloseCode::NORMAL_CLOSURE;
    assert_eq!(broken, Verdict::BrokenClose { by: Server, violation, code });
    for body in [&b"\x03\xE8\xFF"[..], b"\x03"] {
        let verdict = verdict(&[BYE[0], Frame(Server, CLOSE, body)]);
        assert_eq!((verdict.id(), verdict.by()), ("broken-close", Some(Server)), "{body:x?}");
    }
    // The first byte of the Close breaks a rule.
    for first in [0x08, 0xC8] {
        let violation = Violation::new(
            if first == 0x08 { Rule::FragmentedControl } else { Rule::ReservedBits },
            0,
        );
        let broken = verdict(&[BYE[0], Frame(Server, first, b"\x03\xE8")]);
        assert_eq!(broken, Verdict::BrokenClose { by: Server, violation, code });
    }
    // The first Close is the answer.
    let twice = [BYE[0], Frame(Server, CLOSE, b"1000"), BYE[1]];
    assert_eq!(verdict(&twice), broken);
    // A violation before the Close is not one of the Close.
    let before = [BYE[0], Frame(Server, TEXT, b"\xFF"), BYE[1]];
    assert_eq!(verdict(&before).id(), "clean");
    // If it comes first, it can be answered.
    let first = [Frame(Server, CLOSE, b"1000"), Frame(Client, CLOSE, b"\x03\xEA")];
    assert_eq!(verdict(&first), Verdict::Refused { by: Client, violation });
    assert_eq!(verdict(&[Frame(Server, CLOSE, b"1000"), BYE[0]]).id(), "refused-otherwise");
}

#[test]
fn an_endpoint_may_have_a_limit_that_is_not_known() {
    let too_big = Frame(Server, CLOSE, b"\x03\xF1");
    let sent =
        [Frame(Client, 0x01, b"ab"), Frame(Client, PING, b"ping"), Frame(Client, 0x80, b"c")];
    let said = "refused for a limit of its own: the server closed with 1009 Message Too Big, and \
                the message of the client had 3 bytes";
    let own = says(&[&sent[..], &[too_big]].concat(), said);
    assert_eq!(own, Verdict::OwnLimit { by: Server, len: 3 });
    let answered = [&sent[..], &[BYE[0], too_big]].concat();
    assert_eq!(verdict(&answered), own);
    // What comes after the Close was not too big for it.
    let later = [&sent[..], &[too_big, Frame(Client, TEXT, b"later")]].concat();
    assert_eq!(verdict(&later), own);
    assert_eq!(verdict(&[&later[..], &[BYE[0]]].concat()), own);
    // Of several messages, the last counts.
    assert_eq!(verdict(&[&[Frame(Client, TEXT, b"before")], &sent[..], &[too_big]].concat()), own);
    // Nothing was sent that can be too big.
    let code = CloseCode::MESSAGE_TOO_BIG;
    assert_eq!(verdict(&[too_big]), Verdict::WronglyRefused { by: Server, code });
    let empty = [Frame(Client, TEXT, b""), too_big];
    assert_eq!(verdict(&empty), Verdict::WronglyRefused { by: Server, code });
    // Another code is not about a limit.
    let refused = [&sent[..], &[Frame(Server, CLOSE, b"\x03\xEF")]].concat();
    let other = CloseCode::INVALID_FRAME_PAYLOAD_DATA;
    assert_eq!(verdict(&refused), Verdict::WronglyRefused { by: Server, code: other });
    // The limit is known, and was not exceeded.
    for limit in [|policy: Policy| policy.max_frame(3), |policy: Policy| policy.max_message(3)] {
        let server = limit(Policy::new(Server));
        let mut conversation = Conversation::new(Policy::new(Client), server);
        conversation.bytes(Client, &wire(Client, TEXT, b"abc"));
        conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xF1"));
        assert_eq!(conversation.verdict(), Verdict::WronglyRefused { by: Server, code });
    }
}

#[test]
fn nobody_closes_with_1005() {
    says(
        &[Frame(Client, CLOSE, b""), Frame(Server, CLOSE, b"")],
        "a clean close: the client closed without a code (the application of its peer is told \
         1005), and the server answered",
    );
    says(
        &[Frame(Client, BINARY, b""), Frame(Server, CLOSE, b"")],
        "refused with another code: unsupported-data, and the server closed without a code (the \
         application of its peer is told 1005) where 1003 Unsupported Data was due",
    );
}

#[test]
fn the_last_frames_are_remembered_with_their_time() {
    let mut conversation = start();
    conversation.bytes(Client, &wire(Client, TEXT, b"hi"));
    conversation.at(Duration::from_secs(3));
    conversation.bytes(Client, &wire(Client, PING, b"")[..1]);
    conversation.at(Duration::from_secs(4));
    conversation.bytes(Client, &wire(Client, PING, b"")[1..]);
    conversation.at(Duration::from_secs(60));
    conversation.end(Client, End::Reset, 0);
    let client = conversation.direction(Client);
    let last = client.last().unwrap();
    assert_eq!((last.header.opcode(), last.offset, last.at.as_secs()), (OpCode::Ping, 8, 4));
    assert_eq!((client.frames(), conversation.direction(Server).frames()), (2, 0));
}

#[test]
fn the_timeline_has_what_led_to_the_end_in_its_order() {
    use std::time::Duration;

    let mut conversation = start();
    let steps: [(Role, u8, &[u8]); 6] = [
        (Server, TEXT, b"hi"),
        (Client, BINARY, b""),
        (Client, BINARY, b"again"),
        (Server, CLOSE, b"\x03\xEBtext only"),
        (Server, TEXT, b"late"),
        (Client, CLOSE, b""),
    ];
    for (number, (from, first, payload)) in steps.into_iter().enumerate() {
        conversation.at(Duration::from_secs(number as u64));
        conversation.bytes(from, &wire(from, first, payload));
    }
    conversation.at(Duration::from_secs(9));
    conversation.end(Client, End::Reset, 0);
    conversation.end(Client, End::Fin, 0);
    conversation.end(Server, End::Fin, 0);
    let violation = Violation::new(Rule::UnsupportedData, 0);
    let told: Vec<_> =
        conversation.timeline().map(|step| (step.at.as_secs(), step.from, step.act)).collect();
    assert_eq!(
        told,
        [
            (1, Client, Act::Broke(violation)),
            (3, Server, Act::Closed(Some(CloseCode::UNSUPPORTED_DATA))),
            (4, Server, Act::SentDataAfterClose),
            (5, Client, Act::Closed(None)),
            (9, Client, Act::Ended(End::Reset)),
            (9, Server, Act::Ended(End::Fin)),
        ]
    );
    assert_eq!(start().timeline().count(), 0);
}

/// What nobody has is not judged; all else is, and counted from the same byte.
#[test]
fn payload_may_be_passed_over() {
    let mut conversation = start();
    let text = Header::from_wire(0x01, 0x80 | 127, 1 << 40, [0; 4]);
    conversation.begin(Client, &text).unwrap();
    conversation.payload(Client, b"h").unwrap();
    conversation.skip(Client, (1 << 40) - 2);
    conversation.payload(Client, b"\xFF").unwrap();
    conversation.finish(Client).unwrap();
    conversation.bytes(Client, &wire(Client, 0x80, b"\xFF"));
    assert_eq!(conversation.direction(Client).violation(), None);
    // A header is judged, and so is the next message.
    conversation.bytes(Client, &wire(Client, TEXT, b"a\xFF"));
    let offset = 14 + (1 << 40) + 7 + 6 + 1;
    let expected = Violation::new(Rule::InvalidUtf8, offset);
    assert_eq!(conversation.direction(Client).violation(), Some(expected));
    // Of a Close it is the code that is not known.
    conversation.begin(Server, &Header::new(OpCode::Close, 30)).unwrap();
    conversation.skip(Server, 30);
    conversation.finish(Server).unwrap();
    assert_eq!(conversation.direction(Server).close(), Some(None));
}

#[test]
fn a_violation_of_another_judge_counts_as_ones_own() {
    let violation = Violation::new(Rule::ReservedBits, 7);
    let mut conversation = start();
    conversation.broke(Client, violation);
    conversation.broke(Client, Violation::new(Rule::InvalidUtf8, 9));
    conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xEA"));
    assert_eq!(conversation.verdict(), Verdict::Refused { by: Server, violation });
    conversation.broke(Server, violation); // behind its Close nobody need answer it
    assert_eq!(conversation.direction(Server).violation(), None);
}

#[test]
fn a_length_beyond_all_bounds_ends_what_can_be_followed() {
    let mut conversation = start();
    let bytes = *b"\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\x88\x80\0\0\0\0";
    conversation.bytes(Client, &bytes);
    let client = conversation.direction(Client);
    assert_eq!(client.violation().map(|found| found.rule), Some(Rule::LengthOverflow));
    assert_eq!((client.frames(), client.close()), (1, None));
}

/// The receiver that closes after the first byte of a header was right, whether the rest comes or not.
#[test]
fn a_cut_header_is_answered() {
    for (bytes, rule, offset, code) in [
        (&b"\x83"[..], Rule::ReservedOpcode, 0, b"\x03\xEA"),
        (b"\x91", Rule::ReservedBits, 0, b"\x03\xEA"),
        (b"\x82", Rule::UnsupportedData, 0, b"\x03\xEB"),
        (b"\x89\xFE", Rule::OversizedControl, 1, b"\x03\xEA"),
        (b"\x81\x7E", Rule::UnmaskedClientFrame, 1, b"\x03\xEA"),
    ] {
        let violation = Violation::new(rule, offset);
        let refused = Verdict::Refused { by: Server, violation };
        let mut conversation = start();
        let mut told = Vec::new();
        for byte in bytes {
            conversation.observe(Client, &[*byte], |seen| told.push(format!("{seen:?}")));
        }
        let seen = format!("{:?}", Observed::Violation { violation, piece: &[] });
        assert_eq!(told, [seen], "{bytes:02x?}");
        conversation.bytes(Server, &wire(Server, CLOSE, code));
        assert_eq!(conversation.verdict(), refused, "{bytes:02x?}");
        // The rest of the header changes nothing, and the violation is told once.
        let mut late = 0;
        for byte in [0xFF; 13] {
            conversation.observe(Client, &[byte], |seen| {
                late += usize::from(matches!(seen, Observed::Violation { violation: found, .. }
                    if found == violation));
            });
        }
        assert_eq!((conversation.verdict(), late), (refused, 0), "{bytes:02x?}");
        assert_eq!(conversation.direction(Client).violation(), Some(violation));
    }
    // The connection ends inside the header.
    let mut conversation = start();
    conversation.bytes(Client, b"\x83");
    let end = conversation.end(Client, End::Fin, 0).unwrap();
    assert_eq!((end.rule, end.offset), (Rule::EofInFrame, 1));
    let violation = Violation::new(Rule::ReservedOpcode, 0);
    assert_eq!(conversation.direction(Client).violation(), Some(violation));
}

#[test]
fn an_end_inside_a_close_is_abnormal() {
    for (cut, first) in [(1, Client), (2, Client), (6, Client), (7, Client), (7, Server)] {
        let mut conversation = start();
        if first == Server {
            conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xE8"));
        }
        conversation.bytes(Client, &wire(Client, CLOSE, b"\x03\xE8")[..cut]);
        let violation = conversation.end(Client, End::Fin, 0);
        assert_eq!(violation, Some(Violation::new(Rule::EofInFrame, cut as u64)));
        conversation.end(Server, End::Fin, 0);
        let why = if first == Server { Abnormality::Unanswered } else { Abnormality::InFrame };
        assert_eq!(conversation.verdict(), Verdict::Abnormal { by: Client, why }, "{cut}");
    }
}

/// Each way in which an opening handshake is not completed, and its nearest neighbour.
#[test]
fn what_never_opened_says_why() {
    use wsvet::handshake::Rule::{MissingKey, WrongAccept};
    let requested = || {
        let mut conversation = start();
        conversation.request([]);
        conversation
    };
    let never = |by, why| Verdict::NeverOpened { by, why };
    assert_eq!(requested().verdict(), Verdict::Open);
    for (from, end, verdict) in [
        (Client, End::Fin, never(Server, Unopened::NoAnswer)),
        (Server, End::Fin, never(Server, Unopened::Dropped)),
        (Client, End::Reset, never(Client, Unopened::Reset)),
        (Server, End::Reset, never(Server, Unopened::Reset)),
    ] {
        let mut conversation = requested();
        conversation.end(from, end, 0);
        conversation.end(from.peer(), End::Fin, 0);
        assert_eq!(conversation.verdict(), verdict);
        assert_eq!(conversation.timeline().next().map(|step| step.act), Some(Act::Requested));
    }
    // A server that sends frames has answered, and the response was not seen.
    let mut conversation = requested();
    conversation.bytes(Client, &wire(Client, CLOSE, b"\x03\xEA"));
    assert_eq!(conversation.verdict(), Verdict::Open);
    conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xEA"));
    conversation.end(Server, End::Fin, 0);
    assert_eq!(conversation.verdict().id(), "wrongly-refused");
    let mut conversation = start();
    conversation.request([MissingKey]);
    conversation.response(400, []);
    conversation.end(Server, End::Fin, 0);
    conversation.end(Client, End::Fin, 0);
    assert_eq!(conversation.verdict(), never(Server, Unopened::Refused(400)));
    assert_eq!(conversation.broken_handshake(Client).next(), Some(MissingKey));
    let acts: Vec<_> = conversation.timeline().map(|step| step.act).collect();
    let ends = [Act::Ended(End::Fin); 2];
    assert_eq!(acts, [&[Act::Requested, Act::Responded(400)][..], &ends].concat());
    for status in [200, 302] {
        let mut conversation = requested();
        conversation.response(status, []);
        assert_eq!(conversation.verdict(), never(Server, Unopened::Refused(status)));
    }
    // What is said again adds up, and the last status counts.
    let mut conversation = start();
    conversation.request([MissingKey]);
    conversation.request([]);
    conversation.response(103, [WrongAccept]);
    conversation.response(101, []);
    assert_eq!(conversation.verdict(), Verdict::Open);
    assert_eq!(conversation.broken_handshake(Client).next(), Some(MissingKey));
    assert_eq!(conversation.broken_handshake(Server).next(), Some(WrongAccept));
    // A handshake that was completed is no step of the closing.
    let mut conversation = requested();
    conversation.response(101, []);
    for step in BYE {
        if let Frame(from, first, body) = step {
            conversation.bytes(from, &wire(from, first, body));
        }
    }
    assert_eq!((conversation.verdict().id(), conversation.timeline().count()), ("clean", 2));

    let broken = || {
        let mut conversation = requested();
        conversation.response(101, [WrongAccept]);
        conversation
    };
    let failed = never(Server, Unopened::BrokenResponse(WrongAccept));
    assert_eq!(broken().verdict(), Verdict::Open);
    for end in [End::Fin, End::Reset] {
        let mut conversation = broken();
        conversation.bytes(Client, &wire(Client, TEXT, b"under way"));
        conversation.end(Client, end, 0);
        conversation.end(Server, End::Fin, 0);
        assert_eq!(conversation.verdict(), failed, "the client did its duty");
        let acts: Vec<_> = conversation.timeline().map(|step| step.act).take(2).collect();
        assert_eq!(acts, [Act::Requested, Act::Responded(101)]);
    }
    for (code, expected) in [(1002u16, "never-opened"), (1010, "never-opened"), (1000, "open")] {
        let mut conversation = broken();
        conversation.bytes(Client, &wire(Client, CLOSE, &code.to_be_bytes()));
        assert_eq!(conversation.verdict().id(), expected, "{code}");
    }
    // The client has left, whatever the server still sends.
    let mut conversation = broken();
    conversation.end(Client, End::Fin, 0);
    conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xE8"));
    assert_eq!(conversation.verdict(), failed);
    // A Close without a code names no fault, and that of the server is no failure of the client.
    let mut conversation = broken();
    conversation.bytes(Client, &wire(Client, CLOSE, b""));
    assert_eq!(conversation.verdict(), Verdict::Open);
    let mut conversation = broken();
    conversation.bytes(Server, &wire(Server, CLOSE, b"\x03\xEA"));
    assert_eq!(conversation.verdict().id(), "wrongly-refused");
    // The client went on for a while.
    let mut conversation = broken();
    conversation.at(Duration::from_millis(1_001));
    conversation.bytes(Client, &wire(Client, TEXT, b"hi"));
    conversation.end(Client, End::Fin, 0);
    let why = Abnormality::WithoutClose;
    assert_eq!(conversation.verdict(), Verdict::Abnormal { by: Client, why });
    // The client went on, and the server was the first to leave.
    let mut conversation = broken();
    conversation.bytes(Client, &wire(Client, TEXT, b"hi"));
    conversation.end(Server, End::Fin, 0);
    assert_eq!(conversation.verdict(), Verdict::Abnormal { by: Server, why });
}

/// Both ends of a generated connection did as they must.
#[cfg(feature = "arbitrary")]
mod generated {
    use proptest::prelude::*;
    use wsvet::Place;
    use wsvet::arbitrary::Unstructured;
    use wsvet::generate;

    use super::*;

    fn verdict(connection: &generate::Connection, ends: [Policy; 2], size: usize) -> Verdict {
        let mut conversation = Conversation::new(ends[0], ends[1]);
        for (from, bytes) in connection.turns() {
            bytes.chunks(size).for_each(|chunk| conversation.bytes(from, chunk));
        }
        if let Some((from, violation)) = connection.violation()
            && violation.rule.place() == Place::End
        {
            conversation.end(from, End::Fin, 0);
        }
        conversation.verdict()
    }

    proptest! {
        #[test]
        fn connections_get_the_verdict_that_they_are_made_for(
            data: Vec<u8>,
            rule in 0..Rule::ALL.len(),
            size in 1..20usize,
        ) {
            let strict = |role| {
                Policy::new(role)
                    .accepts(Accepts::BinaryOnly)
                    .permessage_deflate(true)
                    .max_frame(500)
                    .max_message(800)
                    .max_fragments(7)
            };
            let ends = [strict(Client), strict(Server)];
            let mut u = Unstructured::new(&data);
            let legal = generate::Connection::legal(ends, &mut u).unwrap();
            let code = |role| {
                let mut messages = legal.stream(role).messages().iter();
                let close = messages.find(|(opcode, _)| *opcode == OpCode::Close);
                let body = close.map(|(_, body)| body.clone());
                body.and_then(|body| Some(u16::from_be_bytes(*body.first_chunk()?)))
            };
            let found = verdict(&legal, ends, size);
            match found {
                Verdict::Clean { first, code: found } => {
                    prop_assert_eq!(found.0, code(first).unwrap_or(1005));
                }
                Verdict::WronglyRefused { by, code: found } => {
                    prop_assert_eq!(Some(found.0), code(by));
                }
                other => prop_assert!(false, "{other:?}"),
            }
            let rule = Rule::ALL[rule];
            for from in [Client, Server] {
                let broken = generate::Connection::breaking(ends, from, rule, &mut u);
                let Ok(connection) = broken else { continue };
                let (_, violation) = connection.violation().unwrap();
                let by = from.peer();
                let expected = match rule {
                    Rule::EofInFrame => Verdict::Abnormal { by: from, why: Abnormality::InFrame },
                    Rule::EofWithoutClose => {
                        Verdict::Abnormal { by: from, why: Abnormality::WithoutClose }
                    }
                    // The Close was before, and was answered with 1002 for what came behind it.
                    Rule::DataAfterClose => {
                        let found = verdict(&connection, ends, size);
                        let clean = matches!(found, Verdict::Clean { .. });
                        let blames = matches!(found, Verdict::WronglyRefused { .. });
                        prop_assert!(clean || blames, "{found}");
                        continue;
                    }
                    _ => Verdict::Refused { by, violation },
                };
                prop_assert_eq!(verdict(&connection, ends, size), expected);
            }
        }
    }
}
