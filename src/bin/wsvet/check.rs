//! `wsvet check`: every input read, told apart and judged.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wsvet::Role;

use crate::args::{Check, Format};
use crate::connection::{Bench, Tally};
use crate::judge::{Judge, Thoroughness};
use crate::report::{Place, Report};
use crate::{capture, hex};

/// How much of an input is read to guess what it is, in bytes.
const GUESS: u64 = 64 << 10;

/// How much of raw input is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Judges all inputs. An error is the report's; what is wrong with an input is said with `complain`.
pub(crate) fn run(
    args: &Check,
    report: &mut dyn Report,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Tally> {
    let thoroughness = Thoroughness { keep_going: args.keep_going, payload: args.payload };
    let limits = args.limits;
    let mut bench = Bench { limits, thoroughness, report, tally: Tally::default() };
    for path in &args.inputs {
        let name =
            if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() };
        bench.report.input(&name)?;
        match input(path, args, &mut bench)? {
            Ok(notices) => notices.iter().for_each(|notice| complain(&format!("{name}: {notice}"))),
            Err(error) => {
                complain(&format!("{name}: {error}"));
                bench.tally.unusable += 1;
            }
        }
    }
    bench.report.finish(&bench.tally)?;
    Ok(bench.tally)
}

/// Judges one input: what else is to be said of it, or why it cannot be judged.
fn input(
    path: &Path,
    args: &Check,
    bench: &mut Bench<'_>,
) -> io::Result<Result<Vec<String>, String>> {
    let mut source: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => return Ok(Err(reason(&error))),
        }
    };
    let mut start = Vec::new();
    if let Err(error) = source.by_ref().take(GUESS).read_to_end(&mut start) {
        return Ok(Err(reason(&error)));
    }
    if start.is_empty() {
        return Ok(Err("no WebSocket traffic: the input is empty".to_owned()));
    }
    if args.format.is_none() && is_compressed(&start) {
        return Ok(Err("the file is compressed: unpack it first".to_owned()));
    }
    let format = args.format.unwrap_or_else(|| guess(&start));
    let mut input = io::Cursor::new(start).chain(source);
    match format {
        Format::Pcap => {
            let before = bench.tally.connections;
            let summary = capture::judge(input, bench)?;
            if bench.tally.connections == before {
                return Ok(Err(summary.cut.clone().unwrap_or_else(|| summary.nothing())));
            }
            Ok(Ok(summary.notices()))
        }
        Format::Hex => {
            let mut text = Vec::new();
            if let Err(error) = input.read_to_end(&mut text) {
                return Ok(Err(reason(&error)));
            }
            match hex::decode(&text) {
                Ok(bytes) if bytes.is_empty() => {
                    Ok(Err("no WebSocket traffic: the hex text holds no byte".to_owned()))
                }
                Ok(bytes) => direction(&bytes[..], args, bench),
                Err(error) => Ok(Err(error.to_string())),
            }
        }
        Format::Raw => direction(input, args, bench),
    }
}

/// Judges one direction that an input holds from its first frame on.
fn direction(
    mut input: impl Read,
    args: &Check,
    bench: &mut Bench<'_>,
) -> io::Result<Result<Vec<String>, String>> {
    let receiver = Role::from(args.receiver);
    let connection = bench.next_connection();
    let place = Place { connection, from: receiver.peer(), stream: None, packet: None };
    let policy = bench.limits.policy(receiver, args.permessage_deflate);
    let mut judge = Judge::new(connection, policy, bench.thoroughness);
    let mut buffer = vec![0; PIECE];
    loop {
        let len = match input.read(&mut buffer) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(reason(&error))),
        };
        if len == 0 {
            // Such input is often a part of a stream, so its end is no end of the connection.
            judge.end(false, &mut |record| bench.record(&place, &record))?;
            return Ok(Ok(Vec::new()));
        }
        judge.feed(&buffer[..len], &mut |record| bench.record(&place, &record))?;
    }
}

fn guess(start: &[u8]) -> Format {
    let magic = start.first_chunk::<4>().copied().map(u32::from_be_bytes);
    match magic {
        // pcap in both byte orders, in microseconds, nanoseconds and as modified by Kuznetzov;
        // pcapng's section header.
        Some(
            0xA1B2_C3D4 | 0xD4C3_B2A1 | 0xA1B2_3C4D | 0x4D3C_B2A1 | 0xA1B2_CD34 | 0x34CD_B2A1
            | 0x0A0D_0D0A,
        ) => Format::Pcap,
        // No frame is made of printable characters, so other text is hex with a mistake.
        _ if hex::looks_like_hex(start) || start.iter().all(is_printable) => Format::Hex,
        _ => Format::Raw,
    }
}

/// Whether this is the start of a file of gzip, zstd, xz or bzip2.
fn is_compressed(start: &[u8]) -> bool {
    let magics: [&[u8]; 4] = [b"\x1F\x8B\x08", b"\x28\xB5\x2F\xFD", b"\xFD7zXZ", b"BZh"];
    magics.iter().any(|magic| start.starts_with(magic))
}

fn is_printable(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

fn reason(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
