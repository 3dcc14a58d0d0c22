//! Packets that are missing inside the frames of a connection: what comes after them is judged as far as it
//! can be proven, and nothing that depends on them becomes a breach.

mod common;

use std::collections::BTreeSet;

use common::capture::{CLOSE, Capture, TEXT, check, lines};
use serde_json::Value;
use wsvet::deflate::Deflater;
use wsvet::{Header, OpCode, Role};

use Role::{Client, Server};

/// What the connections agree on.
const EXTENSIONS: [&str; 4] = [
    "",
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
];

const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// A generator of random numbers, the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.next(count) == 0
    }

    fn text(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| b" etaoinshrdlu,.:0123456789"[self.next(26) as usize]).collect()
    }
}

/// The packets of a connection after its opening handshake: the sender, and the bytes, or nothing for a
/// FIN. And the bytes of each endpoint at which its frames start.
struct Packets {
    /// The extension that is agreed on.
    extension: &'static str,
    all: Vec<(Role, Vec<u8>, u64)>,
    starts: [BTreeSet<u64>; 2],
}

/// The bytes of a frame, which a client masks with any key.
fn frame(random: &mut Random, from: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header::new(OpCode::from_low_bits(first), payload.len() as u64);
    let header = Header::from_wire(first, header.second_byte(), payload.len() as u64, [0; 4]);
    let header = match from {
        Client => header.masked((random.next(1 << 32) as u32).to_be_bytes()),
        Server => header,
    };
    common::wire(&header, payload)
}

impl Packets {
    /// Generates a connection.
    fn new(random: &mut Random) -> Self {
        let mut frames: Vec<(Role, Vec<u8>)> = Vec::new();
        let broken = random.one_in(4);
        let mut open = [false; 2];
        let extension = EXTENSIONS[random.next(EXTENSIONS.len() as u64) as usize];
        let takeover = !extension.contains("takeover");
        let mut deflaters = [(); 2].map(|()| Deflater::new(15, takeover));
        let mut compressed = [false; 2];
        for _ in 0..3 + random.next(30) {
            let from = if random.one_in(2) { Client } else { Server };
            let open = &mut open[from as usize];
            let compressed = &mut compressed[from as usize];
            let len = if random.one_in(8) { 200 + random.next(4000) } else { random.next(120) };
            let text = random.text(len);
            let fin = !random.one_in(6);
            let first = u8::from(fin) << 7;
            let kind = random.next(10);
            let bytes = match kind {
                _ if broken && random.one_in(12) => {
                    let first = [0x83, 0x91, 0x09, 0x80, 0x81][random.next(5) as usize];
                    let sender = if random.one_in(4) { from.peer() } else { from };
                    frame(random, sender, first, b"\xFF\xFE")
                }
                0 => frame(random, from, PING, &text[..text.len().min(20)]),
                1 => frame(random, from, PONG, &text[..text.len().min(20)]),
                _ => {
                    let opcode = match kind {
                        _ if *open => 0,
                        2..=5 => 1,
                        _ => 2,
                    };
                    if !*open {
                        *compressed = !extension.is_empty() && !random.one_in(4);
                    }
                    let rsv1 = if *compressed && !*open { 0x40 } else { 0 };
                    *open = !fin;
                    if *compressed {
                        let mut data = Vec::new();
                        deflaters[from as usize].deflate(&text, fin, &mut data);
                        frame(random, from, first | rsv1 | opcode, &data)
                    } else {
                        frame(random, from, first | opcode, &text)
                    }
                }
            };
            frames.push((from, bytes));
        }
        let first = if random.one_in(2) { Client } else { Server };
        let code = [1000u16, 1000, 1001, 1002, 1003, 1007][random.next(6) as usize].to_be_bytes();
        if !random.one_in(6) {
            frames.push((first, frame(random, first, CLOSE, &code)));
            if !random.one_in(6) {
                frames.push((first.peer(), frame(random, first.peer(), CLOSE, &code)));
            }
        }
        Self { extension, ..Self::cut(random, &frames, first) }
    }

