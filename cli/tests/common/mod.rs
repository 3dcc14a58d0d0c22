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

/// Asserts that the tool does not overwrite a file of another kind, whose name stands between the arguments.
#[track_caller]
pub fn assert_kept(before: &[&str], after: &str, error: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("precious.txt");
    std::fs::write(&file, "precious").unwrap();
    let args = [before, &[file.to_str().unwrap(), after]].concat();
    let output = run(&args, b"");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains(error), "{err}");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
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
