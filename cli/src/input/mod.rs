//! Opens each input, detects its format, and judges its connections.

pub mod answer;
pub(crate) mod capture;
mod chain;
mod compressed;
pub(crate) mod connections;
mod export;
mod fits;
mod follow;
pub mod format;
mod har;
mod head;
pub mod hex;
mod interfaces;
pub(crate) mod interrupt;
mod keys;
mod known;
mod lines;
mod mitmproxy;
mod netlog;
mod paste;
mod progress;
mod raw;
pub mod reading;
mod redelivered;
mod retold;
pub(crate) mod rotation;
mod saz;
mod source;
mod tshark;

use std::cell::RefCell;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::compressed::{Compression, Fault};
use crate::input::format::{BOM, GUESS, capture_head, guess, is_capture};
use crate::input::progress::Progress;
use crate::input::reading::{Format, Reading};
use crate::input::rotation::Rotation;
use crate::input::source::{Once, Source, Told};
use crate::session::judging::Judging;
use crate::session::unjudged::Strays;

/// The number of bytes that identify a capture and tell the length of its header.
const CAPTURE: u64 = 12;

/// The most times that an input may be compressed.
const MOST_COMPRESSED: u32 = 4;

/// Judges all inputs. An error comes from the report; `complain` receives the errors and notices of
/// the inputs. `show_progress` allows a progress bar. With `follow`, the last input is read as it
/// grows, if it is a regular file.
pub fn judge_all(
    inputs: &[PathBuf],
    reading: &Reading,
    show_progress: bool,
    follow: bool,
    judging: &mut Judging<'_>,
    complain: &mut dyn FnMut(&str),
) -> io::Result<()> {
    judging.memory = reading.max_memory;
    judging.ports.clone_from(&reading.port);
    let (keys, errors) = keys::open(&reading.tls_keylog, follow);
    judging.keys = Rc::new(RefCell::new(keys));
    judging.tally.unusable += errors.len();
    errors.iter().for_each(|error| complain(error));
    let mut once = Once::default();
    let mut rotation = Rotation::default();
    for (index, path) in inputs.iter().enumerate() {
        if interrupt::is_stopped() {
            complain(&format!("inputs that were not read: {}", inputs.len() - index));
            break;
        }
        rotation.next = inputs.get(index + 1).map(PathBuf::as_path);
        let name =
            if path == Path::new("-") { "standard input".into() } else { path.to_string_lossy() };
        judging.report.input(&name)?;
        judging.strays = Strays::default();
        let told = Told::default();
        let growth = Some(&told).filter(|_| follow && index + 1 == inputs.len());
        let answer = match Source::open(path, growth, &mut once) {
            Ok(source) => {
                let len = source.len();
                let input = Progress::new(source, len, show_progress && !follow);
                judge_next(Box::new(input), reading, &mut rotation, 0, judging)?
            }
            Err(error) => Err(error),
        };
        judging.tally.unusable += usize::from(answer.is_err());
        let mut notices = answer.unwrap_or_else(|error| vec![error]);
        notices.extend(told.get().map(|why| (*why).to_owned()));
        notices.extend(judging.keys.borrow_mut().notices());
        if interrupt::signal().is_some() && !follow {
            notices.push("interrupted: the rest of the input was not read".to_owned());
        }
        judging.report.end_of_input(&notices)?;
        notices.iter().for_each(|notice| complain(&format!("{name}: {notice}")));
    }
    judging.report.finish(&judging.tally)
}

/// Judges an input. Returns the notices about it, or the reason why it cannot be judged.
pub fn judge(
    source: impl Read + Send,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    judge_next(Box::new(source), reading, &mut Rotation::default(), 0, judging)
}

/// Judges an input after others. It is what was decompressed as often as `layers` says.
fn judge_next(
    mut source: Box<dyn Read + Send + '_>,
    reading: &Reading,
    rotation: &mut Rotation<'_>,
    layers: u32,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    // Whether the start is the whole input.
    let mut whole = true;
    let start = &mut Vec::new();
    let answer = source.by_ref().take(CAPTURE).read_to_end(start).and_then(|_| {
        // Reading more could wait for packets of a capture that still grows, or for the next line.
        let more = match is_capture(start) {
            _ if Compression::of(start).is_some() => 0,
            true => capture_head(start),
            false if reading.format.is_some() => 0,
            false => GUESS,
        };
        let mut piece = [0; 4096];
        whole = false;
        while (start.len() as u64) < more && !lines::has_first_line(start) {
            let room = (more as usize - start.len()).min(piece.len());
            match source.read(&mut piece[..room]) {
                Ok(0) => {
                    whole = true;
                    break;
                }
                Ok(len) => start.extend_from_slice(&piece[..len]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
    let mut start = std::mem::take(start);
    if let Err(error) = answer {
        return Ok(Err(reason(&error)));
    }
    if start.is_empty() {
        return Ok(Err(no_traffic("the input is empty")));
    }
    if let Some(compression) =
        Compression::of(&start).filter(|_| reading.format != Some(Format::Raw))
    {
        if layers == MOST_COMPRESSED {
            return Ok(Err(format!("the input is compressed more than {layers} times")));
        }
        let fault = Fault::default();
        let content = compression.read(io::Cursor::new(start).chain(source), &fault);
        let answer = judge_next(content, reading, rotation, layers + 1, judging)?;
        return Ok(match (answer, fault.get()) {
            (Ok(mut notices), Some(fault)) => {
                notices.insert(0, fault.clone());
                Ok(notices)
            }
            (Err(error), Some(fault)) => Err(format!("{fault}; {error}")),
            (answer, None) => answer,
        });
    }
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
        && let Err(error) = paste::check_start(&start, judging.memory)
    {
        return Ok(Err(error));
    }
    let input = io::Cursor::new(start).chain(source);
    match format {
        Format::Pcap => capture::answer(input, rotation, judging),
        Format::Har => har::judge(input, judging),
        Format::Mitmproxy => mitmproxy::judge(input, judging),
        Format::Saz => saz::judge(input, judging),
        Format::Netlog => netlog::judge(input, judging),
        Format::Tshark => tshark::judge(input, judging),
        Format::Follow => follow::judge(input, judging),
        Format::Json => {
            let input = BufReader::with_capacity(GUESS as usize, input);
            lines::judge(input, judging.memory, judging)
        }
        Format::Hex => paste::judge(input, reading, guessed, judging),
        Format::Raw => raw::judge(input, reading, guessed.then(raw::raw_frames), judging),
    }
}