    /// Puts frames into packets: some into one, and some into several.
    fn cut(random: &mut Random, frames: &[(Role, Vec<u8>)], last: Role) -> Self {
        let mut packets = Self { extension: "", all: Vec::new(), starts: Default::default() };
        let mut sent = [0u64; 2];
        let most = 20 + random.next(1400) as usize;
        for (from, bytes) in frames {
            packets.starts[*from as usize].insert(sent[*from as usize]);
            sent[*from as usize] += bytes.len() as u64;
            let wait = [0, 1, 40, 900, 3_000][random.next(5) as usize];
            match packets.all.last_mut() {
                Some((before, joined, _))
                    if before == from && joined.len() + bytes.len() < most =>
                {
                    joined.extend(bytes);
                }
                _ => packets
                    .all
                    .extend(bytes.chunks(most).map(|piece| (*from, piece.to_vec(), wait))),
            }
        }
        if !random.one_in(4) {
            let ends = [last.peer(), last].map(|from| (from, Vec::new(), 1));
            packets.all.extend(ends);
        }
        packets
    }

    /// Returns the capture, without one of the packets.
    fn capture(&self, lost: Option<usize>) -> Capture {
        let mut capture = Capture::open_with_extension(self.extension);
        for (index, (from, bytes, wait)) in self.all.iter().enumerate() {
            capture.wait(*wait);
            if lost == Some(index) {
                capture.seq[*from as usize] += bytes.len() as u32;
            } else {
                capture.packet(*from, if bytes.is_empty() { "FA" } else { "A" }, bytes);
            }
        }
        capture
    }
}

/// What blames an endpoint: violations, findings and the verdict.
fn blame(lines: &[Value]) -> BTreeSet<String> {
    let blame = |line: &Value| match line["event"].as_str()? {
        "violation" => Some(format!("{} {} {}", line["from"], line["rule"], line["offset"])),
        "finding" => Some(format!("{} {}", line["by"], line["rule"])),
        "verdict" => {
            let good = ["clean", "refused", "open"].contains(&line["outcome"].as_str()?);
            (!good).then(|| format!("{} {}", line["by"], line["outcome"]))
        }
        _ => None,
    };
    lines.iter().filter_map(blame).collect()
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn a_lost_packet_is_never_a_breach() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let [mut inside, mut resumed, mut stopped] = [0; 3];
    for case in 0..300 {
        let packets = Packets::new(&mut random);
        let whole = lines(&check(&["--json", "--keep-going"], &packets.capture(None).file).0);
        let known = blame(&whole);
        let data = |index: &usize| !packets.all[*index].1.is_empty();
        // Nothing shows that the last packet is missing.
        let candidates: Vec<_> = (0..packets.all.len() - 1).filter(data).collect();
        if candidates.is_empty() {
            continue;
        }
        let lost = candidates[random.next(candidates.len() as u64) as usize];
        let capture = packets.capture(Some(lost));
        let said = format!("case {case}, packet {lost} is lost");
        for args in [&["--json", "--payload"][..], &["--json", "--payload", "--keep-going"]] {
            let (json, status) = check(args, &capture.file);
            let found = lines(&json);
            let new: Vec<_> = blame(&found).difference(&known).cloned().collect();
            assert!(new.is_empty(), "{said}: {new:?}\n{json}");
            for line in of(&found, "frame") {
                let from = if line["from"] == "client" { Client } else { Server };
                let start = line["offset"].as_u64().unwrap();
                assert!(packets.starts[from as usize].contains(&start), "{said}: {line}");
            }
            let packets_of_frames =
                of(&found, "frame").into_iter().map(|line| line["packet"].as_u64());
            // After a minute, the other endpoint is judged although the gap is not passed.
            let is_long = packets.all.iter().map(|(.., wait)| wait).sum::<u64>() > 60_000;
            assert!(is_long || packets_of_frames.is_sorted(), "{said}: not in order\n{json}");
            let gaps = of(&found, "gap");
            let strays = of(&found, "unjudged");
            assert_eq!(strays.len(), usize::from(!gaps.is_empty()), "{said}: {json}");
            for gap in &gaps {
                match (&gap["passed_over"], &gap["resumed_at"]) {
                    (Value::Bool(true), _) => inside += 1,
                    (_, Value::Number(to)) => {
                        let from = if gap["from"] == "client" { Client } else { Server };
                        let starts = &packets.starts[from as usize];
                        let sent = starts.last().is_none_or(|last| Some(*last) < to.as_u64());
                        assert!(sent || starts.contains(&to.as_u64().unwrap()), "{said}: {gap}");
                        resumed += 1;
                        let after = starts.range(to.as_u64().unwrap()..).count();
                        let judged = of(&found, "frame").into_iter().filter(|line| {
                            line["from"] == gap["from"] && line["offset"].as_u64() >= to.as_u64()
                        });
                        let judged = judged.count();
                        let clean = known.iter().all(|what| what.split(' ').count() == 2);
                        assert!(!clean || judged == after, "{said}: {judged} of {after}\n{json}");
                    }
                    _ => stopped += 1,
                }
            }
            // The lines tell the same again; those of --keep-going tell one violation of a frame.
            if args.contains(&"--keep-going") {
                continue;
            }
            let (again, restatus) = check(args, json.as_bytes());
            let again = lines(&again);
            assert_eq!((blame(&again), restatus), (blame(&found), status), "{said}\n{json}");
            let count = |lines: &[Value]| of(lines, "frame").len();
            assert_eq!(count(&again), count(&found), "{said}\n{json}");
        }
    }
    println!("{inside} gaps in a payload, {resumed} with a frame after them, {stopped} without");
    assert!(inside >= 10 && resumed >= 50 && stopped < resumed);
}

