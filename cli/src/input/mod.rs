//! Opens each input, detects its format, and judges its connections.

pub mod answer;
pub(crate) mod capture;
mod chain;
pub mod format;
mod har;
mod head;
pub mod hex;
mod known;
mod lines;
mod paste;
mod progress;
mod raw;
pub mod reading;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::format::{BOM, GUESS, capture_head, guess, is_capture};
use crate::input::progress::Progress;
use crate::input::reading::{Format, Reading};
use crate::session::judging::Judging;

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

/// Judges an input. Returns the notices about it, or the reason why it cannot be judged.
pub fn judge(
    mut source: impl Read + Send,
    reading: &Reading,
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
    let whole = (start.len() as u64) < GUESS;
    if reading.format.is_none_or(|format| format != Format::Raw && format != Format::Pcap)
        && start.starts_with(BOM)
    {
        start.drain(..BOM.len());
    }
    let guessed = reading.format.is_none();
    let format = match reading.format.map_or_else(|| guess(&start, whole), Ok) {
        Ok(format) => format,
        Err(error) => return Ok(Err(error)),
    };
    if guessed
        && format == Format::Hex
        && !whole
        && let Err(error) = paste::check_start(&start)
    {
        return Ok(Err(error));
    }
    let input = io::Cursor::new(start).chain(source);
    match format {
        Format::Pcap => capture::answer(input, judging),
        Format::Har => har::judge(input, judging),
        Format::Json => lines::judge(BufReader::with_capacity(GUESS as usize, input), judging),
        Format::Hex => paste::judge(input, reading, guessed, judging),
        Format::Raw => raw::judge(input, reading, guessed.then(raw::raw_frames), judging),
    }
}
