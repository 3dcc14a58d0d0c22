//! The cases themselves: each rule, its nearest legal neighbours, each boundary and each trap.

use wsvet::{Accepts, Policy, Role};

/// A stream that a receiver judges.
pub(crate) struct Case {
    /// The rule or the subject, and what is special, with a slash between.
    pub(crate) name: String,
    pub(crate) policy: Policy,
    pub(crate) stream: Vec<u8>,
    /// Whether the stream ends with these bytes; otherwise more may follow.
    pub(crate) end: bool,
}

/// Every case at a server, then at a client.
pub(crate) fn all() -> Vec<Case> {
    [Role::Server, Role::Client].into_iter().flat_map(of_receiver).collect()
}

fn of_receiver(role: Role) -> Vec<Case> {
    let mut cases = Cases { role, list: Vec::new() };
    headers(&mut cases);
    precedence(&mut cases);
    cut_headers(&mut cases);
    sequences(&mut cases);
    lengths(&mut cases);
    limits(&mut cases);
    types(&mut cases);
    texts(&mut cases);
    closes(&mut cases);
    ends(&mut cases);
    cases.list
}

const CONTINUATION: u8 = 0x80;
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
/// The same frame with FIN clear.
const MORE: u8 = 0x7F;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;

/// The first byte of each frame, and its payload.
type Frames<'a> = &'a [(u8, &'a [u8])];

struct Cases {
    role: Role,
    list: Vec<Case>,
}

impl Cases {
    /// A stream of whole frames, each its first byte and its payload, under a policy.
    fn under(
        &mut self,
        name: &str,
        policy: impl Fn(Policy) -> Policy,
        frames: Frames<'_>,
    ) -> &mut Case {
        let stream =
            frames.iter().flat_map(|(first, payload)| self.frame(*first, payload)).collect();
        self.bytes(name, policy, stream)
    }

    /// The same under a policy that allows all that the RFC allows.
    fn add(&mut self, name: &str, frames: Frames<'_>) -> &mut Case {
        self.under(name, |policy| policy, frames)
    }

    /// Any bytes.
    fn bytes(
        &mut self,
        name: &str,
        policy: impl Fn(Policy) -> Policy,
        stream: Vec<u8>,
    ) -> &mut Case {
        let name = format!("{}/{name}", self.role);
        let policy = policy(Policy::new(self.role));
        self.list.push(Case { name, policy, stream, end: false });
        self.list.last_mut().unwrap()
    }

    /// A frame as the peer sends it, its length in the shortest form.
    fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        let form = match payload.len() {
            0..=125 => 0,
            126..=0xFFFF => 126,
            _ => 127,
        };
        self.frame_in(form, first, payload.len() as u64, payload)
    }

    /// The same with its length in this form: 126 for 16 bits, 127 for 64; `len` is what it says.
    fn frame_in(&self, form: u8, first: u8, len: u64, payload: &[u8]) -> Vec<u8> {
        const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
        let mask = if self.role == Role::Server { 0x80 } else { 0 };
        let mut wire = match form {
            126 => [&[first, mask | 126][..], &(len as u16).to_be_bytes()].concat(),
            127 => [&[first, mask | 127][..], &len.to_be_bytes()].concat(),
            _ => vec![first, mask | len as u8],
        };
        if mask == 0 {
            wire.extend(payload);
        } else {
            wire.extend(KEY);
            wire.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
        wire
    }
}

/// What one header can break by itself.
fn headers(cases: &mut Cases) {
    for (bit, name) in [(RSV1, "rsv1"), (RSV2, "rsv2"), (RSV3, "rsv3")] {
        for (kind, first) in [("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE)]
        {
            cases.add(&format!("reserved-bits/{name}-on-{kind}"), &[(first | bit, b"")]);
        }
        cases.add(
            &format!("reserved-bits/{name}-on-continuation"),
            &[(TEXT & MORE, b"a"), (CONTINUATION | bit, b"b")],
        );
        cases.add(
            &format!("reserved-bits/{name}-on-a-first-fragment"),
            &[(TEXT & MORE | bit, b"a"), (CONTINUATION, b"b")],
        );
        cases.under(
            &format!("legal/{name}-defined-by-an-extension-on-every-frame"),
            |policy| policy.rsv(bit >> 4),
            &[(TEXT & MORE | bit, b"a"), (PING | bit, b""), (CONTINUATION | bit, b"b")],
        );
        cases.under(
            &format!("legal/{name}-defined-by-an-extension"),
            |policy| policy.rsv(bit >> 4),
            &[(TEXT | bit, b"\xFF is no UTF-8, and nobody knows what the extension did")],
        );
    }
    cases.under(
        "reserved-bits/another-bit-than-the-extension-defines",
        |policy| policy.rsv(2),
        &[(TEXT | RSV2, b""), (TEXT | RSV3, b"")],
    );
    for opcode in [3u8, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.add(&format!("reserved-opcode/{opcode}"), &[(0x80 | opcode, b"")]);
        cases.add(&format!("reserved-opcode/{opcode}-with-fin-clear"), &[(opcode, b"")]);
    }
    cases.under(
        "reserved-opcode/at-a-text-only-endpoint-is-1002-and-not-1003",
        |policy| policy.accepts(Accepts::TextOnly),
        &[(0x83, b"")],
    );
    for (name, first) in [("close", CLOSE), ("ping", PING), ("pong", PONG)] {
        cases.add(&format!("fragmented-control/{name}"), &[(first & MORE, b"")]);
        for len in [0, 1, 124, 125] {
            if first != CLOSE {
                cases.add(&format!("legal/{name}-of-{len}-bytes"), &[(first, &[b'x'; 125][..len])]);
            }
        }
        for (form, len) in [(126, 126u64), (126, 65_535), (127, 65_536), (127, u64::MAX >> 1)] {
            let stream = cases.frame_in(form, first, len, b"");
            cases.bytes(&format!("oversized-control/{name}-of-{len}-bytes"), |p| p, stream);
        }
    }
    let compressed: [(&str, Frames<'_>); 6] = [
        ("legal/rsv1-on-a-compressed-message", &[(TEXT | RSV1, b"\xFF\x00")]),
        (
            "legal/rsv1-on-the-first-fragment",
            &[(TEXT & MORE | RSV1, b"\xFF"), (CONTINUATION, b"\x00")],
        ),
        ("misplaced-rsv1/ping", &[(PING | RSV1, b"")]),
        ("misplaced-rsv1/close", &[(CLOSE | RSV1, b"")]),
        ("misplaced-rsv1/continuation", &[(TEXT & MORE | RSV1, b""), (CONTINUATION | RSV1, b"")]),
        ("reserved-bits/rsv2-beside-permessage-deflate", &[(TEXT | RSV1 | RSV2, b"")]),
    ];
    for (name, frames) in compressed {
        cases.under(name, |policy| policy.permessage_deflate(true), frames);
    }
    cases.under(
        "misplaced-rsv1/ping-though-another-extension-defines-it-too",
        |policy| policy.permessage_deflate(true).rsv(RSV1 >> 4),
        &[(PING | RSV1, b"")],
    );
    let other = Cases { role: cases.role.peer(), list: Vec::new() };
    let rule =
        if cases.role == Role::Server { "unmasked-client-frame" } else { "masked-server-frame" };
    for (kind, first) in [("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE)] {
        cases.bytes(&format!("{rule}/{kind}"), |p| p, other.frame(first, b""));
        cases.bytes(
            &format!("{rule}/{kind}-with-a-payload"),
            |p| p,
            other.frame(first, b"\x03\xE8"),
        );
    }
    cases.bytes(
        &format!("{rule}/after-a-legal-frame"),
        |p| p,
        [cases.frame(TEXT, b"hi"), other.frame(TEXT, b"hi")].concat(),
    );
}

/// Headers that break two rules: the first in precedence counts.
fn precedence(cases: &mut Cases) {
    cases.add("reserved-bits/on-a-reserved-opcode", &[(0x83 | RSV2, b"")]);
    let stream = cases.frame_in(126, PING & MORE, 126, b"");
    cases.bytes("fragmented-control/that-is-also-oversized", |p| p, stream);
    let other = Cases { role: cases.role.peer(), list: Vec::new() };
    let rule =
        if cases.role == Role::Server { "unmasked-client-frame" } else { "masked-server-frame" };
    cases.bytes(
        &format!("misplaced-rsv1/that-is-also-{rule}"),
        |p| p.permessage_deflate(true),
        other.frame(PING | RSV1, b""),
    );
    cases.bytes(
        &format!("{rule}/whose-length-is-also-not-minimal"),
        |p| p,
        other.frame_in(126, BINARY, 5, b"12345"),
    );
    let close = cases.frame(CLOSE, b"");
    let overflow = cases.frame_in(127, BINARY, 1 << 63, b"");
    cases.bytes("data-after-close/whose-length-also-overflows", |p| p, [close, overflow].concat());
    cases.under(
        "data-after-close/of-a-type-that-is-not-accepted",
        |p| p.accepts(Accepts::TextOnly),
        &[(CLOSE, b""), (BINARY, b"")],
    );
    let stream = other.frame(BINARY, b"");
    cases.bytes(
        &format!("unsupported-data/that-is-also-{rule}"),
        |p| p.accepts(Accepts::TextOnly),
        stream,
    );
    let stream = other.frame_in(126, PING, 126, b"");
    cases.bytes(&format!("{rule}/that-is-also-oversized"), |p| p, stream);
    cases.bytes(&format!("{rule}/close-body-of-one-byte"), |p| p, other.frame(CLOSE, b"a"));
    // An earlier byte of the length exceeds the limit of the message.
    let stream = cases.frame_in(126, BINARY, 0x4060, b"");
    cases.bytes(
        "message-too-big/that-exceeds-the-limit-of-a-frame-by-less",
        |p| p.max_frame(0x4050).max_message(0x3000),
        stream,
    );
    cases.under(
        "frame-too-big/that-exceeds-the-limit-of-the-message-too",
        |p| p.max_frame(2).max_message(1),
        &[(BINARY, b"abc")],
    );
    cases.under(
        "too-many-fragments/over-the-limit-of-the-message",
        |p| p.max_message(1).max_fragments(1),
        &[(TEXT & MORE, b"a"), (CONTINUATION, b"b")],
    );
}

/// The first bytes of a header that break a rule whatever follows, and the longest that do not.
fn cut_headers(cases: &mut Cases) {
    let mask = if cases.role == Role::Server { 0x80 } else { 0 };
    let start = |cases: &mut Cases, name: &str, policy: fn(Policy) -> Policy, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if let Some(second) = bytes.get_mut(1) {
            *second |= mask;
        }
        cases.bytes(&format!("{name}-in-a-cut-header"), policy, bytes);
    };
    let all = |p| p;
    let limit = |p: Policy| p.max_frame(16_384);
    let text = |p: Policy| p.accepts(Accepts::TextOnly);
    start(cases, "reserved-bits/rsv2", all, &[TEXT | RSV2]);
    start(cases, "reserved-opcode/3", all, &[0x83]);
    start(cases, "fragmented-control/ping", all, &[PING & MORE]);
    start(cases, "unexpected-continuation/first", all, &[CONTINUATION]);
    start(cases, "misplaced-rsv1/ping", |p| p.permessage_deflate(true), &[PING | RSV1]);
    start(cases, "unsupported-data/binary", text, &[BINARY]);
    start(cases, "legal/text", text, &[TEXT]);
    start(cases, "too-many-fragments/none-allowed", |p| p.max_fragments(0), &[TEXT]);
    start(cases, "oversized-control/form-126", all, &[PING, 126]);
    start(cases, "oversized-control/form-127", all, &[PONG, 127]);
    start(cases, "legal/form-126", all, &[TEXT, 126]);
    start(cases, "non-minimal-length/form-126", all, &[TEXT, 126, 0, 125]);
    start(cases, "legal/form-126-with-a-high-byte-of-0", all, &[TEXT, 126, 0]);
    start(cases, "non-minimal-length/form-127", all, &[TEXT, 127, 0, 0, 0, 0, 0, 0]);
    start(cases, "legal/form-127-with-five-bytes-of-0", all, &[TEXT, 127, 0, 0, 0, 0, 0]);
    start(cases, "length-overflow/high-byte", all, &[TEXT, 127, 0x80]);
    start(cases, "frame-too-big/high-byte", limit, &[TEXT, 126, 0x41]);
    start(cases, "frame-too-big/both-bytes", limit, &[TEXT, 126, 0x40, 1]);
    start(cases, "legal/at-the-limit", limit, &[TEXT, 126, 0x40]);
    start(
        cases,
        "message-too-big/high-byte-of-64-bits",
        |p| p.max_message(1 << 40),
        &[TEXT, 127, 1],
    );
    if cases.role == Role::Server {
        start(cases, "close-body-one-byte/close", all, &[CLOSE, 1]);
        cases.bytes("unmasked-client-frame/text-in-a-cut-header", all, vec![TEXT, 126]);
    } else {
        cases.bytes("masked-server-frame/text-in-a-cut-header", all, vec![TEXT, 0x80 | 126]);
    }
    let wire = [cases.frame(TEXT & MORE, b""), vec![BINARY]].concat();
    cases.bytes("interrupted-message/binary-in-a-cut-header", all, wire);
    let wire = [cases.frame(CLOSE, b""), vec![TEXT]].concat();
    cases.bytes("data-after-close/text-in-a-cut-header", all, wire);
}

/// What a frame breaks by its place among the others.
fn sequences(cases: &mut Cases) {
    cases.add(
        "legal/the-example-of-a-fragmented-text",
        &[(TEXT & MORE, b"Hel"), (CONTINUATION, b"lo")],
    );
    cases.add("legal/the-example-of-a-text", &[(TEXT, b"Hello")]);
    cases.add("legal/the-example-of-a-ping-and-its-pong", &[(PING, b"Hello"), (PONG, b"Hello")]);
    cases.add("unexpected-continuation/at-the-start", &[(CONTINUATION, b"")]);
    cases.add("unexpected-continuation/with-fin-clear", &[(CONTINUATION & MORE, b"")]);
    cases.add(
        "unexpected-continuation/after-a-whole-message",
        &[(TEXT, b"a"), (CONTINUATION, b"b")],
    );
    cases.add(
        "unexpected-continuation/after-the-last-fragment",
        &[(TEXT & MORE, b"a"), (CONTINUATION, b"b"), (CONTINUATION, b"c")],
    );
    cases.add("unexpected-continuation/after-a-ping", &[(PING, b""), (CONTINUATION, b"")]);
    for (name, first) in [("text", TEXT), ("binary", BINARY)] {
        for (other, second) in [("text", TEXT), ("binary", BINARY)] {
            cases.add(
                &format!("interrupted-message/{other}-in-{name}"),
                &[(first & MORE, b"a"), (second, b"b")],
            );
            cases.add(
                &format!("interrupted-message/{other}-in-{name}-whose-first-fragment-is-empty"),
                &[(first & MORE, b""), (second, b"b")],
            );
            cases.add(
                &format!("interrupted-message/first-fragment-of-{other}-in-{name}"),
                &[(first & MORE, b"a"), (second & MORE, b"b")],
            );
        }
        cases.add(
            &format!("legal/control-frames-between-the-fragments-of-{name}"),
            &[
                (first & MORE, b"a"),
                (PING, b"p"),
                (CONTINUATION & MORE, b"b"),
                (PONG, b""),
                (CONTINUATION, b""),
            ],
        );
        cases.add(
            &format!("legal/{name}-of-empty-fragments"),
            &[(first & MORE, b""), (CONTINUATION & MORE, b""), (CONTINUATION, b""), (first, b"")],
        );
        cases.add(&format!("data-after-close/{name}"), &[(CLOSE, b"\x03\xE8"), (first, b"")]);
    }
    cases.add(
        "data-after-close/continuation",
        &[(TEXT & MORE, b"a"), (CLOSE, b""), (CONTINUATION, b"b")],
    );
    cases.add(
        "legal/control-frames-after-close",
        &[(CLOSE, b""), (PING, b""), (PONG, b""), (CLOSE, b"")],
    );
    cases.add("legal/pong-that-nobody-asked-for", &[(PONG, b"unsolicited")]);
}

/// Lengths at which their form changes.
fn lengths(cases: &mut Cases) {
    let payload: Vec<u8> = (0..65_536u32).map(|index| index as u8).collect();
    for len in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 124, 125, 126, 127] {
        cases.add(&format!("legal/binary-of-{len}-bytes"), &[(BINARY, &payload[..len])]);
    }
    for len in [256, 65_535, 65_536] {
        cases.add(&format!("legal/binary-of-{len}-bytes"), &[(BINARY, &payload[..len])]);
    }
    for (form, len) in
        [(126, 0), (126, 1), (126, 125), (127, 0), (127, 125), (127, 126), (127, 65_535)]
    {
        for (name, first) in [("binary", BINARY), ("ping", PING)] {
            // The second byte proves that a control frame is too long.
            let rule = if first == PING { "oversized-control" } else { "non-minimal-length" };
            let stream = cases.frame_in(form, first, len, b"");
            cases.bytes(&format!("{rule}/{name}-of-{len}-bytes-in-form-{form}"), |p| p, stream);
        }
    }
    for (name, len) in [("2-to-the-63", 1 << 63), ("2-to-the-64-minus-1", u64::MAX)] {
        let stream = cases.frame_in(127, BINARY, len, b"");
        cases.bytes(&format!("length-overflow/{name}"), |p| p, stream);
    }
    for (name, len) in [
        ("2-to-the-31", 1 << 31),
        ("2-to-the-32", 1 << 32),
        ("2-to-the-53", 1 << 53),
        ("2-to-the-63-minus-1", (1 << 63) - 1),
    ] {
        let stream = cases.frame_in(127, BINARY, len, b"");
        cases.bytes(
            &format!("legal/a-header-that-says-{name}-reserves-nothing"),
            |p| p,
            stream.clone(),
        );
        cases.bytes(
            &format!("frame-too-big/a-header-that-says-{name}"),
            |p| p.max_frame(1 << 20),
            stream,
        );
    }
}

/// Limits, at them and one over them.
fn limits(cases: &mut Cases) {
    for (name, first) in [("text", TEXT), ("binary", BINARY), ("ping", PING)] {
        cases.under(
            &format!("legal/{name}-at-the-frame-limit"),
            |p| p.max_frame(4),
            &[(first, b"1234")],
        );
        cases.under(&format!("frame-too-big/{name}"), |p| p.max_frame(4), &[(first, b"12345")]);
    }
    cases.under(
        "frame-too-big/continuation",
        |p| p.max_frame(4),
        &[(TEXT & MORE, b"1234"), (CONTINUATION, b"12345")],
    );
    cases.under("message-too-big/in-one-frame", |p| p.max_message(4), &[(TEXT, b"12345")]);
    cases.under(
        "legal/at-the-message-limit",
        |p| p.max_message(4),
        &[(TEXT, b"1234"), (TEXT, b"1234")],
    );
    cases.under(
        "message-too-big/in-the-first-fragment",
        |p| p.max_message(4),
        &[(TEXT & MORE, b"12345")],
    );
    cases.under(
        "message-too-big/in-the-last-fragment",
        |p| p.max_message(4),
        &[(TEXT & MORE, b"12"), (CONTINUATION & MORE, b"34"), (CONTINUATION, b"5")],
    );
    cases.under(
        "legal/fragments-at-the-message-limit-and-a-ping-between-them",
        |p| p.max_message(4),
        &[
            (TEXT & MORE, b"12"),
            (PING, b"12345"),
            (CONTINUATION & MORE, b"34"),
            (CONTINUATION, b""),
        ],
    );
    cases.under(
        "frame-too-big/comes-before-message-too-big",
        |p| p.max_message(4).max_frame(4),
        &[(TEXT, b"12345")],
    );
    cases.under(
        "too-many-fragments/empty-ones-count",
        |p| p.max_fragments(2),
        &[(TEXT & MORE, b""), (CONTINUATION & MORE, b""), (CONTINUATION, b"")],
    );
    cases.under(
        "legal/as-many-fragments-as-there-may-be-twice",
        |p| p.max_fragments(2),
        &[
            (TEXT & MORE, b"a"),
            (CONTINUATION, b"b"),
            (TEXT & MORE, b"a"),
            (PING, b""),
            (CONTINUATION, b"b"),
        ],
    );
    cases.under(
        "too-many-fragments/and-more-to-come",
        |p| p.max_fragments(2),
        &[(TEXT & MORE, b"a"), (CONTINUATION & MORE, b"b"), (CONTINUATION & MORE, b"c")],
    );
    cases.under(
        "too-many-fragments/none-may-be",
        |p| p.max_fragments(0),
        &[(PING, b""), (TEXT, b"")],
    );
}

/// The type of data that is not accepted, at the header.
fn types(cases: &mut Cases) {
    for (accepts, name, right, wrong) in
        [(Accepts::TextOnly, "binary", TEXT, BINARY), (Accepts::BinaryOnly, "text", BINARY, TEXT)]
    {
        let policy = move |policy: Policy| policy.accepts(accepts);
        cases.under(
            &format!("legal/not-{name}"),
            policy,
            &[(right, b"a"), (PING, b""), (right, b"")],
        );
        cases.under(
            &format!("legal/fragments-of-what-is-not-{name}"),
            policy,
            &[(right & MORE, b"a"), (CONTINUATION, b"b")],
        );
        cases.under(&format!("unsupported-data/{name}"), policy, &[(wrong, b"a")]);
        cases.under(&format!("unsupported-data/empty-{name}"), policy, &[(wrong, b"")]);
        cases.under(
            &format!("unsupported-data/{name}-after-others"),
            policy,
            &[(right, b"a"), (wrong, b"a")],
        );
        cases.under(
            &format!("unsupported-data/first-fragment-of-{name}"),
            policy,
            &[(wrong & MORE, b"")],
        );
        cases.under(
            &format!("unsupported-data/{name}-that-is-also-too-big"),
            move |p| policy(p).max_frame(1).max_message(1),
            &[(wrong, b"abc")],
        );
        cases.under(
            &format!("reserved-bits/on-{name}-comes-before-unsupported-data"),
            policy,
            &[(wrong | RSV3, b"")],
        );
        let header = cases.frame_in(127, wrong, 1 << 40, b"");
        cases.bytes(
            &format!("unsupported-data/{name}-known-before-a-byte-of-payload"),
            policy,
            header,
        );
    }
    cases.under(
        "unsupported-data/text-that-is-no-utf8-either",
        |p| p.accepts(Accepts::BinaryOnly),
        &[(TEXT, b"\xFF")],
    );
}

/// Text that is UTF-8, and text that is not: whole, in fragments, cut.
fn texts(cases: &mut Cases) {
    let bad: [(&str, &[u8]); 19] = [
        ("a-continuation-byte-alone", b"\x80"),
        ("the-last-continuation-byte-alone", b"\xBF"),
        ("C0", b"\xC0\x80"),
        ("C1", b"\xC1\xBF"),
        ("a-lead-of-two-and-ascii", b"\xC2a"),
        ("overlong-E0-80", b"\xE0\x80\x80"),
        ("overlong-E0-9F", b"\xE0\x9F\xBF"),
        ("the-first-surrogate", b"\xED\xA0\x80"),
        ("the-last-surrogate", b"\xED\xBF\xBF"),
        ("a-lead-of-three-and-ascii", b"\xE2\x82a"),
        ("overlong-F0-80", b"\xF0\x80\x80\x80"),
        ("overlong-F0-8F", b"\xF0\x8F\xBF\xBF"),
        ("beyond-10FFFF", b"\xF4\x90\x80\x80"),
        ("F5", b"\xF5\x80\x80\x80"),
        ("F8", b"\xF8\x88\x80\x80\x80"),
        ("FE", b"\xFE"),
        ("FF", b"\xFF"),
        ("a-lead-of-four-and-two-leads", b"\xF0\x9F\x98\xC3\xA9"),
        ("one-continuation-byte-too-many", b"\xC3\xA9\xA9"),
    ];
    for (name, bytes) in bad {
        cases.add(&format!("invalid-utf8/{name}"), &[(TEXT, bytes)]);
        for before in [13, 30, 62, 125] {
            let text = [&vec![b'a'; before][..], bytes, b" and on"].concat();
            cases.add(&format!("invalid-utf8/{name}-after-{before}-bytes"), &[(TEXT, &text)]);
        }
        for cut in 1..bytes.len() {
            cases.add(
                &format!("invalid-utf8/{name}-cut-into-fragments-after-{cut}"),
                &[(TEXT & MORE, &bytes[..cut]), (PING, b""), (CONTINUATION, &bytes[cut..])],
            );
        }
        cases.add(&format!("legal/{name}-in-a-binary-message"), &[(BINARY, bytes)]);
    }
    for (name, character) in [
        ("0080", "\u{80}"),
        ("07FF", "\u{7FF}"),
        ("0800", "\u{800}"),
        ("D7FF", "\u{D7FF}"),
        ("E000", "\u{E000}"),
        ("FFFE", "\u{FFFE}"),
        ("FFFF", "\u{FFFF}"),
        ("10000", "\u{10000}"),
        ("10FFFF", "\u{10FFFF}"),
    ] {
        let bytes = character.as_bytes();
        cases.add(&format!("legal/text-with-{name}"), &[(TEXT, bytes)]);
        for cut in 1..bytes.len() {
            let (start, rest) = bytes.split_at(cut);
            cases.add(
                &format!("legal/text-with-{name}-cut-into-fragments-after-{cut}"),
                &[
                    (TEXT & MORE, start),
                    (PING, b"\xFF"),
                    (CONTINUATION & MORE, b""),
                    (CONTINUATION, rest),
                ],
            );
            cases.add(&format!("invalid-utf8/{name}-ends-after-{cut}"), &[(TEXT, start)]);
            cases.add(
                &format!("invalid-utf8/{name}-ends-after-{cut}-with-an-empty-fragment"),
                &[(TEXT & MORE, start), (CONTINUATION, b"")],
            );
            cases.add(&format!("legal/{name}-may-go-on-after-{cut}"), &[(TEXT & MORE, start)]);
        }
    }
    cases.add("legal/empty-text", &[(TEXT, b"")]);
    cases.add("legal/text-with-a-zero", &[(TEXT, b"\x00")]);
    let mixed = "grüße, Καλημέρα, привет, 你好, 😀 ".repeat(9);
    cases.add("legal/text-of-several-scripts", &[(TEXT, mixed.as_bytes())]);
    let by_the_byte: Vec<(u8, &[u8])> = mixed
        .as_bytes()
        .chunks(1)
        .enumerate()
        .map(|(index, byte)| (if index == 0 { TEXT & MORE } else { CONTINUATION & MORE }, byte))
        .chain([(CONTINUATION, &b""[..])])
        .collect();
    cases.add("legal/text-of-several-scripts-in-fragments-of-one-byte", &by_the_byte);
    // The rest of the frame has not come, and need not.
    let mut cut = cases.frame(TEXT, b"a\xFF and much more");
    cut.truncate(cut.len() - 10);
    cases.bytes("invalid-utf8/known-before-the-frame-is-whole", |p| p, cut);
}

/// Close frames.
fn closes(cases: &mut Cases) {
    cases.add("legal/close-without-a-body", &[(CLOSE, b"")]);
    cases.add("close-body-one-byte/03", &[(CLOSE, b"\x03")]);
    cases.add("close-body-one-byte/00", &[(CLOSE, b"\x00")]);
    for code in [
        0u16, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012,
        1013, 1014, 1015, 1016, 1100, 1999, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65_535,
    ] {
        let legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let subject = if legal { "legal/close" } else { "invalid-close-code" };
        cases.add(&format!("{subject}/{code}"), &[(CLOSE, &code.to_be_bytes())]);
    }
    let with_reason = |reason: &[u8]| [b"\x03\xE8", reason].concat();
    let longest = "é".repeat(61) + "a";
    cases.add("legal/close/the-longest-reason", &[(CLOSE, &with_reason(longest.as_bytes()))]);
    cases.add("legal/close/a-reason", &[(CLOSE, &with_reason("tschüß".as_bytes()))]);
    cases.add(
        "legal/close/a-reason-where-a-text-is-cut-inside-a-character",
        &[(TEXT & MORE, b"\xE2\x82"), (CLOSE, &with_reason(b"bye"))],
    );
    for (name, reason) in [
        ("not-utf8", &b"a\xFFb"[..]),
        ("a-surrogate", b"\xED\xA0\x80"),
        ("cut-inside-a-character", b"a\xE2\x82"),
        ("overlong", b"\xC0\xAF"),
    ] {
        cases.add(&format!("invalid-close-reason/{name}"), &[(CLOSE, &with_reason(reason))]);
    }
    cases.add("invalid-close-code/before-its-reason", &[(CLOSE, b"\x03\xED\xFF")]);
}

/// The end of the stream.
fn ends(cases: &mut Cases) {
    cases.add("eof-without-close/nothing-at-all", &[]).end = true;
    cases.add("eof-without-close/after-a-message", &[(TEXT, b"hi")]).end = true;
    cases.add("eof-without-close/inside-a-fragmented-message", &[(TEXT & MORE, b"hi")]).end = true;
    cases.add("legal/the-end-after-close", &[(TEXT, b"hi"), (CLOSE, b"\x03\xE8")]).end = true;
    let ping = cases.frame(PING, b"12345");
    for len in 1..ping.len() {
        cases.bytes(&format!("eof-in-frame/after-{len}-bytes"), |p| p, ping[..len].to_vec()).end =
            true;
    }
    let long = cases.frame(BINARY, &[b'x'; 70_000]);
    for len in [2, 3, 9, 10] {
        cases
            .bytes(
                &format!("eof-in-frame/after-{len}-bytes-of-a-long-header"),
                |p| p,
                long[..len].to_vec(),
            )
            .end = true;
    }
    let close = cases.frame(CLOSE, b"\x03\xE8bye");
    for len in 1..close.len() {
        let name = format!("eof-in-frame/after-{len}-bytes-of-a-close");
        cases.bytes(&name, |p| p, close[..len].to_vec()).end = true;
    }
    let after = [cases.frame(CLOSE, b""), ping[..3].to_vec()].concat();
    cases.bytes("legal/the-end-inside-a-frame-after-close", |p| p, after).end = true;
}