/// A long conversation in which each packet is a frame.
fn conversation() -> Vec<(Role, Vec<u8>)> {
    let mut random = Random(6455);
    let mut frames = Vec::new();
    for number in 0..12 {
        for from in [Client, Server] {
            let text = format!("message {number} of the {from}, and what it says");
            frames.push((from, frame(&mut random, from, TEXT, text.as_bytes())));
        }
    }
    for from in [Client, Server] {
        frames.push((from, frame(&mut random, from, CLOSE, b"\x03\xE8")));
    }
    frames
}

/// Returns the capture of these frames, without one of them.
fn without(frames: &[(Role, Vec<u8>)], lost: Option<usize>, wait: u64) -> Capture {
    let mut capture = Capture::open("");
    for (index, (from, bytes)) in frames.iter().enumerate() {
        capture.wait(wait);
        if Some(index) == lost {
            capture.seq[*from as usize] += bytes.len() as u32;
        } else {
            capture.packet(*from, "A", bytes);
        }
    }
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    capture
}

/// Frames in the order in which they were judged: the sender, the byte, the packet and the time of each.
fn sequence(found: &[Value]) -> Vec<[Value; 4]> {
    let of_frame =
        |line: &&Value| ["from", "offset", "packet", "time"].map(|name| line[name].clone());
    of(found, "frame").iter().map(of_frame).collect()
}

#[test]
fn all_frames_after_a_lost_one_are_judged_in_their_order() {
    let frames = conversation();
    for (lost, wait) in (0..frames.len()).flat_map(|lost| [(lost, 1), (lost, 100), (lost, 5_000)]) {
        let whole = lines(&check(&["--json"], &without(&frames, None, wait).file).0);
        let capture = without(&frames, Some(lost), wait);
        let (json, status) = check(&["--json"], &capture.file);
        let found = lines(&json);
        assert_eq!(status, 0, "{json}");
        let mut expected = sequence(&whole);
        assert_eq!(expected.len(), frames.len());
        expected.remove(lost);
        for [.., packet, _] in &mut expected[lost..] {
            *packet = (packet.as_u64().unwrap() - 1).into();
        }
        assert_eq!(sequence(&found), expected, "packet {lost} is lost\n{json}");
        let [stray] = of(&found, "unjudged")[..] else { panic!("{json}") };
        assert_eq!(stray["why"], "frames-lost");
        let (text, _) = check(&[], &capture.file);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains(
                "✓ nothing is broken in what could be judged; 1 connection was judged only in part"
            ),
            "{text}"
        );
        assert!(flat.contains("tcpdump -B") && flat.contains("(connection 0)"), "{text}");
    }
}

