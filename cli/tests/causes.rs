//! Causes of violations: planted ones are named, and chance names none.
//!
//! `WSVET_CAUSES=100000` tries that many breaches of each kind of test, and prints the counts.

mod common;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use wsvet::Role::{Client, Server};
use wsvet::deflate::Deflater;
use wsvet::{End, Header, OpCode, Role, mask};
use wsvet_cli::session::agreement::{Agreement, HandshakeFinding};
use wsvet_cli::session::cause::{Causes, RECOGNISERS, Recogniser};
use wsvet_cli::session::frames::Frames;
use wsvet_cli::session::judging::{Judging, Thoroughness};
use wsvet_cli::session::limits::Limits;
use wsvet_cli::session::record::Record;
use wsvet_cli::session::report::{Closing, Gap, Opening, Place, ReadAs, Report, Tally};
use wsvet_cli::transport::packet::Moment;

use common::capture::{CLOSE, Capture, TEXT, check, lines};

/// Random numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn from(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end - start)
    }

    fn is(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

const WORDS: [&str; 24] = [
    "hello",
    "status",
    "Zoë",
    "größer",
    "日本語",
    "приветствие",
    "emoji",
    "😀",
    "price €",
    "naïve",
    "ok",
    "error",
    "user",
    "42",
    "the quick brown fox",
    "München",
    "x",
    "data",
    "übung",
    "level",
    "Ελλάδα",
    "null",
    "𝒳 and 𝒴",
    "a longer phrase, with a comma",
];

/// Returns a text: JSON, or words.
fn text(random: &mut Random, ascii: bool) -> String {
    let word = |random: &mut Random| loop {
        let word = random.one(&WORDS);
        if !ascii || word.is_ascii() {
            return word;
        }
    };
    let count = if random.is(8) { random.from(20, 60) } else { random.from(2, 9) };
    let words: Vec<_> = (0..count).map(|_| word(random)).collect();
    match random.below(4) {
        0 => words.join(" "),
        1 => format!("[\"{}\"]", words.join("\",\"")),
        2 => format!("{{\"type\":\"{}\",\"n\":{}}}\u{1E}", words.join(" "), random.below(1000)),
        _ => {
            let fields = words.iter().enumerate().map(|(at, word)| format!("\"k{at}\":\"{word}\""));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
    }
}

/// A stream of one endpoint that is being built.
struct Stream {
    from: Role,
    wire: Vec<u8>,
    /// The offer and the answer of permessage-deflate.
    offered: bool,
    answer: Option<&'static str>,
}

impl Stream {
    fn key(&self, random: &mut Random) -> Option<[u8; 4]> {
        (self.from == Role::Client).then(|| random.bytes(4).try_into().unwrap())
    }

    /// Returns a frame with this first byte.
    fn frame(&self, random: &mut Random, first: u8, payload: &[u8]) -> Vec<u8> {
        self.announce(random, first, payload, payload.len() as u64)
    }

    /// Returns a frame that announces another length.
    fn announce(&self, random: &mut Random, first: u8, payload: &[u8], len: u64) -> Vec<u8> {
        let key = self.key(random);
        let mut header = Header::new(OpCode::Binary, len);
        header = key.map_or(header, |key| header.masked(key));
        let mut wire = [0; Header::MAX_LEN];
        let used = header.encode(&mut wire);
        wire[0] = first;
        let mut payload = payload.to_vec();
        mask::apply(key.unwrap_or_default(), 0, &mut payload);
        [&wire[..used], &payload].concat()
    }

    /// Adds legal frames.
    fn legal(&mut self, random: &mut Random, count: usize) {
        for _ in 0..count {
            let frame = match random.below(8) {
                0 => {
                    let len = random.below(20);
                    let data = random.bytes(len);
                    let first = random.one(&[0x89, 0x8A]);
                    self.frame(random, first, &data)
                }
                1 | 2 => {
                    let len = if random.is(5) { random.from(126, 700) } else { random.below(60) };
                    let data = random.bytes(len);
                    self.frame(random, 0x82, &data)
                }
                3 => {
                    let text = text(random, false);
                    let cut = random.below(text.len());
                    let first = self.frame(random, 0x01, &text.as_bytes()[..cut]);
                    let last = self.frame(random, 0x80, &text.as_bytes()[cut..]);
                    [first, last].concat()
                }
                _ => {
                    let text = text(random, false);
                    self.frame(random, 0x81, text.as_bytes())
                }
            };
            self.wire.extend(frame);
        }
    }
}

/// What a run told.
#[derive(Default)]
struct Told {
    violations: Vec<(&'static str, u64)>,
    causes: Vec<(&'static str, String)>,
    verdict: String,
}

impl Told {
    /// Returns whether the end of the stream is all that is broken.
    fn is_in_order(&self) -> bool {
        self.violations.iter().all(|(rule, _)| *rule == "eof-without-close")
    }
}

impl Report for Told {
    fn input(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn read_as(&mut self, _: &ReadAs) -> io::Result<()> {
        Ok(())
    }

    fn opening(&mut self, _: &Opening) -> io::Result<()> {
        Ok(())
    }

    fn handshake(&mut self, _: &Opening, _: &HandshakeFinding) -> io::Result<()> {
        Ok(())
    }

    fn record(&mut self, _: &Place, record: &Record<'_>) -> io::Result<()> {
        if let Record::Broken(broken) = record {
            self.violations.push((broken.violation.rule.id(), broken.violation.offset));
        }
        Ok(())
    }

    fn causes(&mut self, told: &Causes) -> io::Result<()> {
        let violation = (told.violation.rule.id(), told.violation.offset);
        assert_eq!(self.violations.last(), Some(&violation));
        assert!((1..=3).contains(&told.causes.len()));
        self.causes.extend(told.causes.iter().map(|cause| (cause.id, cause.text.clone())));
        Ok(())
    }

    fn gap(&mut self, _: &Place, _: &Gap) -> io::Result<()> {
        Ok(())
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        self.verdict = closing.verdict.to_string();
        Ok(())
    }

    fn end_of_input(&mut self, _: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        Ok(())
    }
}

/// Judges a stream that comes in these pieces.
fn judge<'a>(stream: &Stream, pieces: impl IntoIterator<Item = &'a [u8]>) -> Told {
    let mut told = Told::default();
    let thoroughness = Thoroughness { keep_going: false, payload: false };
    let mut judging = Judging::new(Limits::NONE, thoroughness, &mut told);
    let offered = Some(Vec::from_iter(stream.offered.then(|| "permessage-deflate".to_owned())));
    let answer = stream.answer.map(str::to_owned).into_iter().collect();
    let opening = Opening {
        http2: None,
        connection: 0,
        stream: Some(0),
        client: None,
        server: None,
        agreement: Agreement::new(None, None, offered, answer),
        time: Duration::ZERO,
    };
    let at = Moment { packet: 1, time: Duration::ZERO };
    let mut frames = Frames::open(opening, &mut judging).unwrap();
    for piece in pieces {
        frames.feed(stream.from, piece, at, &mut judging).unwrap();
    }
    frames.end(stream.from, End::Fin, None, at, &mut judging).unwrap();
    frames.finish([None; 2], None, &mut judging).unwrap();
    told
}

/// The planted causes, with what plants each of them.
type Plant = fn(&mut Stream, &mut Random);

const PLANTS: &[(&str, Plant)] = &[
    ("http-request", |stream, random| {
        let method = random.one(&["GET", "POST", "PUT", "OPTIONS", "DELETE"]);
        let request =
            format!("{method} /{} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", random.below(999));
        stream.wire.extend(request.as_bytes());
    }),
    ("http-response", |stream, random| {
        let status = random.one(&["200 OK", "400 Bad Request", "502 Bad Gateway"]);
        let response = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nServer: nginx\r\n\r\nok");
        stream.wire.extend(response.as_bytes());
    }),
    ("tls-record", |stream, random| {
        let kind = random.from(0x14, 0x18) as u8;
        let len = if kind == 0x15 { 2 } else { random.from(40, 400) };
        let record = [&[kind, 3, random.below(5) as u8][..], &(len as u16).to_be_bytes()].concat();
        stream.wire.extend(record);
        let data = random.bytes(len);
        stream.wire.extend(data);
    }),
    ("line-break", |stream, random| {
        let found = random.one(&["\r\n", "\r\n", "\n", "\r\n\r\n"]);
        stream.wire.extend(found.as_bytes());
    }),
    ("nul", |stream, random| {
        for _ in 0..random.from(2, 4) {
            let words = text(random, false);
            let mut frame = stream.frame(random, 0x81, words.as_bytes());
            frame.push(0);
            stream.wire.extend(frame);
        }
    }),
    ("engine-io", |stream, random| {
        let packet =
            random.one(&["0{\"sid\":\"x9\",\"upgrades\":[]}", "42[\"message\",\"hi\"]", "2probe"]);
        stream.wire.extend(packet.as_bytes());
    }),
    ("other-protocol", |stream, random| {
        let start =
            random.one(&[&b"\x1F\x8B\x08"[..], b"\x89PNG\r\n\x1A\n", b"PK\x03\x04", b"%PDF-1.7"]);
        stream.wire.extend(start);
        let data = random.bytes(80);
        stream.wire.extend(data);
    }),
    ("no-header", |stream, random| {
        let mut words = text(random, false);
        if !stream.wire.is_empty() || random.is(2) {
            words = format!("{{\"event\":\"{}\"}}", words.replace(['"', '\u{1E}'], "'"));
        }
        stream.wire.extend(words.as_bytes());
    }),
    ("length-in-characters", |stream, random| {
        let words = loop {
            let words = text(random, false);
            if !words.is_ascii() {
                break words;
            }
        };
        let count = match random.below(2) {
            0 => words.chars().count(),
            _ => words.encode_utf16().count(),
        };
        let frame = stream.announce(random, 0x81, words.as_bytes(), count as u64);
        stream.wire.extend(frame);
    }),
    ("length-byte-order", |stream, random| {
        let len = random.from(126, 1500);
        let payload = if random.is(2) {
            random.bytes(len)
        } else {
            "more of the same text ".repeat(80).into_bytes()[..len].to_vec()
        };
        let first = if std::str::from_utf8(&payload).is_ok() { 0x81 } else { 0x82 };
        let mut frame = stream.frame(random, first, &payload);
        if random.is(3) {
            frame[1] |= 1;
            frame.splice(2..4, (len as u64).to_le_bytes());
        } else {
            frame[2..4].reverse();
        }
        stream.wire.extend(frame);
    }),
    ("length-wrong", |stream, random| {
        let words = text(random, false);
        let data = if random.is(3) { random.bytes(words.len()) } else { words.into_bytes() };
        let first = if std::str::from_utf8(&data).is_ok() { 0x81 } else { 0x82 };
        let off = random.from(1, 40);
        let off = random.one(&[1, 1, 2, 4, 4, 6, 8, off]);
        let len =
            if random.is(2) { data.len() + off } else { data.len().saturating_sub(off).max(1) };
        let frame = stream.announce(random, first, &data, len as u64);
        stream.wire.extend(frame);
        stream.legal(random, 2);
    }),
    ("frame-in-frame", |stream, random| {
        let words = text(random, false);
        let inner = stream.frame(random, 0x81, words.as_bytes());
        let frame = stream.frame(random, 0x81, &inner);
        stream.wire.extend(frame);
    }),
    ("two-writers", |stream, random| {
        let words = text(random, true).repeat(2);
        let first = stream.frame(random, 0x81, words.as_bytes());
        let other = text(random, false);
        let second = stream.frame(random, 0x81, other.as_bytes());
        let at = first.len() - random.from(1, words.len());
        stream.wire.extend([&first[..at], &second, &first[at..]].concat());
        stream.legal(random, 2);
    }),
    ("not-masked", |stream, random| {
        stream.from = Role::Client;
        stream.wire.clear();
        let words = text(random, false);
        let mut frame = stream.frame(random, 0x81, words.as_bytes());
        let start = frame.len() - words.len();
        frame[start..].copy_from_slice(words.as_bytes());
        stream.wire.extend(frame);
    }),
    ("key-byte-order", |stream, random| {
        stream.from = Role::Client;
        stream.wire.clear();
        let words = text(random, false);
        let mut frame = stream.frame(random, 0x81, words.as_bytes());
        let start = frame.len() - words.len();
        frame[start - 4..start].reverse();
        stream.wire.extend(frame);
    }),
    ("key-restarted", |stream, random| {
        stream.from = Role::Client;
        stream.wire.clear();
        let words = text(random, false).repeat(3);
        let mut frame = stream.frame(random, 0x81, words.as_bytes());
        let start = frame.len() - words.len();
        let key: [u8; 4] = frame[start - 4..start].try_into().unwrap();
        let at = start + 4 * random.from(0, words.len() / 12) + random.from(1, 4);
        let mut rest = words.as_bytes()[at - start..].to_vec();
        mask::apply(key, 0, &mut rest);
        frame[at..].copy_from_slice(&rest);
        stream.wire.extend(frame);
    }),
    ("mask-bit-missing", |stream, random| {
        stream.from = Role::Client;
        stream.wire.clear();
        let words = text(random, false);
        let mut frame = stream.frame(random, 0x81, words.as_bytes());
        frame[1] &= 0x7F;
        stream.wire.extend(frame);
    }),
    ("key-missing", |stream, random| {
        stream.from = Role::Client;
        stream.wire.clear();
        for _ in 0..3 {
            let words = text(random, false);
            let mut frame = stream.frame(random, 0x81, words.as_bytes());
            let start = frame.len() - words.len();
            frame[start..].copy_from_slice(words.as_bytes());
            frame.drain(start - 4..start);
            stream.wire.extend(frame);
        }
    }),
    ("close-code-as-text", |stream, random| {
        let code = random.one(&[1000, 1001, 1003, 1008, 1011, 3000, 4001, 4999]);
        let reason = random.one(&["", " bye", ":going away", "server restart"]);
        let frame = stream.frame(random, 0x88, format!("{code}{reason}").as_bytes());
        stream.wire.extend(frame);
    }),
    ("close-code-byte-order", |stream, random| {
        let code: u16 = random.one(&[1000, 1001, 1002, 1003, 1008, 1011, 1007, 4001, 3000]);
        let reason = random.one(&["", "going away", "normal closure", "policy"]);
        let frame = stream.frame(random, 0x88, &[&code.to_le_bytes(), reason.as_bytes()].concat());
        stream.wire.extend(frame);
    }),
    ("close-code-too-long", |stream, random| {
        let code: u32 = random.one(&[1000, 1001, 1003, 1011, 4000]);
        let code = if random.is(2) { code.to_be_bytes() } else { code.to_le_bytes() };
        let frame = stream.frame(random, 0x88, &code);
        stream.wire.extend(frame);
    }),
    ("close-without-code", |stream, random| {
        let reason = random.one(&[
            "Normal closure",
            "bye",
            "server is going away",
            "{\"code\":1000}",
            "größer!",
        ]);
        let frame = stream.frame(random, 0x88, reason.as_bytes());
        stream.wire.extend(frame);
    }),
    ("deflate-not-agreed", |stream, random| {
        let mut data = Vec::new();
        let words = text(random, false);
        Deflater::new(15, true).deflate(words.as_bytes(), true, &mut data);
        stream.offered = random.is(2);
        let frame = stream.frame(random, 0xC1, &data);
        stream.wire.extend(frame);
    }),
    ("rsv1-missing", |stream, random| {
        let mut data = Vec::new();
        let words = text(random, false).repeat(2);
        Deflater::new(15, true).deflate(words.as_bytes(), true, &mut data);
        (stream.offered, stream.answer) = (true, Some("permessage-deflate"));
        let frame = stream.frame(random, 0x81, &data);
        stream.wire.extend(frame);
    }),
    ("deflate-wrapper", |stream, random| {
        let mut data = Vec::new();
        let words = text(random, false).repeat(2);
        Deflater::new(15, true).deflate(words.as_bytes(), true, &mut data);
        (stream.offered, stream.answer) = (true, Some("permessage-deflate"));
        // A final block, which is empty, and a checksum.
        let checksum = random.bytes(4);
        let data = [b"\x78\x9C", &data[..], b"\0\0\xFF\xFF\x03\x00", &checksum].concat();
        let frame = stream.frame(random, 0xC1, &data);
        stream.wire.extend(frame);
    }),
    ("window-kept", |stream, random| {
        (stream.offered, stream.answer) = (
            true,
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        );
        let mut deflater = Deflater::new(15, true);
        let words = text(random, false);
        for _ in 0..3 {
            let mut data = Vec::new();
            deflater.deflate(format!("{words} {}", random.below(100)).as_bytes(), true, &mut data);
            let frame = stream.frame(random, 0xC1, &data);
            stream.wire.extend(frame);
        }
    }),
    ("character-split", |stream, random| {
        let words = loop {
            let words = text(random, false).repeat(2);
            if !words.is_ascii() {
                break words.into_bytes();
            }
        };
        let inside: Vec<_> = (1..words.len()).filter(|at| words[*at] & 0xC0 == 0x80).collect();
        let (first, second) = words.split_at(random.one(&inside));
        for half in [first, second] {
            let frame = stream.frame(random, 0x81, half);
            stream.wire.extend(frame);
        }
    }),
    ("surrogates", |stream, random| {
        let words = text(random, true);
        let data =
            [words.as_bytes(), b"\xED\xA0\xBD", if random.is(2) { b"\xED\xB8\x80" } else { b"" }]
                .concat();
        let frame = stream.frame(random, 0x81, &[&data, &b" and so on"[..]].concat());
        stream.wire.extend(frame);
    }),
    ("overlong-nul", |stream, random| {
        let words = text(random, false);
        let frame = stream.frame(random, 0x81, &[words.as_bytes(), b"\xC0\x80", b"x"].concat());
        stream.wire.extend(frame);
    }),
    ("utf-16", |stream, random| {
        let words = text(random, true);
        let mut data: Vec<u8> = "\u{FEFF}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        data.extend(words.encode_utf16().flat_map(u16::to_le_bytes));
        if random.is(2) {
            data.chunks_exact_mut(2).for_each(<[u8]>::reverse);
        }
        let frame = stream.frame(random, 0x81, &data);
        stream.wire.extend(frame);
    }),
    ("binary-as-text", |stream, random| {
        let start =
            random.one(&[&b"\x1F\x8B\x08\0"[..], b"\x89PNG\r\n\x1A\n", b"\xFF\xD8\xFF\xE0"]);
        let data = random.bytes(60);
        let frame = stream.frame(random, 0x81, &[start, &data].concat());
        stream.wire.extend(frame);
    }),
    ("latin-1", |stream, random| {
        let words = text(random, true);
        let accented =
            random.one(&["Z\u{F6}e", "caf\u{E9}", "M\u{FC}nchen", "na\u{EF}ve", "ni\u{F1}o"]);
        let latin: Vec<u8> = format!("{words} {accented} ").chars().map(|c| c as u8).collect();
        let frame = stream.frame(random, 0x81, &latin);
        stream.wire.extend(frame);
    }),
];

/// Cuts a stream into pieces.
fn pieces<'a>(random: &mut Random, wire: &'a [u8]) -> Vec<&'a [u8]> {
    let most = random.one(&[1, 7, 100, 1460, 65_536]);
    let mut pieces = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let len = if random.is(2) { most } else { random.from(1, most + 1) }.min(rest.len());
        let (piece, next) = rest.split_at(len);
        pieces.push(piece);
        rest = next;
    }
    pieces
}

/// Returns a stream that begins with legal frames.
fn stream(random: &mut Random) -> Stream {
    let from = if random.is(2) { Role::Client } else { Role::Server };
    let mut stream = Stream { from, wire: Vec::new(), offered: false, answer: None };
    let before = random.below(4);
    stream.legal(random, before);
    stream
}

/// The number of breaches that are tried.
fn tries() -> usize {
    std::env::var("WSVET_CAUSES").ok().and_then(|count| count.parse().ok()).unwrap_or(4_000)
}

#[derive(Default)]
struct Counts {
    planted: usize,
    broken: usize,
    named: usize,
    silent: usize,
    others: BTreeMap<&'static str, usize>,
}

#[test]
fn planted_causes_are_named() {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    let tries = tries();
    for number in 0..tries {
        let (id, plant) = PLANTS[number % PLANTS.len()];
        let mut random = Random(number as u64);
        let mut stream = stream(&mut random);
        plant(&mut stream, &mut random);
        let after = random.below(4);
        if !matches!(id, "close-code-as-text") || after > 1 {
            stream.legal(&mut random, after);
        }
        let told = judge(&stream, pieces(&mut random, &stream.wire));
        let counts = counts.entry(id).or_default();
        counts.planted += 1;
        if told.is_in_order() {
            continue;
        }
        counts.broken += 1;
        match told.causes.first() {
            Some((first, _)) if *first == id => counts.named += 1,
            Some((first, text)) => {
                *counts.others.entry(*first).or_default() += 1;
                if tries > 10_000 && counts.others[first] <= 2 {
                    println!("seed {number}: {id}: {:?} {first}: {text}", told.violations);
                }
            }
            None => counts.silent += 1,
        }
    }
    let sum = |of: fn(&Counts) -> usize| counts.values().map(of).sum::<usize>();
    let wrong = sum(|counts| counts.others.values().sum());
    let (broken, named, silent) =
        (sum(|counts| counts.broken), sum(|counts| counts.named), sum(|counts| counts.silent));
    for (id, Counts { planted, broken, named, silent, others }) in &counts {
        println!("{id:24} {planted:6} {broken:6} {named:6} {silent:6} {others:?}");
    }
    println!("broken {broken}, named {named}, silent {silent}, another named {wrong}");
    assert!(wrong * 100 < broken, "{wrong} of {broken} are named wrongly");
    assert!(named * 10 > broken * 8, "{named} of {broken} are named");
    for (id, Counts { broken, named, .. }) in &counts {
        assert!(named * 2 > *broken, "{id}: {named} of {broken} are named");
    }
}

/// Captures with a cause each, and the lines that tell it.
fn captures() -> Vec<(Vec<u8>, &'static str)> {
    let capture = |write: fn(&mut Capture)| {
        let mut capture = Capture::open("");
        write(&mut capture);
        capture.file
    };
    vec![
        (
            capture(|capture| {
                let request = b"GET /api/poll HTTP/1.1\r\nHost: x\r\n\r\n";
                capture.packet(Client, "A", request).frame(Server, CLOSE, b"\x03\xEA");
            }),
            "          looks like: an HTTP request where a frame is due: \"GET /api/poll\n          HTTP/1.1\"\n",
        ),
        (
            capture(|capture| {
                capture.packet(Server, "A", b"\r\n").frame(Client, CLOSE, b"\x03\xEA");
                capture.frame(Server, TEXT, b"hello");
            }),
            "        reserved-opcode at byte 0 from the server of connection 0 looks like:
        a line break too many: CR LF stands before the first frame, and a legal
        header follows 2 bytes later, at byte 2\n",
        ),
        (
            capture(|capture| {
                capture.packet(Server, "A", &[b"\x81\x05", "Zoë ✓".as_bytes()].concat());
                capture.frame(Server, TEXT, b"the next message");
            }),
            "          looks like: a length in characters, not in bytes: a legal header
          starts 3 bytes later, at byte 10; the frame before, at byte 0,
          announces 5 and its text has 5 characters in 8 bytes\n",
        ),
        (
            capture(|capture| {
                let (first, second) = "{\"name\":\"smørrebrød\"}".as_bytes().split_at(19);
                capture.frame(Client, TEXT, first).frame(Client, TEXT, second);
            }),
            "          looks like: a text that is cut inside a character: the message ends
          with c3 and the next one, at byte 25, goes on with the rest of that
          character\n",
        ),
        (
            capture(|capture| {
                capture.frame(Client, CLOSE, b"\x03\xE8").frame(Server, CLOSE, b"1000");
            }),
            "          looks like: the close code as text: the body begins with the 4 digits
          \"1000\" and not with 2 bytes\n",
        ),
    ]
}

/// A cause stands below its violation, or names it, and follows from the lines of JSON, too.
#[test]
fn causes_are_printed() {
    for (file, expected) in captures() {
        let (text, status) = check(&[], &file);
        assert!(text.contains(expected), "{text}");
        let (json, json_status) = check(&["--json", "--payload"], &file);
        assert_eq!((status, json_status), (1, 1));
        let of = |json: &str| -> Vec<Value> {
            let lines = lines(json).into_iter();
            lines
                .filter(|line| ["violation", "cause"].contains(&line["event"].as_str().unwrap()))
                .collect()
        };
        let told = of(&json);
        let [violation, cause] = &told[..] else { panic!("{json}") };
        for key in ["connection", "from", "offset", "rule", "packet", "time", "tcp_stream"] {
            assert_eq!(violation[key], cause[key], "{key}");
        }
        let (again, status) = check(&["--json", "--payload"], json.as_bytes());
        assert_eq!((of(&again), status), (told.clone(), 1), "{again}");
        let words = cause["text"].as_str().unwrap();
        let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cause.html");
        check(&["--html", page.to_str().unwrap()], &file);
        let page = std::fs::read_to_string(page).unwrap().replace("&quot;", "\"");
        assert!(page.contains(&format!("Looks like: {words}.")), "{words}");
        let (summary, _) = check(&["--summary"], &file);
        assert!(summary.contains("          looks like: "), "{summary}");
    }
}

/// Offsets and lengths that no stream has do not stop the tool.
#[test]
fn far_offsets_are_no_fault_of_the_tool() {
    for far in [1 << 62, u64::MAX - 20, u64::MAX] {
        for header in
            ["81fe0004", "81feffff01020304", "817f00000000000000ff", "81ffffffffffffffffff01020304"]
        {
            let frame =
                format!(r#"{{"event":"frame","from":"client","opcode":1,"payload_len":{far}}}"#);
            let broken = format!(
                r#"{{"event":"violation","from":"client","offset":{far},"rule":"invalid-utf8","frame_offset":{far},"header":"{header}","payload":"ff"}}"#
            );
            let cause = format!(
                r#"{{"event":"cause","from":"client","offset":{far},"rule":"invalid-utf8","cause":"latin-1","text":"x"}}"#
            );
            let log = [&frame, &broken, &cause, &broken, &frame].map(String::as_str).join("\n");
            for args in [&["--json"][..], &["--keep-going"]] {
                let output = common::run(&[&["check"], args, &["-"]].concat(), log.as_bytes());
                assert!(output.status.code().is_some_and(|code| code <= 2), "{log}");
            }
        }
    }
}

/// Bytes in hex that the other endpoint sent are known by their mask bits.
#[test]
fn the_other_endpoint_is_named() {
    for (args, hex, told) in [
        (
            &[][..],
            "81 05 48 65 6c 6c 6f",
            "the bytes of the server: the frames are not masked; give --receiver client",
        ),
        (
            &["--receiver", "client"],
            "81 85 37 fa 21 3d 7f 9f 4d 51 58",
            "the bytes of the client: the frames are masked; give --receiver server",
        ),
        (&[], "81 05 48 65 6c", ""),
    ] {
        let (text, status) = check(args, hex.as_bytes());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.contains("looks like"), !told.is_empty(), "{text}");
        assert!(text.contains(told) && status == 1, "{text}");
    }
}

/// What is told of the vectors, each of which breaks a rule with few bytes.
#[test]
fn few_causes_are_told_of_the_vectors() {
    let mut told = String::new();
    let (mut broken, mut count) = (0, 0);
    for line in include_str!("../../tests/vectors/rfc6455.jsonl").lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        if vector["rule"].is_null() {
            continue;
        }
        broken += 1;
        let from = if vector["role"] == "server" { Role::Client } else { Role::Server };
        let deflate = vector["policy"]["permessage_deflate"] == true;
        let answer = deflate.then_some("permessage-deflate");
        let wire = common::hex(vector["hex"].as_str().unwrap());
        let stream = Stream { from, wire, offered: deflate, answer };
        let found = judge(&stream, [&stream.wire[..]]);
        if let Some((id, text)) = found.causes.first() {
            count += 1;
            let name = vector["name"].as_str().unwrap();
            told.push_str(&format!("{name}\n  {id}: {text}\n"));
        }
    }
    let summary = format!("{broken} vectors break a rule, and {count} have a cause.\n\n");
    expect("causes-of-vectors.txt", &(summary + &told));
}

