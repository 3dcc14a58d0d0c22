//! Writes the public vectors as seeds for a fuzzer: `seeds FOLDER`.
//!
//! ```sh
//! cargo run --example seeds -- corpus
//! ```
//!
//! Each seed is the bytes that one endpoint receives. Its name is that of the vector: the receiver's
//! role, the rule that is broken or `legal`, and the subject. If the vector has a policy, it follows
//! the name: `server.unsupported-data.binary,accepts=text` is for a server that accepts only text.

use std::path::Path;
use std::{fs, io, process};

use serde_json::Value;

/// The vectors, which the repository has and the package does not.
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/rfc6455.jsonl");

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("give the folder for the seeds: cargo run --example seeds -- FOLDER");
        process::exit(2);
    };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let mut count = 0;
    for line in fs::read_to_string(VECTORS)?.lines() {
        let vector: Value = serde_json::from_str(line)?;
        let bytes = bytes(vector["hex"].as_str().unwrap_or_default())?;
        fs::write(folder.join(name(&vector)), bytes)?;
        count += 1;
    }
    println!("{count} seeds in {}", folder.display());
    Ok(())
}

/// Returns the name of a vector, and its policy. Every file system takes its characters.
fn name(vector: &Value) -> String {
    let mut name = vector["name"].as_str().unwrap_or_default().replace('/', ".");
    for (field, value) in vector["policy"].as_object().into_iter().flatten() {
        name += &format!(",{field}={}", value.to_string().trim_matches('"'));
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".,=-_".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

/// Decodes hex digits.
fn bytes(hex: &str) -> io::Result<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16);
    (0..hex.len()).step_by(2).map(byte).collect::<Result<_, _>>().map_err(io::Error::other)
}
