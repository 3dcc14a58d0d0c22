//! JSON lines that are read back name the same violations.

mod common;

use common::capture::lines;
use serde_json::Value;
use wsvet_cli::input::judge;
use wsvet_cli::input::reading::{Format, Reading, Receiver};
use wsvet_cli::report::Json;
use wsvet_cli::session::judging::{Judging, MEMORY, Thoroughness};
use wsvet_cli::session::limits::Limits;

const VECTORS: &str = include_str!("../../tests/vectors/rfc6455.jsonl");

/// Judges an input, and returns its JSON lines.
fn written(input: &[u8], format: Format, receiver: Receiver, payload: bool) -> Vec<u8> {
    let reading = Reading {
        format: Some(format),
        receiver,
        permessage_deflate: None,
        port: Vec::new(),
        tls_keylog: Vec::new(),
        max_memory: MEMORY,
    };
    let thoroughness = Thoroughness { keep_going: true, payload };
    let mut lines = Vec::new();
    let mut json = Json::new(&mut lines, payload, false);
    let mut judging = Judging::new(Limits::NONE, thoroughness, &mut json);
    judge(input, &reading, &mut judging).unwrap().unwrap();
    lines
}

/// The violations in JSON lines: the sender, the rule, the byte, the frame, and its payload.
fn violations(written: &[u8]) -> Vec<[String; 5]> {
    let mut found = lines(std::str::from_utf8(written).unwrap());
    found.retain(|line| line["event"] == "violation");
    let keys = ["from", "rule", "offset", "frame_offset", "payload"];
    found.iter().map(|line| keys.map(|key| line[key].to_string())).collect()
}

/// Pairs of vectors, with and without payloads. Many have a frame with several violations.
#[test]
fn all_violations_are_read_back() {
    let vectors = lines(VECTORS);
    let (mut several, mut all) = (0, 0);
    for pair in vectors.windows(2) {
        let bytes = |vector: &Value| common::hex(vector["hex"].as_str().unwrap());
        let input = [bytes(&pair[0]), bytes(&pair[1])].concat();
        if input.len() > 400 {
            continue;
        }
        for receiver in [Receiver::Server, Receiver::Client] {
            for payload in [false, true] {
                let lines = written(&input, Format::Raw, receiver, payload);
                let first = violations(&lines);
                let again = violations(&written(&lines, Format::Json, receiver, payload));
                assert_eq!(again, first, "{} and {}", pair[0]["name"], pair[1]["name"]);
                let frames = first.iter().map(|found| &found[3]).collect::<Vec<_>>();
                several += usize::from(frames.windows(2).any(|two| two[0] == two[1]));
                all += usize::from(!first.is_empty());
            }
        }
    }
    println!("{all} inputs with violations, {several} with a frame that has several");
    assert!(several > 100 && all > 1_000, "{several} of {all}");
}
