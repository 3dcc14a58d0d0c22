//! The interface for C: its header, and programs in C that are compiled against it and run.
//!
//! Under valgrind too, where it is installed. `CC` and `CXX` name other compilers.
#![cfg(all(feature = "c", unix))]

mod common;
#[path = "c/conversations.rs"]
mod conversations;
#[path = "c/header.rs"]
mod header;
#[path = "c/inflating.rs"]
mod inflating;
#[path = "c/program.rs"]
mod program;
#[path = "c/twin.rs"]
mod twin;

use std::fmt::Write;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use program::{LIBRARIES, Library, Program, compiler};
use wsvet::handshake::{self, Due};
use wsvet::{CloseCode, Lapse, Rule};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// After a change that is meant, write it anew with `WSVET_BLESS=1 cargo test --features c --test c`.
#[test]
fn the_header_is_that_of_the_source() {
    let path = Path::new(ROOT).join("include/wsvet.h");
    let header = header::generate();
    if std::env::var_os("WSVET_BLESS").is_some() {
        fs::write(&path, &header).unwrap();
    }
    assert!(header == fs::read_to_string(&path).unwrap(), "include/wsvet.h is now:\n{header}");
}

#[test]
fn the_header_is_c99_and_cpp() {
    for (variable, default, language) in
        [("CC", "cc", ["-std=c99", "-xc"]), ("CXX", "c++", ["-std=c++11", "-xc++"])]
    {
        let mut command = compiler(variable, default);
        command.args(language).args(["-fsyntax-only", "include/wsvet.h"]);
        match command.status() {
            Ok(status) => assert!(status.success(), "{command:?}"),
            Err(error) if variable == "CXX" => eprintln!("left out, no {default}: {error}"),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }
}

/// What a comment promises a C program is promised of every function, and every function is called.
#[test]
fn every_function_has_a_comment_and_a_test() {
    let header = fs::read_to_string(Path::new(ROOT).join("include/wsvet.h")).unwrap();
    let tests = fs::read_to_string(Path::new(ROOT).join("tests/c/functions.c")).unwrap();
    let mut functions = 0;
    let mut before = "";
    for line in header.lines() {
        if line == "WSVET_MUST_USE" || line.starts_with("typedef") {
            continue;
        }
        let name = line
            .split(['(', ' ', '*'])
            .find(|word| word.starts_with("wsvet_") && line.contains(&format!("{word}(")));
        if let Some(name) = name.filter(|_| !line.starts_with([' ', '/'])) {
            assert_eq!(before, " */", "{name} has a comment");
            assert!(tests.contains(&format!("{name}(")), "{name} has a test");
            functions += 1;
        }
        before = line;
    }
    let source: usize = fs::read_dir(Path::new(ROOT).join("src/c"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap().matches("no_mangle").count())
        .sum();
    assert_eq!(functions, source);
}

#[test]
fn every_function_does_what_its_comment_says() {
    for library in LIBRARIES {
        Program::of("tests/c/functions.c", library).expect(b"", "0 failed\n");
    }
}

/// It aborts, and neither unwinds into C nor reads there.
#[test]
fn null_with_a_length_is_not_read() {
    let output = Program::of("tests/c/null.c", Library::Static).run(b"");
    assert_eq!(output.status.signal(), Some(6), "SIGABRT");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the length of NULL"));
}

/// Row for row.
#[test]
fn the_tables_are_those_of_the_crate() {
    let mut rows = String::new();
    for number in 0..=u8::MAX {
        if let Some(rule) = Rule::from_number(number) {
            let (id, rfc, section) = (rule.id(), rule.rfc(), rule.section());
            let (code, breaks, text) = (rule.close_code().0, rule.breaks(), rule.text());
            let (explain, resolve) = (rule.explain(), rule.resolve());
            write!(rows, "{number}|{id}|{rfc}|{section}|{code}|0|{breaks}|{text}|").unwrap();
            writeln!(rows, "{explain}|{resolve}").unwrap();
        }
        if let Some(rule) = handshake::Rule::from_number(number) {
            let status = match rule.due() {
                Due::Status(status) => status,
                _ => 0,
            };
            let (id, rfc, section) = (rule.id(), rule.rfc(), rule.section());
            let (breaks, text) = (rule.breaks(), rule.text());
            let (explain, resolve) = (rule.explain(), rule.resolve());
            write!(rows, "{number}|{id}|{rfc}|{section}|0|{status}|{breaks}|{text}|").unwrap();
            writeln!(rows, "{explain}|{resolve}").unwrap();
        }
        if let Some(lapse) = Lapse::from_number(number) {
            let (id, rfc, section) = (lapse.id(), lapse.rfc(), lapse.section());
            let (breaks, text) = (lapse.breaks(), lapse.text());
            let (explain, resolve) = (lapse.explain(), lapse.resolve());
            write!(rows, "{number}|{id}|{rfc}|{section}|0|0|{breaks}|{text}|").unwrap();
            writeln!(rows, "{explain}|{resolve}").unwrap();
        }
    }
    for code in 0..=u16::MAX {
        let row = CloseCode(code).info();
        let (name, sendable, meaning) = (row.name(), u8::from(row.is_sendable()), row.meaning());
        let (seen, resolve, send) = (row.seen(), row.resolve(), row.send_when());
        writeln!(rows, "{code}|{name}|{sendable}|{meaning}|{seen}|{resolve}|{send}").unwrap();
    }
    Program::of("tests/c/tables.c", Library::Static).expect(b"", &rows);
}

/// The same bytes, events, answers and violations, however the bytes are cut.
#[test]
fn streams_are_to_c_what_they_are_to_rust() {
    let mut streams: Vec<_> = common::vectors::all()
        .into_iter()
        .flat_map(|vector| [1, 7, 1 << 20].map(|size| (vector.policy, vector.stream.clone(), size)))
        .collect();
    #[cfg(feature = "arbitrary")]
    streams.extend(twin::generated());
    streams.extend(twin::damaged(&streams));
    let input: Vec<u8> = streams.iter().flat_map(twin::input).collect();
    let output: String = streams.iter().map(twin::output).collect();
    // This decoder does not inflate.
    for rule in Rule::ALL.iter().filter(|rule| **rule != Rule::InvalidDeflate) {
        assert!(output.contains(&format!(" {rule} ")), "{rule} is broken by one of them");
    }
    for library in LIBRARIES {
        Program::of("tests/c/streams.c", library).expect(&input, &output);
    }
}

/// The same verdicts, findings and violations.
#[test]
fn conversations_are_to_c_what_they_are_to_rust() {
    let mut scripts = conversations::by_hand();
    scripts.extend(conversations::compressed());
    #[cfg(feature = "arbitrary")]
    scripts.extend(conversations::generated());
    let input: Vec<u8> = scripts.iter().flat_map(conversations::input).collect();
    let output: String = scripts.iter().map(conversations::output).collect();
    for kind in 0..=9 {
        assert!(output.contains(&format!("\n{kind} ")), "a verdict {kind} is there");
    }
    for why in [0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15] {
        let is_row = |line: &str| line.split(' ').nth(2) == Some(&why.to_string());
        assert!(output.lines().any(is_row), "a reason {why} is there");
    }
    for lapse in Lapse::ALL {
        assert!(output.contains(&format!("\n{lapse} ")), "{lapse} is there");
    }
    for library in LIBRARIES {
        Program::of("tests/c/conversations.c", library).expect(&input, &output);
    }
}

/// The same messages and violations, however the bytes are cut.
#[test]
fn compressed_streams_are_to_c_what_they_are_to_rust() {
    let streams = inflating::streams();
    let input: Vec<u8> = streams.iter().flat_map(inflating::input).collect();
    let output: String = streams.iter().map(inflating::output).collect();
    for rule in [Rule::InvalidDeflate, Rule::InvalidUtf8, Rule::MessageTooBig, Rule::EofInFrame] {
        assert!(output.contains(&format!("\n{rule} ")), "{rule} is broken by one of them");
    }
    for library in LIBRARIES {
        Program::of("tests/c/inflating.c", library).expect(&input, &output);
    }
}

#[test]
fn the_example_echoes_and_refuses() {
    let echo = Program::of("examples/c/echo.c", Library::Static);
    let client = |frames: &[(u8, &[u8])]| -> Vec<u8> {
        let frame = |(first, plain): &(u8, &[u8])| {
            let header =
                wsvet::Header::from_wire(*first, 0x80 | plain.len() as u8, 0, [1, 2, 3, 4]);
            common::wire(&header, plain)
        };
        frames.iter().flat_map(frame).collect()
    };
    let open = [(0x01, &b"gr\xC3"[..]), (0x89, b"?"), (0x80, b"\xBC\xC3\x9Fe")];
    let closed = client(&[&open[..], &[(0x88, b"\x03\xE9bye"), (0x81, b"late")]].concat());
    let output = echo.run(&closed);
    assert_eq!(output.stdout, b"\x8A\x01?\x81\x07gr\xC3\xBC\xC3\x9Fe\x88\x02\x03\xE9");
    assert_eq!(output.stderr, b"closed with 1001 Going Away: \"bye\"\n");
    assert_eq!(output.status.code(), Some(0));

    let binary = client(&[(0x81, b"hi"), (0x82, b"hi")]);
    let output = echo.run(&binary);
    let reason = Rule::UnsupportedData.text();
    let close = [&b"\x88"[..], &[2 + reason.len() as u8, 0x03, 0xEB], reason.as_bytes()].concat();
    assert_eq!(output.stdout, [b"\x81\x02hi", &close[..]].concat());
    let violation = wsvet::Violation::new(Rule::UnsupportedData, 8);
    let said = violation.to_string().replace('§', "section ") + "\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
    assert_eq!(output.status.code(), Some(1));

    let output = echo.run(&binary[..5]);
    assert_eq!(output.stdout, b"");
    assert!(output.stderr.starts_with(b"eof-in-frame at byte 5: "));
}

/// The Python that is here, if there is one: `WSVET_PYTHON` names another.
#[test]
fn the_python_example_prints_verdicts() {
    let python = std::env::var("WSVET_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if Command::new(&python).arg("--version").output().is_err() {
        eprintln!("left out, there is no {python}");
        return;
    }
    let output = Command::new(python)
        .arg(Path::new(ROOT).join("examples/python/verdict.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("WSVET_LIBRARY", program::shared_library())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = Rule::UnsupportedData.text();
    let expected = format!(
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\
        refused-otherwise: refused with another code: unsupported-data, and the server closed with \
        1000 Normal Closure where 1003 Unsupported Data was due\n\
        the client broke unsupported-data at byte 8: {text}\n\
        unanswered-ping: Ping was not answered, by the server, after 10.0 s\n\
        inflated: Hello\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

/// The file for pkg-config has nothing but these two places to fill.
#[test]
fn pkg_config_finds_the_header_and_the_library() {
    let template = fs::read_to_string(Path::new(ROOT).join("include/wsvet.pc.in")).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pkgconfig");
    fs::create_dir_all(&folder).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let filled = template.replace("@PREFIX@", "/opt/wsvet").replace("@VERSION@", version);
    assert!(!filled.contains('@'));
    fs::write(folder.join("wsvet.pc"), filled).unwrap();
    let said = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        let output = command.env("PKG_CONFIG_PATH", &folder).args(arguments).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    let Some(found) = said(&["--modversion", "wsvet"]) else {
        eprintln!("left out, there is no pkg-config");
        return;
    };
    assert_eq!(found, version);
    let flags = said(&["--cflags", "--libs", "wsvet"]).unwrap();
    assert_eq!(flags, "-I/opt/wsvet/include -L/opt/wsvet/lib -lwsvet");
}

/// The program in the guide is whole, and prints what the guide says.
#[test]
fn the_guide_is_right() {
    let guide = fs::read_to_string(Path::new(ROOT).join("src/guide/c.md")).unwrap();
    let fence = |kind: &str| {
        let (_, rest) = guide.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide.c");
    fs::write(&source, fence("c")).unwrap();
    for library in LIBRARIES {
        Program::of(source.to_str().unwrap(), library).expect(b"", fence("text"));
    }
}
