//! Functions that the tests of the tool share.
#![allow(dead_code, unreachable_pub, unused_imports)] // each test binary uses its own share

#[path = "../../../tests/common/bytes.rs"]
mod bytes;
pub mod capture;
pub mod http2;

use std::io::Write;
use std::process::{Command, Output, Stdio};

pub use bytes::{frame, hex, wire};

/// Runs the tool with these arguments and this standard input.
pub fn run(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsvet"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS");
    feed(&mut command, input)
}

/// Runs a command with this standard input.
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The tool writes while it reads, and may not read all of its input.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}
