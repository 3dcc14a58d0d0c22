//! Reads a HAR file: WebSocket messages that a browser or a proxy recorded.

mod entry;
mod message;
mod time;

use std::io::{self, Read};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::fits::too_large;
use crate::session::frames::Frames;
use crate::session::judging::Judging;
use crate::session::report::Reported;
use crate::transport::packet::Moment;

use entry::opening;
use message::Message;

pub(super) use entry::{Entry, Line, Request, Response};
pub(super) use message::{Told, header_alone};
pub(super) use time::parse as parse_time;

/// The notice about what a HAR file does not contain.
const UNKNOWN: &str = "a HAR file contains whole messages only: no fragments, masking keys, RSV bits, \
                       Ping, Pong or Close frames, and no end of a connection; byte offsets assume \
                       one uncompressed frame for each message";

/// A HAR file. Each entry and each message is parsed alone, so that an invalid one affects no other.
#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Box<RawValue>>,
}

/// Judges every WebSocket connection of a HAR file.
pub(crate) fn judge(input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let most = judging.memory;
    let mut input = io::BufReader::new(input).take(most.saturating_add(1));
    let har: Result<Har, _> = serde_json::from_reader(&mut input);
    if input.limit() == 0 {
        drop(har);
        let instead = "export fewer requests, or remove the bodies";
        let told = too_large("HAR file", input.into_inner(), most, 1, instead);
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let har = match har {
        Ok(har) => har,
        Err(error) => return Ok(Err(format!("invalid HAR file: {error}"))),
    };
    let mut notices = vec![UNKNOWN.to_owned()];
    let before = judging.tally.connections;
    for (index, raw) in har.log.entries.iter().enumerate() {
        let number = index + 1;
        let entry: Entry = match serde_json::from_str(raw.get()) {
            Ok(entry) => entry,
            Err(error) if raw.get().contains("_webSocketMessages") => {
                notices.push(format!("entry {number} skipped: {error}"));
                continue;
            }
            Err(_) => continue,
        };
        if entry.messages.is_some() || entry.is_websocket() {
            let mut tell = |told: String| notices.push(format!("entry {number}, {told}"));
            connection(&entry, &mut tell, judging)?;
        }
    }
    if judging.tally.connections == before {
        let why =
            notices.get(1).map_or("no entry of the HAR file has _webSocketMessages", |why| why);
        return Ok(Err(no_traffic(why)));
    }
    Ok(Ok(notices))
}

/// A row of a recording: its time, if it has one, and what it tells, or why it was skipped.
pub(super) type Row<'a> = (Option<Duration>, Result<Told<'a>, String>);

/// Judges one connection. `tell` receives the notices about it.
fn connection(
    entry: &Entry,
    tell: &mut dyn FnMut(String),
    judging: &mut Judging<'_>,
) -> io::Result<()> {
    let messages: Vec<Result<Message, _>> =
        entry.messages.iter().flatten().map(|raw| serde_json::from_str(raw.get())).collect();
    let rows: Vec<Row<'_>> = messages
        .iter()
        .map(|message| match message {
            Ok(message) => (message.time(), message.told()),
            Err(error) => (None, Err(format!("skipped: {error}"))),
        })
        .collect();
    recorded(entry, rows, tell, judging)
}

/// Judges a connection as a program recorded it. `tell` receives the notices about it.
pub(super) fn recorded(
    entry: &Entry,
    rows: Vec<Row<'_>>,
    tell: &mut dyn FnMut(String),
    judging: &mut Judging<'_>,
) -> io::Result<()> {
    let first = rows.iter().find_map(|(time, _)| *time);
    let start = first.or_else(|| entry.started()).unwrap_or_default();
    let mut frames = Frames::open(opening(entry, start, rows.is_empty(), judging), judging)?;
    let is_frame = |told: &Told<'_>| !matches!(told, Told::Reported(_));
    let has_frames = rows.iter().any(|(_, told)| told.as_ref().is_ok_and(is_frame));
    for found in entry.found(has_frames) {
        frames.handshake(found, judging)?;
    }
    frames.lack();
    frames.lack_frames();
    let mut now = start;
    for (index, (time, told)) in rows.into_iter().enumerate() {
        let number = index as u64 + 1;
        // A message without a time has that of the message before it.
        now = time.unwrap_or(now);
        let at = Moment { packet: number, time: now };
        match told {
            Ok(Told::Frame(from, header, payload)) => {
                frames.frame(from, &header, &payload, at, judging)?;
            }
            Ok(Told::Wire(from, bytes)) => frames.feed(from, &bytes, at, judging)?,
            Ok(Told::Header(from, header)) => {
                frames.frame(from, &header, &[], at, judging)?;
                frames.skip(from, header.payload_len(), at, judging)?;
            }
            Ok(Told::Reported(reported)) => frames.report(reported),
            Err(error) => tell(format!("message {number}: {error}")),
        }
    }
    for reported in entry.reported() {
        frames.report(reported);
    }
    if entry.lacks_messages() {
        let text = "the file has no messages of this connection, so that none could be judged: Firefox and \
                    Safari export none; export it from Chromium, or capture the packets";
        frames.report(Reported { text: text.to_owned(), code: None, failed: false });
    }
    frames.finish([None; 2], None, judging)
}
