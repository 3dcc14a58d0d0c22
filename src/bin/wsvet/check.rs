//! `wsvet check`: every input read, told apart and judged.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use wsvet::Role;

use crate::args::{Format, Reading};
use crate::connection::Judging;
use crate::http::Agreement;
use crate::judge::{Judge, Record};
use crate::progress::Progress;
use crate::report::Place;
use crate::{capture, har, hex, lines};

/// What else is to be said of an input that was judged, or why it cannot be.
pub(crate) type Answer = Result<Vec<String>, String>;

/// How many bytes tell a capture, and how long its head is.
const CAPTURE: u64 = 12;

/// How much of another input is read to guess what it is, in bytes.
const GUESS: u64 = 64 << 10;

/// How much of raw input is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Judges all inputs. An error is the report's; what is wrong with an input is said with `complain`.
/// How far it has come is shown, where nothing else is printed meanwhile.
pub(crate) fn run(
    inputs: &[PathBuf],
    reading: &Reading,
    show_progress: bool,
    judging: &mut Judging<'_>,
    complain: &mut dyn FnMut(&str),
) -> io::Result<()> {
    for path in inputs {
        let name =
            if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() };
        judging.report.input(&name)?;
        let answer = input(path, reading, show_progress, judging)?;
        judging.tally.unusable += usize::from(answer.is_err());
        let notices = answer.unwrap_or_else(|error| vec![error]);
        judging.report.end_of_input(&notices)?;
        notices.iter().for_each(|notice| complain(&format!("{name}: {notice}")));
    }
    judging.report.finish(&judging.tally)
}

/// Opens an input and judges it.
fn input(
    path: &Path,
    reading: &Reading,
    show_progress: bool,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    if path == Path::new("-") {
        return judge(Progress::new(io::stdin(), None, show_progress), reading, judging);
    }
    match File::open(path) {
        Ok(file) => {
            let len = file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len());
            judge(Progress::new(file, len, show_progress), reading, judging)
        }
        Err(error) => Ok(Err(reason(&error))),
    }
}

/// Judges what an input holds: what else is to be said of it, or why it cannot be judged.
pub(crate) fn judge(
    mut source: impl Read + Send,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let mut start = Vec::new();
    let mut read = |len, start: &mut Vec<u8>| source.by_ref().take(len).read_to_end(start);
    let mut answer = read(CAPTURE, &mut start);
    if answer.is_ok() {
        // More of a capture that still goes on is not waited for.
        let more = if is_capture(&start) { capture_head(&start) } else { GUESS };
        answer = read(more.saturating_sub(CAPTURE), &mut start);
    }
    if let Err(error) = answer {
        return Ok(Err(reason(&error)));
    }
    if start.is_empty() {
        return Ok(Err(no_traffic("the input is empty")));
    }
    if reading.format.is_none() && is_compressed(&start) {
        return Ok(Err("the file is compressed: unpack it first".to_owned()));
    }
    if reading.format.is_none() && is_utf16(&start) {
        return Ok(Err("the text is UTF-16: write it as UTF-8".to_owned()));
    }
    if reading.format.is_none_or(|format| format != Format::Raw && format != Format::Pcap)
        && start.starts_with(BOM)
    {
        start.drain(..BOM.len());
    }
    let format = reading.format.unwrap_or_else(|| guess(&start));
    let mut input = io::Cursor::new(start).chain(source);
    match format {
        Format::Pcap => {
            let before = judging.tally.connections;
            let summary = capture::judge(input, judging)?;
            if judging.tally.connections == before {
                return Ok(Err(summary
                    .cut
                    .clone()
                    .unwrap_or_else(|| no_traffic(&summary.nothing()))));
            }
            Ok(Ok(summary.notices()))
        }
        Format::Har => har::judge(input, judging),
        Format::Json => lines::judge(BufReader::with_capacity(PIECE, input), judging),
        Format::Hex => {
            let mut text = Vec::new();
            if let Err(error) = input.read_to_end(&mut text) {
                return Ok(Err(reason(&error)));
            }
            match hex::decode(&text) {
                Ok(bytes) if bytes.is_empty() => Ok(Err(no_traffic("the hex text holds no byte"))),
                Ok(bytes) => direction(&bytes[..], reading, judging),
                Err(error) => Ok(Err(error.to_string())),
            }
        }
        Format::Raw => direction(input, reading, judging),
    }
}

