//! The oracle of what the tool reads: hex text, captures, HTTP heads, raw bytes.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use std::io::{self, Read};
use std::time::Duration;

use wsvet::Role;
use wsvet::deflate::Parameters;

use wsvet_cli::input::reading::{Format, Reading, Receiver};
use wsvet_cli::input::{hex, judge};
use wsvet_cli::report::{Both, Html, Json, Shown, Text};
use wsvet_cli::session::handshake::{Handshake, Progress};
use wsvet_cli::session::judging::{Judging, MEMORY, Thoroughness};
use wsvet_cli::session::limits::Limits;
use wsvet_cli::session::report::Tally;

/// The most bytes that are said of one byte that is read.
const MOST_SAID: usize = 4_096;

/// Any bytes come to an end with an answer, and the same answer in whatever pieces they are read.
pub fn readers(data: &[u8]) {
    let [bits, size, input @ ..] = data else { return };
    hex_text(input);
    heads(input, usize::from(*size) + 1);
    let whole = said(*bits, input, usize::MAX);
    assert_eq!(in_order(said(*bits, input, usize::from(*size) + 1)), in_order(whole.clone()));
    // A compressed input stands for as many bytes as it likes.
    let compressed: [&[u8]; 3] = [b"\x1F\x8B", b"\x28\xB5\x2F\xFD", b"PK"];
    if !compressed.iter().any(|magic| input.starts_with(magic)) {
        assert!(whole.0.len() <= MOST_SAID * (input.len() + 1));
    }
}

/// The JSON lines about an input, the answer, and the numbers of connections, frames and violations.
type Said = (Vec<u8>, Result<Vec<String>, String>, [u64; 3]);

/// Returns the result with the lines of causes apart. The tool reports a cause as soon as enough bytes
/// after the violation have arrived, so the position of that line depends on the pieces.
fn in_order((lines, answer, counts): Said) -> (Said, Vec<u8>) {
    let (mut causes, mut others) = (Vec::new(), Vec::new());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let cause = line.starts_with(b"{\"event\":\"cause\"");
        if cause { &mut causes } else { &mut others }.extend_from_slice(line);
    }
    ((others, answer, counts), causes)
}

/// What the tool says of an input that it reads in pieces of this size: its lines, whether they
/// were enough, and how much was judged.
fn said(bits: u8, input: &[u8], size: usize) -> Said {
    let bit = |bit: u8| bits >> bit & 1 == 1;
    let reading = Reading {
        format: [
            None,
            Some(Format::Pcap),
            Some(Format::Hex),
            Some(Format::Raw),
            Some(Format::Har),
            Some(Format::Json),
        ][usize::from(bits >> 5) % 6],
        receiver: if bit(0) { Receiver::Client } else { Receiver::Server },
        permessage_deflate: bit(1).then(Parameters::new),
        port: Vec::new(),
        tls_keylog: Vec::new(),
        max_memory: MEMORY,
    };
    let thoroughness = Thoroughness { keep_going: bit(2), payload: bit(3) };
    let limits = if bit(4) { Limits::TEXT_ONLY_SERVER } else { Limits::NONE };
    let mut lines = Vec::new();
    let mut json = Json::new(&mut lines, thoroughness.payload, false);
    // What they print is checked by the tests; here they must take whatever comes.
    let shown = Shown { payload: bit(3), summary: bit(1), follow: bit(0), live: false };
    let (mut text, mut page) = (Text::new(io::sink(), shown), Html::new());
    let mut people = Both(&mut text, &mut page);
    let mut all = Both(&mut json, &mut people);
    let mut judging = Judging::new(limits, thoroughness, &mut all);
    let answer = judge(Pieces(input, size), &reading, &mut judging).expect("a vector takes all");
    judging.report.end_of_input(&[]).expect("a sink takes all");
    judging.report.finish(&judging.tally).expect("a sink takes all");
    let tally = judging.tally;
    page.write(&tally, &mut io::sink()).expect("a sink takes all");
    let Tally { connections, frames, violations, .. } = tally;
    assert!(answer.as_ref().err() != Some(&String::new()), "an error says what is wrong");
    (lines, answer, [connections as u64, frames, violations])
}

/// A file that gives so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.1);
        self.0.read(&mut out[..len])
    }
}

/// Hex text that is read, in whatever notation, has bytes that are read the same if written anew.
fn hex_text(text: &[u8]) {
    let Ok(pasted) = hex::read(text, MEMORY) else { return };
    let bytes = pasted.blocks.concat();
    assert_eq!(bytes.len(), pasted.len());
    let anew: String = bytes.iter().map(|byte| format!("{byte:02X}\n")).collect();
    assert_eq!(hex::decode(anew.as_bytes()).ok(), Some(bytes));
}

/// The heads of an upgrade may be cut anywhere: what is agreed, and what follows, is the same.
/// Each byte of 128 and more, which no head needs, hands over to the other end.
fn heads(turns: &[u8], size: usize) {
    let whole = upgrade(turns, usize::MAX);
    assert_eq!(upgrade(turns, size), whole);
    assert_eq!(upgrade(turns, 1), whole);
}

/// What is agreed, if anything is, and what each end sends after its head.
fn upgrade(turns: &[u8], size: usize) -> Option<(Progress, [Vec<u8>; 2])> {
    let mut handshake = Handshake::default();
    let (mut agreed, mut after) = (None, [Vec::new(), Vec::new()]);
    for (turn, bytes) in turns.split(|byte| !byte.is_ascii()).enumerate() {
        let sender = if turn % 2 == 0 { Role::Client } else { Role::Server };
        for piece in bytes.chunks(size) {
            if agreed.is_some() {
                after[turn % 2].extend_from_slice(piece);
                continue;
            }
            match handshake.feed(sender, piece, Duration::ZERO) {
                Progress::Waiting => {}
                Progress::Other(_) => return None,
                progress => {
                    agreed = Some(progress);
                    after = [handshake.take(Role::Client), handshake.take(Role::Server)];
                }
            }
        }
    }
    agreed.map(|progress| (progress, after))
}
