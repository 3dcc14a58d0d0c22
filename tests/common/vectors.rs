//! The public corpus, read.

use std::fs;

use serde_json::Value;
use wsvet::{Accepts, Policy, Role};

use super::hex;

pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/rfc6455.jsonl");

/// A line: a stream, the policy under which it is judged, and all that the line says.
pub struct Vector {
    pub policy: Policy,
    pub stream: Vec<u8>,
    pub case: Value,
}

pub fn all() -> Vec<Vector> {
    let read = |line| {
        let case: Value = serde_json::from_str(line).unwrap();
        let stream = hex(case["hex"].as_str().unwrap());
        Vector { policy: policy(&case), stream, case }
    };
    fs::read_to_string(FILE).unwrap().lines().map(read).collect()
}

fn policy(case: &Value) -> Policy {
    let fields = &case["policy"];
    let number = |field: &str| fields[field].as_u64();
    let role = if case["role"] == "server" { Role::Server } else { Role::Client };
    let accepts = match fields["accepts"].as_str() {
        Some("text") => Accepts::TextOnly,
        Some("binary") => Accepts::BinaryOnly,
        _ => Accepts::Any,
    };
    Policy::new(role)
        .accepts(accepts)
        .rsv(number("rsv").unwrap_or(0) as u8)
        .permessage_deflate(fields["permessage_deflate"] == true)
        .max_frame(number("max_frame").unwrap_or(u64::MAX))
        .max_message(number("max_message").unwrap_or(u64::MAX))
        .max_fragments(number("max_fragments").map_or(u32::MAX, |most| most as u32))
}