/// Judges one direction that an input holds from its first frame on.
fn direction(
    mut input: impl Read,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let receiver = Role::from(reading.receiver);
    let connection = judging.next_connection();
    let place = Place { connection, from: receiver.peer(), stream: None, at: None };
    let deflate = reading.permessage_deflate.map(|parameters| parameters.to_string());
    let agreement = Agreement { extensions: Vec::from_iter(deflate), ..Agreement::default() };
    let mut conversation = judging.limits.conversation(&agreement);
    let content = judging.limits.content(receiver, &agreement);
    let mut judge = Judge::new(receiver.peer(), content, judging.thoroughness);
    let (mut buffer, mut scratch) = (vec![0; PIECE], Vec::new());
    loop {
        let len = match input.read(&mut buffer) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(reason(&error))),
        };
        if len == 0 {
            // Such input is often a part of a stream, so its end is no end of the connection.
            judge.end(&conversation, false, &mut |record| judging.record(&place, &record))?;
            return Ok(Ok(Vec::new()));
        }
        let mut sink = |record: Record<'_>| judging.record(&place, &record);
        judge.feed(&mut conversation, &buffer[..len], &mut scratch, &mut sink)?;
    }
}

/// Whether this is the start of a capture: pcap in both byte orders, in microseconds, nanoseconds and
/// as modified by Kuznetzov; pcapng's section header.
fn is_capture(start: &[u8]) -> bool {
    let magic = start.first_chunk::<4>().copied().map(u32::from_be_bytes);
    matches!(
        magic,
        Some(
            0xA1B2_C3D4
                | 0xD4C3_B2A1
                | 0xA1B2_3C4D
                | 0x4D3C_B2A1
                | 0xA1B2_CD34
                | 0x34CD_B2A1
                | 0x0A0D_0D0A
        )
    )
}

/// How long the head of a capture is, in bytes, which is read at once: pcap's header, or pcapng's
/// first block, whose length is told in the byte order of its magic.
fn capture_head(start: &[u8]) -> u64 {
    let word = |at: usize| start.get(at..)?.first_chunk::<4>().copied();
    match (word(0), word(4), word(8)) {
        (Some([0x0A, ..]), Some(len), Some([0x1A, ..])) => u32::from_be_bytes(len).into(),
        (Some([0x0A, ..]), Some(len), _) => u32::from_le_bytes(len).into(),
        _ => 24,
    }
    .min(GUESS)
}

fn guess(start: &[u8]) -> Format {
    match start {
        _ if is_capture(start) => Format::Pcap,
        _ if lines::looks_like_lines(start) => Format::Json,
        _ if start.trim_ascii_start().starts_with(b"{") => Format::Har,
        // No frame is made of printable characters, so other text is hex with a mistake.
        _ if hex::looks_like_hex(start) || start.iter().all(is_printable) => Format::Hex,
        _ => Format::Raw,
    }
}

/// The mark that some programs write before UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Whether this is the start of a text in UTF-16, by its mark.
fn is_utf16(start: &[u8]) -> bool {
    start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF")
}

/// Whether this is the start of a file of gzip, zstd, xz or bzip2.
fn is_compressed(start: &[u8]) -> bool {
    let magics: [&[u8]; 4] = [b"\x1F\x8B\x08", b"\x28\xB5\x2F\xFD", b"\xFD7zXZ", b"BZh"];
    magics.iter().any(|magic| start.starts_with(magic))
}

fn is_printable(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

pub(crate) fn no_traffic(why: &str) -> String {
    format!("no WebSocket traffic: {why}")
}

pub(crate) fn reason(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
