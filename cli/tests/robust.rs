//! What the tool does if its inputs, its outputs or its time are not as it wishes.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::{feed, run};

const CAPTURE: &str = "tests/captures/node-plain.pcap";
const BROKEN: &str = "tests/captures/bad-utf8-fragmented.pcapng";

/// An empty folder of a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("robust").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a script, in which `$W` is the tool.
fn shell(script: &str) -> Output {
    Command::new("bash")
        .args(["-c", script])
        .env("W", env!("CARGO_BIN_EXE_wsvet"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Starts the tool with pipes.
fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wsvet"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads lines until one has this text.
fn until(output: &mut impl BufRead, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "no line has {part}");
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

fn ended_by(output: &Output) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&output.status)
}

#[test]
fn a_page_is_written_to_anything_that_takes_it() {
    let page = run(&["check", "--html", "/dev/stdout", "--summary", CAPTURE], b"");
    let page = text(&page.stdout);
    let (_, page) = page.split_at(page.find("<!DOCTYPE html>").unwrap());
    assert!(page.ends_with("</html>"));
    let length = |output: Output| text(&output.stdout).trim().parse::<usize>().unwrap();
    let folder = folder("anything");
    let dir = folder.display();
    let check = format!("$W check {CAPTURE} --html");
    assert_eq!(length(shell(&format!("{check} >(wc -c) >/dev/null | cat"))), page.len());
    let fifo =
        format!("mkfifo {dir}/fifo; wc -c <{dir}/fifo & {check} {dir}/fifo >/dev/null; wait");
    assert_eq!(length(shell(&fifo)), page.len());
    let redirected =
        format!("{check} /dev/stdout --json >{dir}/out && tail -c {} {dir}/out", page.len());
    assert_eq!(text(&shell(&redirected).stdout), page);
    let descriptor = format!("{check} /dev/fd/3 3>{dir}/three >/dev/null && cat {dir}/three");
    assert_eq!(text(&shell(&descriptor).stdout), page);
    assert!(shell(&format!("{check} /dev/null")).status.success());
    let full = shell(&format!("{check} /dev/full"));
    assert_eq!(full.status.code(), Some(2));
    assert!(text(&full.stderr).contains("/dev/full: cannot write the page: "));
    assert_eq!(names(&folder), ["fifo", "out", "three"]);
}

#[test]
fn an_older_page_survives_a_run_that_fails() {
    let folder = folder("survives");
    let page = folder.join("page.html");
    let name = page.to_str().unwrap();
    let older = "<!DOCTYPE html>older";
    fs::write(&page, older).unwrap();
    let kept = |why: &str, output: Output| {
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
        assert_eq!(fs::read_to_string(&page).unwrap(), older);
        assert_eq!(names(&folder), ["page.html"]);
        output
    };
    let none = kept("older page was kept", run(&["check", "--html", name, "no/such/file"], b""));
    assert_eq!(none.status.code(), Some(2));
    let full = shell(&format!("$W check {CAPTURE} --html {name} >/dev/full"));
    assert_eq!(kept("cannot write the output", full).status.code(), Some(2));

    let mut child = start(&["check", "--json", "--html", name, "-"]);
    child.stdin.as_mut().unwrap().write_all(b"{\"event\":\"connection\"}\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "-INT");
    let stdin = child.stdin.take();
    let interrupted = kept("the page was not written", child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(ended_by(&interrupted), Some(2));

    // What is no page is kept in any case, and a page is replaced by the next run.
    assert!(run(&["check", "--html", name, CAPTURE], b"").status.success());
    assert!(fs::read_to_string(&page).unwrap().ends_with("</html>"));
    assert_eq!(names(&folder), ["page.html"]);
    fs::write(&page, "text").unwrap();
    let other = run(&["check", "--html", name, CAPTURE], b"");
    assert!(text(&other.stderr).contains("is not an HTML page"));
    assert_eq!(fs::read_to_string(&page).unwrap(), "text");
}

#[test]
fn links_and_permissions_of_a_page_stay() {
    let folder = folder("links");
    let (page, link, dangling) =
        (folder.join("page.html"), folder.join("link.html"), folder.join("dangling.html"));
    fs::write(&page, "").unwrap();
    fs::set_permissions(&page, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("page.html", &link).unwrap();
    symlink("new.html", &dangling).unwrap();
    for name in [&link, &dangling] {
        let output = run(&["check", "--html", name.to_str().unwrap(), CAPTURE], b"");
        assert!(output.status.success(), "{output:?}");
        assert!(fs::symlink_metadata(name).unwrap().is_symlink());
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&page), 0o640);
    assert!(fs::metadata(&page).unwrap().len() > 0);
    let plain = folder.join("plain");
    File::create(&plain).unwrap();
    assert_eq!(mode(&folder.join("new.html")), mode(&plain));
    assert_eq!(names(&folder), ["dangling.html", "link.html", "new.html", "page.html", "plain"]);
}

#[test]
fn a_closed_output_changes_neither_the_status_nor_the_page() {
    let folder = folder("closed");
    let page = folder.join("page.html");
    let name = page.to_str().unwrap();
    for mode in ["", "--json", "--summary"] {
        for (input, status) in [(CAPTURE, 0), (BROKEN, 1), ("no/such/file", 2)] {
            let _ = fs::remove_file(&page);
            let script = format!(
                "exec 3> >(exit 0); wait $!; $W check --payload {mode} --html {name} {input} >&3"
            );
            let output = shell(&script);
            assert_eq!(output.status.code(), Some(status), "{mode} {input}");
            assert_eq!(text(&output.stderr).is_empty(), status != 2, "{}", text(&output.stderr));
            assert!(fs::read_to_string(&page).unwrap().ends_with("</html>"));
        }
    }
    for command in ["demo", "rules", "codes", "help check", "explain 1003", "bench --repetitions 1"]
    {
        let output = shell(&format!("exec 3> >(exit 0); wait $!; $W {command} >&3"));
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new()),
            "{command}"
        );
        let closed = shell(&format!("$W {command} >&- 2>&-"));
        assert_eq!(closed.status.code(), Some(0), "{command}");
    }
    for command in ["demo", "rules", "explain 1003", "bench --repetitions 1 --json"] {
        let output = shell(&format!("$W {command} >/dev/full"));
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("cannot write the output"), "{command}");
    }
}