/// A frame or two after the gap prove where frames start.
#[test]
fn a_breach_soon_after_a_lost_packet_is_found() {
    let mut random = Random(1007);
    for (from, before) in [(Client, 1), (Client, 2), (Client, 5), (Server, 2), (Server, 5)] {
        for (first, payload, rule) in [
            (0x83, &b"what?"[..], "reserved-opcode"),
            (0xA1, b"what?", "reserved-bits"),
            (0x09, b"what?", "fragmented-control"),
            (0x80, b"what?", "unexpected-continuation"),
            (TEXT, b"what \xFF is this?", "invalid-utf8"),
        ] {
            let text =
                |random: &mut Random| frame(random, from, TEXT, b"what the application says");
            let mut frames: Vec<_> = (0..2 + before).map(|_| (from, text(&mut random))).collect();
            frames.push((from, frame(&mut random, from, first, payload)));
            for sender in [from.peer(), from] {
                frames.push((sender, frame(&mut random, sender, CLOSE, b"\x03\xEA")));
            }
            let capture = without(&frames, Some(1), 10);
            let (json, _) = check(&["--json"], &capture.file);
            let found = lines(&json);
            let said = format!("{rule} from the {from}, {before} frames after the gap\n{json}");
            let [violation] = of(&found, "violation")[..] else { panic!("{said}") };
            assert_eq!(violation["rule"], rule, "{said}");
            let packet = 4 + 1 + before + 1;
            assert_eq!(violation["packet"], packet, "{said}");
        }
    }
}

/// Returns a capture without these packets.
fn drop_packets(file: &[u8], dropped: &[usize]) -> Vec<u8> {
    let (header, mut rest) = file.split_at(24);
    let mut kept = header.to_vec();
    for number in 1.. {
        let Some(len) = rest.get(8..12) else { break };
        let len = 16 + u32::from_le_bytes(len.try_into().unwrap()) as usize;
        if !dropped.contains(&number) {
            kept.extend(&rest[..len]);
        }
        rest = &rest[len..];
    }
    kept
}

/// The SYN was captured, so the first bytes of the streams are known to be missing.
#[test]
fn without_the_request_or_the_response_all_frames_are_judged() {
    let frames = conversation();
    const REQUEST: usize = 3;
    const RESPONSE: usize = 4;
    for (wait, dropped, uncertain) in [1, 100, 5_000].into_iter().flat_map(|wait| {
        [
            (wait, &[REQUEST][..], "request-missing"),
            (wait, &[RESPONSE], "answer-missing"),
            (wait, &[REQUEST, RESPONSE], "begun-before-capture"),
        ]
    }) {
        let whole = without(&frames, None, wait);
        let times = |found: &[Value]| -> Vec<[Value; 2]> {
            let of_frame = |line: &&Value| ["from", "time"].map(|name| line[name].clone());
            of(found, "frame").iter().map(of_frame).collect()
        };
        let expected = times(&lines(&check(&["--json"], &whole.file).0));
        let (json, status) = check(&["--json"], &drop_packets(&whole.file, dropped));
        let found = lines(&json);
        let said = format!("{wait} ms, without {dropped:?}\n{json}");
        assert_eq!(status, 0, "{said}");
        assert_eq!(of(&found, "connection")[0]["uncertain"]["why"], uncertain, "{said}");
        assert_eq!(times(&found), expected, "{said}");
        assert_eq!(of(&found, "verdict")[0]["outcome"], "clean", "{said}");
    }
}