/// The words of each row.
#[test]
fn the_words_of_each_cause() {
    let mut told = String::new();
    for (id, plant) in PLANTS {
        for seed in 0.. {
            let mut random = Random(seed);
            let mut stream = stream(&mut random);
            plant(&mut stream, &mut random);
            stream.legal(&mut random, 2);
            let found = judge(&stream, [&stream.wire[..]]);
            if let Some((_, text)) = found.causes.first().filter(|(first, _)| first == id) {
                let (rule, offset) = found.violations[0];
                told.push_str(&format!("{id}: {rule} at byte {offset} looks like\n  {text}\n"));
                break;
            }
        }
    }
    expect("causes.txt", &told);
}

/// Compares a text with a file, or writes the file if WSVET_BLESS is set.
fn expect(name: &str, told: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output").join(name);
    if std::env::var_os("WSVET_BLESS").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), told);
}

/// However the stream is cut, the causes are the same.
#[test]
fn the_causes_do_not_depend_on_the_pieces() {
    let tries = tries() / 10;
    for number in 0..tries {
        let (id, plant) = PLANTS[number % PLANTS.len()];
        let mut random = Random(number as u64 | 1 << 41);
        let mut stream = stream(&mut random);
        plant(&mut stream, &mut random);
        stream.legal(&mut random, 2);
        let whole = judge(&stream, [&stream.wire[..]]).causes;
        let bytes = judge(&stream, stream.wire.chunks(1)).causes;
        let some = judge(&stream, pieces(&mut random, &stream.wire)).causes;
        assert_eq!(bytes, whole, "seed {number}: {id}");
        assert_eq!(some, whole, "seed {number}: {id}");
    }
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_tool() {
    let row = |row: &Recogniser| format!("| `{}` | {} |\n", row.id, row.when);
    let table: String = RECOGNISERS.iter().map(row).collect();
    let document = include_str!("../../docs/rules.md");
    let (_, written) = document.split_once("| cause | seen when |\n|---|---|\n").unwrap();
    assert!(written == table, "the table should be:\n{table}");
}

#[test]
fn every_row_is_planted() {
    for row in RECOGNISERS.iter().filter(|row| row.id != "sender-mixed-up") {
        assert!(PLANTS.iter().any(|(id, _)| *id == row.id), "{}", row.id);
    }
}

/// Breaches without a cause that the bytes could show.
const CHANCE: &[(&str, Plant)] = &[
    ("random bytes", |stream, random| {
        let len = random.from(1, 600);
        let bytes = random.bytes(len);
        stream.wire.extend(bytes);
    }),
    ("a bad first byte", |stream, random| {
        let words = text(random, false);
        let first = random.next() as u8 & 0xF7;
        let frame = stream.frame(random, first, words.as_bytes());
        stream.wire.extend(frame);
    }),
    ("characters cut in a text", |stream, random| {
        let mut words = text(random, false).into_bytes();
        for _ in 0..random.from(1, 4) {
            let cut = (0..words.len()).rev().find(|at| words[*at] & 0xC0 == 0x80 && random.is(3));
            cut.map(|at| words.remove(at));
        }
        if random.is(2) {
            let at = random.below(words.len());
            words.insert(at, 0xFF);
        }
        let frame = stream.frame(random, 0x81, &words);
        stream.wire.extend(frame);
    }),
    ("a bad block in a text", |stream, random| {
        let len = random.from(1, 40);
        let block = random.bytes(len);
        let data =
            [text(random, false).as_bytes(), &block, text(random, false).as_bytes()].concat();
        let frame = stream.frame(random, 0x81, &data);
        stream.wire.extend(frame);
    }),
    ("random bytes as text", |stream, random| {
        let len = random.from(1, 300);
        let data = random.bytes(len);
        let frame = stream.frame(random, 0x81, &data);
        stream.wire.extend(frame);
    }),
    ("a bad close code", |stream, random| {
        let reason = random.one(&["", "going away", "normal closure"]);
        let code = random
            .one(&[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 6000, 65_535_u16]);
        let frame = stream.frame(random, 0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat());
        stream.wire.extend(frame);
    }),
    ("a random Close", |stream, random| {
        let len = random.from(1, 60);
        let body = random.bytes(len);
        let frame = stream.frame(random, 0x88, &body);
        stream.wire.extend(frame);
    }),
    ("frames out of order", |stream, random| {
        for _ in 0..4 {
            let first = random.one(&[0x01, 0x02, 0x80, 0x81, 0x82, 0x09, 0x88]);
            let words = if first == 0x88 { "\u{3}".to_owned() } else { text(random, false) };
            let frame = stream.frame(random, first, words.as_bytes());
            stream.wire.extend(frame);
        }
    }),
    ("a cut stream", |stream, random| {
        stream.legal(random, 3);
        let len = random.below(stream.wire.len());
        stream.wire.truncate(len);
    }),
    ("the wrong mask bit", |stream, random| {
        let from = stream.from;
        stream.from = from.peer();
        stream.legal(random, 4);
        stream.from = from;
    }),
    ("random bytes as compressed", |stream, random| {
        (stream.offered, stream.answer) = (true, Some("permessage-deflate"));
        let len = random.from(1, 200);
        let data = random.bytes(len);
        let first = random.one(&[0xC1, 0xC2]);
        let frame = stream.frame(random, first, &data);
        stream.wire.extend(frame);
    }),
    ("RSV1 and random bytes", |stream, random| {
        let len = random.from(1, 200);
        let data = random.bytes(len);
        let first = random.one(&[0xC1, 0xC2]);
        let frame = stream.frame(random, first, &data);
        stream.wire.extend(frame);
    }),
    ("RSV1 and text", |stream, random| {
        let words = text(random, false);
        let frame = stream.frame(random, 0xC1, words.as_bytes());
        stream.wire.extend(frame);
    }),
];

#[test]
fn chance_names_no_cause() {
    let mut counts: BTreeMap<&str, (usize, usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    let tries = tries();
    for number in 0..tries {
        let (id, plant) = CHANCE[number % CHANCE.len()];
        let mut random = Random(number as u64 | 1 << 40);
        let mut stream = stream(&mut random);
        plant(&mut stream, &mut random);
        let after = random.below(4);
        if !matches!(id, "random bytes" | "a cut stream") {
            stream.legal(&mut random, after);
        }
        let told = judge(&stream, pieces(&mut random, &stream.wire));
        let counts = counts.entry(id).or_default();
        counts.0 += usize::from(!told.is_in_order());
        if let Some((cause, text)) = told.causes.first() {
            counts.1 += 1;
            *counts.2.entry(*cause).or_default() += 1;
            if tries > 10_000 && counts.2[cause] <= 2 {
                println!("seed {number}: {id}: {:?} {cause}: {text}", told.violations);
            }
        }
    }
    let (mut broken, mut named) = (0, 0);
    for (id, (violations, spoken, causes)) in &counts {
        println!("{id:28} {violations:6} {spoken:6} {causes:?}");
        broken += violations;
        named += spoken;
    }
    println!("broken {broken}, a cause named {named}");
    assert!(named * 500 < broken, "{named} of {broken} have a cause by chance");
}