#[test]
fn a_signal_ends_the_inputs_and_not_the_output() {
    let capture = fs::read(CAPTURE).unwrap();
    for (args, last) in [
        (&["check", "--follow", "-"][..], "nothing is broken"),
        (&["check", "-"], "nothing is broken"),
        (&["check", "--follow", "--json", "-"], "\"event\":\"verdict\""),
        (&["check", "--follow", CAPTURE], "nothing is broken"),
        (&["check", "--follow", "--json", CAPTURE], "\"event\":\"verdict\""),
    ] {
        for (name, number) in [("-INT", 2), ("-TERM", 15)] {
            let mut child = start(args);
            let mut stdin = child.stdin.take().unwrap();
            if args.contains(&"-") {
                stdin.write_all(&capture).unwrap();
            }
            let mut output = BufReader::new(child.stdout.take().unwrap());
            if args.contains(&"--follow") {
                until(&mut output, "close");
            } else {
                std::thread::sleep(Duration::from_millis(500));
            }
            signal(&child, name);
            let mut rest = String::new();
            output.read_to_string(&mut rest).unwrap();
            let ended = child.wait_with_output().unwrap();
            assert!(rest.contains(last), "{args:?}: {rest}");
            assert_eq!(ended_by(&ended), Some(number), "{args:?}");
        }
    }
}