/// The packets of hours are not held back until the end of the capture.
#[test]
fn judging_goes_on_soon_after_the_receiver_has_acknowledged_what_is_lost() {
    let mut random = Random(7692);
    let mut capture = Capture::open("");
    for number in 0..40 {
        for from in [Client, Server] {
            let text = format!("message {number} of the {from}, and what it says");
            let bytes = frame(&mut random, from, TEXT, text.as_bytes());
            capture.wait(500);
            if (number, from) == (3, Client) {
                capture.seq[0] += bytes.len() as u32;
            } else {
                capture.packet(from, "A", &bytes);
            }
        }
    }
    // What comes after the gap was judged in order, and so is this.
    capture.frame(Server, TEXT, b"\xC3\x28").frame(Client, CLOSE, b"\x03\xEF");
    capture.frame(Server, CLOSE, b"\x03\xEF").packet(Server, "FA", b"").packet(Client, "FA", b"");
    let (json, status) = check(&["--json"], &capture.file);
    let found = lines(&json);
    assert_eq!(status, 1, "{json}");
    assert_eq!(of(&found, "frame").len(), 80 - 1 + 2 - 1, "{json}");
    let verdict = of(&found, "verdict")[0];
    assert_eq!((&verdict["outcome"], &verdict["gap"]), (&"refused".into(), &true.into()), "{json}");
    let late: Vec<_> = of(&found, "frame").iter().map(|line| line["packet"].as_u64()).collect();
    let held = late.iter().filter(|packet| **packet == late[late.len() - 1]).count();
    assert!(held < 10, "{json}");
}

/// The bytes before it are missing, but the client has acknowledged it.
#[test]
fn a_violation_after_a_gap_was_let_pass_if_the_receiver_went_on() {
    let mut random = Random(1003);
    let text = frame(&mut random, Client, TEXT, b"hi");
    let long = frame(&mut random, Server, 0x82, &[0; 2_560]);
    let (start, end) = (&long[..104], [&long[2_104..], b"\x09\x00"].concat());
    let mut capture = Capture::open("");
    capture.packet(Server, "A", start);
    capture.seq[Server as usize] += 2_000;
    // The client acknowledges the violation, and goes on.
    capture.packet(Server, "A", &end).packet(Client, "A", &text);
    capture.wait(3_000);
    capture.packet(Client, "A", &text).packet(Server, "FA", b"").packet(Client, "FA", b"");
    let (json, _) = check(&["--json"], &capture.file);
    let found = lines(&json);
    assert_eq!(of(&found, "violation").len(), 1, "{json}");
    let verdict = of(&found, "verdict")[0];
    assert_eq!((&verdict["outcome"], &verdict["by"]), (&"let-pass".into(), &"client".into()));
}

/// Bytes of another connection between the same endpoints are no data after a Close.
#[test]
fn what_comes_far_behind_a_close_is_not_judged() {
    let mut capture = Capture::open("");
    for from in [Client, Server] {
        capture.frame(from, TEXT, b"hi").frame(from, CLOSE, b"\x03\xE8");
    }
    capture.seq[Server as usize] += 100_000;
    for _ in 0..8 {
        capture.frame(Server, TEXT, b"a text of the other connection").frame(Client, PONG, b"");
    }
    let (json, status) = check(&["--json"], &capture.file);
    let found = lines(&json);
    assert!(of(&found, "violation").is_empty(), "{json}");
    assert_eq!(of(&found, "gap")[0]["missing"], 100_000, "{json}");
    assert_eq!(status, 0, "{json}");
}

/// A packet that comes late is not lost, even if the acknowledgement stands before it.
#[test]
fn packets_in_the_wrong_order_are_whole() {
    let frames = conversation();
    for late in 0..frames.len() - 3 {
        let mut capture = Capture::open("");
        let mut held = None;
        for (index, (from, bytes)) in frames.iter().enumerate() {
            if index == late {
                held = Some((capture.seq[*from as usize], *from, bytes));
                capture.seq[*from as usize] += bytes.len() as u32;
            } else {
                capture.packet(*from, "A", bytes);
            }
            if index == late + 3
                && let Some((seq, from, bytes)) = held.take()
            {
                let now = std::mem::replace(&mut capture.seq[from as usize], seq);
                capture.packet(from, "A", bytes);
                capture.seq[from as usize] = now;
            }
        }
        let (json, status) = check(&["--json"], &capture.file);
        let found = lines(&json);
        assert_eq!((status, of(&found, "frame").len()), (0, frames.len()), "{json}");
        assert!(of(&found, "gap").is_empty() && of(&found, "unjudged").is_empty(), "{json}");
    }
}
