//! The public corpus: the file is what the cases make, and the crate says what the file says.

#[path = "vectors/cases.rs"]
mod cases;
mod common;

use std::fs;

use cases::Case;
use common::reference;
use common::vectors::{self, FILE, Vector};
use serde_json::json;
use wsvet::{Accepts, FrameRef, Policy, Rule, Violation, mask};

/// Longer payloads are given by their length alone.
const MOST_HEX: usize = 512;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A case as its line says it. What is expected comes from the naive judge, not from the crate.
fn line(case: &Case) -> String {
    let Case { name, policy, stream, end } = case;
    let (frames, broken) = reference::judge(policy, stream);
    let broken = if *end { reference::judge_whole(policy, stream) } else { broken };
    let frames: Vec<_> = frames.iter().map(|(at, _)| frame_of(stream, *at as usize)).collect();
    let rule = broken.map(|(rule, _)| rule);
    object(&[
        ("name", json!(name).to_string()),
        ("role", json!(policy.role.name()).to_string()),
        ("policy", policy_of(policy)),
        ("hex", json!(hex(stream)).to_string()),
        ("end", json!(end).to_string()),
        ("rule", json!(rule.map(Rule::id)).to_string()),
        ("rfc", json!(rule.map(Rule::rfc)).to_string()),
        ("section", json!(rule.map(Rule::section)).to_string()),
        ("offset", json!(broken.map(|(_, offset)| offset)).to_string()),
        ("code", json!(rule.map(|rule| rule.close_code().0)).to_string()),
        ("frames", format!("[{}]", frames.join(","))),
    ])
}

/// An object with its fields in this order, whatever the features of the JSON library are.
fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// What of the policy is not as the RFC alone has it.
fn policy_of(policy: &Policy) -> String {
    let accepts = match policy.accepts {
        Accepts::TextOnly => Some("\"text\""),
        Accepts::BinaryOnly => Some("\"binary\""),
        _ => None,
    };
    let limit = |limit: u64| (limit != u64::MAX).then(|| limit.to_string());
    let most = policy.max_fragments;
    let fields = [
        ("accepts", accepts.map(Into::into)),
        ("rsv", (policy.rsv != 0).then(|| policy.rsv.to_string())),
        ("permessage_deflate", policy.negotiates_deflate().then(|| "true".into())),
        ("max_frame", limit(policy.max_frame)),
        ("max_message", limit(policy.max_message)),
        ("max_fragments", (most != u32::MAX).then(|| most.to_string())),
    ];
    let fields: Vec<_> =
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    object(&fields)
}

/// A whole frame, unmasked.
fn frame_of(stream: &[u8], start: usize) -> String {
    let (frame, _) = FrameRef::decode(&stream[start..]).unwrap();
    let header = frame.header;
    let mut payload = frame.payload.into_raw().to_vec();
    if let Some(key) = header.masking_key() {
        mask::apply(key, 0, &mut payload);
    }
    let given = (payload.len() <= MOST_HEX).then(|| hex(&payload));
    object(&[
        ("offset", start.to_string()),
        ("fin", header.fin().to_string()),
        ("rsv", header.rsv().to_string()),
        ("opcode", (header.opcode() as u8).to_string()),
        ("len", payload.len().to_string()),
        ("payload", json!(given).to_string()),
    ])
}

/// `WSVET_BLESS=1` writes the file anew.
#[test]
fn the_file_is_what_the_cases_make() {
    let mut lines: String = cases::all().iter().map(|case| line(case) + "\n").collect();
    if std::env::var_os("WSVET_BLESS").is_some() {
        fs::write(FILE, &lines).unwrap();
    }
    let file = fs::read_to_string(FILE).unwrap();
    for (number, (made, kept)) in lines.lines().zip(file.lines()).enumerate() {
        assert_eq!(made, kept, "line {}", number + 1);
    }
    lines.retain(|letter| letter == '\n');
    assert_eq!(lines.len(), file.lines().count(), "lines in the file");
}

/// What a stack in another language would do: read a line, judge its bytes, compare.
#[test]
fn the_crate_says_what_the_file_says() {
    let mut rules = Vec::new();
    for vector in vectors::all() {
        let Vector { policy, stream, case } = vector;
        for size in [1, 2, 3, 5, 7, 64, usize::MAX] {
            let violation = violation(policy, &stream, size, case["end"] == true);
            let said = json!({
                "rule": violation.map(|violation| violation.rule.id()),
                "section": violation.map(|violation| violation.rule.section()),
                "offset": violation.map(|violation| violation.offset),
                "code": violation.map(|violation| violation.rule.close_code().0),
            });
            for field in ["rule", "section", "offset", "code"] {
                assert_eq!(
                    said[field], case[field],
                    "{field} in pieces of {size}: {}",
                    case["name"]
                );
            }
        }
        // Whatever follows, it is the same: a frame that is not the last of a chunk is no other.
        let more = [&stream[..], &[0x8A; 40]].concat();
        let expected = violation(policy, &stream, usize::MAX, false);
        if expected.is_some() {
            assert_eq!(violation(policy, &more, usize::MAX, false), expected, "{}", case["name"]);
        }
        assert_eq!(
            common::decode(policy, &more, &[usize::MAX]),
            common::decode(policy, &more, &[1]),
            "{}",
            case["name"]
        );
        let frames = common::validate(policy, &stream).0;
        let starts: Vec<_> =
            case["frames"].as_array().unwrap().iter().map(|f| f["offset"].as_u64()).collect();
        assert_eq!(
            frames.iter().map(|(start, _)| Some(*start)).collect::<Vec<_>>(),
            starts,
            "{}",
            case["name"]
        );
        rules.extend(violation(policy, &stream, usize::MAX, case["end"] == true).map(|v| v.rule));
    }
    for rule in common::rules() {
        assert!(rules.contains(&rule), "{rule} has no case");
    }
}

fn violation(policy: Policy, stream: &[u8], size: usize, end: bool) -> Option<Violation> {
    let outcome = common::decode(policy, stream, &[size]);
    outcome.violation.or(outcome.end.filter(|_| end))
}

#[test]
fn names_are_unique_and_start_with_what_is_expected() {
    let mut names = Vec::new();
    for Vector { case, .. } in vectors::all() {
        let name = case["name"].as_str().unwrap().to_owned();
        let subject = name.split('/').nth(1).unwrap();
        assert!(subject == case["rule"].as_str().unwrap_or("legal"), "{name}: {}", case["rule"]);
        assert!(!names.contains(&name), "{name} twice");
        names.push(name);
    }
}