#[test]
fn a_file_that_grows_is_followed() {
    let folder = folder("grows");
    let path = folder.join("log.jsonl");
    let frame = |text: &str| {
        format!("{{\"event\":\"frame\",\"from\":\"server\",\"opcode\":1,\"text\":\"{text}\"}}\n")
    };
    for end in ["truncated", "removed or replaced", "signal"] {
        fs::write(&path, frame("one")).unwrap();
        let mut child = start(&["check", "--follow", path.to_str().unwrap()]);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        until(&mut output, "one");
        let mut file = File::options().append(true).open(&path).unwrap();
        let (half, rest) = (&frame("two")[..20], &frame("two")[20..]);
        file.write_all(half.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        file.write_all(rest.as_bytes()).unwrap();
        until(&mut output, "two");
        match end {
            "truncated" => file.set_len(3).unwrap(),
            "signal" => signal(&child, "-INT"),
            _ => {
                fs::write(folder.join("new"), frame("three")).unwrap();
                fs::rename(folder.join("new"), &path).unwrap();
            }
        }
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(rest.contains("2 complete frames"), "{end}: {rest}");
        if end == "signal" {
            assert_eq!((ended_by(&ended), text(&ended.stderr)), (Some(2), String::new()));
        } else {
            assert_eq!(ended.status.code(), Some(0), "{end}");
            assert!(text(&ended.stderr).contains(end), "{}", text(&ended.stderr));
        }
    }
}

/// Also if all was written before the reader leaves.
#[test]
fn following_ends_with_the_reader_of_the_output() {
    for input in [CAPTURE, "-"] {
        for is_read in [false, true] {
            let mut child = start(&["check", "--follow", input]);
            let mut stdin = child.stdin.take().unwrap();
            if input == "-" {
                stdin.write_all(&fs::read(CAPTURE).unwrap()).unwrap();
            }
            let mut output = BufReader::new(child.stdout.take().unwrap());
            if is_read {
                until(&mut output, "close");
            }
            drop(output);
            assert_eq!(child.wait().unwrap().code(), Some(0), "{input} {is_read}");
        }
    }
}

#[test]
fn a_bad_folder_for_temporary_files_is_named_if_one_is_needed() {
    let line = "{\"event\":\"frame\",\"from\":\"server\",\"opcode\":1,\"text\":\"x\"}\n";
    let connections = |count: usize| -> String {
        let opened =
            |number| format!("{{\"event\":\"connection\",\"connection\":{number}}}\n{line}");
        (0..count).map(opened).collect()
    };
    let run = |log: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wsvet"));
        command.args(["check"]).args(args).arg("-").env("TMPDIR", "/no/such/folder");
        feed(&mut command, log.as_bytes())
    };
    let many = line.repeat(70_000);
    let held = run(&many, &[]);
    assert_eq!(held.status.code(), Some(2));
    let error = text(&held.stderr);
    assert!(error.contains("temporary file in /no/such/folder"), "{error}");
    assert!(error.contains("set TMPDIR"), "{error}");
    let page = folder("tmpdir").join("page.html");
    for args in
        [&["--json"][..], &["--follow"], &["--summary"], &["--html", page.to_str().unwrap()]]
    {
        let log = if args[0] == "--html" { connections(3) } else { many.clone() };
        assert_eq!(run(&log, args).status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn what_is_no_file_is_refused_or_read_once() {
    let folder = folder("inputs");
    let dir = folder.display();
    let status = |script: &str, code: i32, part: &str| {
        let output = shell(script);
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(code) && error.contains(part), "{script}: {error}");
    };
    status("$W check .", 2, "this is a folder");
    status("$W bench .", 2, "this is a folder");
    status("$W check /dev/zero", 2, "this is a device");
    status("$W check - </dev/zero", 2, "this is a device");
    status("$W check --format json /dev/zero", 2, "this is a device");
    status("$W check /dev/null", 2, "the input is empty");
    status(&format!("cat {CAPTURE} | $W check - -"), 2, "was read already");
    status(&format!("cat {CAPTURE} | $W check - /dev/stdin"), 2, "was read already");
    let fifo = format!("mkfifo {dir}/f; (sleep 0.2; cat {CAPTURE}) >{dir}/f & $W check {dir}/f");
    status(&fifo, 0, "");
    status(&format!("cat {CAPTURE} >{dir}/f & $W check {dir}/f {dir}/f"), 2, "was read already");
    status(&format!("$W check {CAPTURE} {CAPTURE}"), 0, "");
    status(&format!("cp {CAPTURE} {dir}/$'\\xff'.pcap; $W check {dir}/$'\\xff'.pcap"), 0, "");
    let locked = |file: &str| {
        let path = format!("{dir}/locked{file}");
        format!("mkdir -m 000 {dir}/locked; $W check {path}; s=$?; rmdir {dir}/locked; exit $s")
    };
    status(&locked(""), 2, "inputs/locked: ");
    status(&locked("/a.pcap"), 2, "inputs/locked/a.pcap: ");
    let waiting = format!("$W check {dir}/f & sleep 0.5; kill -INT $!; wait $!");
    status(&waiting, 130, "interrupted");
}

#[test]
fn a_line_that_does_not_fit_is_refused_with_its_length() {
    let start = b"{\"event\":\"frame\",\"from\":\"server\",\"opcode\":1,\"text\":\"";
    let line = [&start[..], &vec![b'x'; 70 << 20], b"\"}\n"].concat();
    let good = b"{\"event\":\"frame\",\"from\":\"server\",\"opcode\":1,\"text\":\"x\"}\n";
    let output = run(&["check", "-"], &[&good[..], &line].concat());
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains(&format!("line 2: the line has {} bytes", line.len() - 1)), "{error}");
    assert!(error.contains("--max-memory"), "{error}");
}

#[test]
fn hex_text_and_har_files_fit_or_are_refused_with_their_size() {
    let digits = b"82 00\n".repeat(20_000);
    let har = [&b"{\"log\":{\"entries\":[]}}"[..], &vec![b' '; 200_000]].concat();
    for (input, most, share) in [(&digits, 32 << 10, "half of "), (&har, 64 << 10, "")] {
        let output = run(&["check", "--max-memory", "64KiB", "-"], input);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        let size = format!("has {} bytes, and at most {most} fit into {share}--max", input.len());
        assert!(error.contains(&size) && error.contains("--max-memory 262144"), "{error}");
    }
    let output = run(&["check", "--max-memory", "256KiB", "--receiver", "client", "-"], &digits);
    assert_eq!(output.status.code(), Some(0));
}

/// Many connections that never end leave no more open than memory allows, and lines that come after
/// that are told.
#[test]
fn lines_of_connections_that_were_left_are_told() {
    let line = |number: usize| {
        format!(
            "{{\"event\":\"frame\",\"connection\":{number},\"from\":\"server\",\"opcode\":2}}\n"
        )
    };
    let many: String = (0..18_000).map(line).collect();
    let args = ["check", "--json", "-"];
    let all = run(&args, many.as_bytes());
    assert_eq!((all.status.code(), text(&all.stderr)), (Some(0), String::new()));
    assert_eq!(text(&all.stdout).matches("\"event\":\"verdict\"").count(), 18_000);
    let late = run(&args, [&many[..], &line(1), &line(1), &line(2)].concat().as_bytes());
    assert!(text(&late.stdout).starts_with(&text(&all.stdout)));
    assert!(text(&late.stderr).contains("lines that were not judged: 3 of 2 connections"));
    let strict = [&many[..], &line(1)].concat();
    assert_eq!(run(&["check", "--strict", "-"], strict.as_bytes()).status.code(), Some(2));
}
