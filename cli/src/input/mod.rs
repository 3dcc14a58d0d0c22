//! Opens each input, detects its format, and judges its connections.

pub mod answer;
pub(crate) mod capture;
mod connections;
pub mod format;
mod har;
pub mod hex;
mod interfaces;
mod lines;
mod progress;
mod raw;
pub mod reading;
pub(crate) mod rotation;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::format::{BOM, GUESS, capture_head, guess, is_capture, is_compressed, is_utf16};
use crate::input::progress::Progress;
use crate::input::reading::{Format, Reading};
use crate::input::rotation::Rotation;
use crate::session::judging::Judging;
use crate::session::unjudged::Strays;

/// The number of bytes that identify a capture and tell the length of its header.
const CAPTURE: u64 = 12;

/// Judges all inputs. An error comes from the report; `complain` receives the errors and notices of
/// the inputs. `show_progress` allows a progress bar.
pub fn judge_all(
    inputs: &[PathBuf],
    reading: &Reading,
    show_progress: bool,
    judging: &mut Judging<'_>,
    complain: &mut dyn FnMut(&str),
) -> io::Result<()> {
    judging.memory = reading.max_memory;
    judging.ports.clone_from(&reading.port);
    let mut rotation = Rotation::default();
    for (index, path) in inputs.iter().enumerate() {
        rotation.next = inputs.get(index + 1).map(PathBuf::as_path);
        let name =
            if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() };
        judging.report.input(&name)?;
        judging.strays = Strays::default();
        let answer = input(path, reading, show_progress, &mut rotation, judging)?;
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
    rotation: &mut Rotation<'_>,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    if path == Path::new("-") {
        let input = Progress::new(io::stdin(), None, show_progress);
        return judge_next(input, reading, rotation, judging);
    }
    match File::open(path) {
        Ok(file) => {
            let len = file.metadata().ok().filter(|data| data.is_file()).map(|data| data.len());
            judge_next(Progress::new(file, len, show_progress), reading, rotation, judging)
        }
        Err(error) => Ok(Err(reason(&error))),
    }
}

/// Judges an input. Returns the notices about it, or the reason why it cannot be judged.
pub fn judge(
    source: impl Read + Send,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    judge_next(source, reading, &mut Rotation::default(), judging)
}

/// Judges an input after others.
fn judge_next(
    mut source: impl Read + Send,
    reading: &Reading,
    rotation: &mut Rotation<'_>,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let mut start = Vec::new();
    let mut read = |len, start: &mut Vec<u8>| source.by_ref().take(len).read_to_end(start);
    let mut answer = read(CAPTURE, &mut start);
    if answer.is_ok() {
        // Reading more could wait for packets of a capture that still grows.
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
        return Ok(Err("the input is compressed: decompress it first".to_owned()));
    }
    if reading.format.is_none() && is_utf16(&start) {
        return Ok(Err("the input is UTF-16 text: convert it to UTF-8 first".to_owned()));
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
            let summary = capture::judge(input, rotation, judging)?;
            if judging.tally.connections == before && !summary.is_part {
                return Ok(Err(summary
                    .cut
                    .clone()
                    .unwrap_or_else(|| no_traffic(&summary.nothing()))));
            }
            Ok(Ok(summary.notices()))
        }
        Format::Har => har::judge(input, judging),
        Format::Json => lines::judge(BufReader::with_capacity(GUESS as usize, input), judging),
        Format::Hex => {
            let mut text = Vec::new();
            if let Err(error) = input.read_to_end(&mut text) {
                return Ok(Err(reason(&error)));
            }
            match hex::decode(&text) {
                Ok(bytes) if bytes.is_empty() => Ok(Err(no_traffic("the hex text has no bytes"))),
                Ok(bytes) => raw::judge(&bytes[..], reading, judging),
                Err(error) => Ok(Err(error.to_string())),
            }
        }
        Format::Raw => raw::judge(input, reading, judging),
    }
}
