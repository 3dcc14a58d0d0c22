//! Reads the session archives of Fiddler (SAZ): the frames of each WebSocket connection.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use flate2::read::DeflateDecoder;
use httparse::{EMPTY_HEADER, Status};
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use serde_json::Value;
use wsvet::{Header, Role};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::fits::too_large;
use crate::input::har::{Entry, Line, Request, Response, Row, Told, parse_time, recorded};
use crate::session::judging::Judging;

/// The notice about what an archive does not contain.
const UNKNOWN: &str = "a Fiddler archive contains the frames as the proxy passed them on, and no end of a \
                       connection";

/// The part of the memory that the archive, and each of its files, may take.
const PART: u64 = 4;

/// The most header lines of a request or a response.
const MAX_HEADERS: usize = 256;

/// Returns whether this may be the start of an archive: a zip archive with the folder `raw/`.
pub(super) fn looks_like_archive(start: &[u8]) -> bool {
    let has = |name: &[u8]| start.windows(name.len()).any(|part| part == name);
    let parts: [&[u8]; 4] = [b"_c.txt", b"_s.txt", b"_m.xml", b"_w.txt"];
    start.starts_with(b"PK\x03\x04") && has(b"raw/") && parts.into_iter().any(has)
}

/// Judges every WebSocket connection of an archive.
pub(super) fn judge(mut input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let most = judging.memory / PART;
    let mut bytes = Vec::new();
    if let Err(error) = input.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes) {
        return Ok(Err(reason(&error)));
    }
    if bytes.len() as u64 > most {
        drop(bytes);
        let told = too_large("archive", input, most, PART, "save fewer sessions");
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let archive = match Archive::new(&bytes) {
        Ok(archive) => archive,
        Err(error) => return Ok(Err(format!("invalid zip archive: {error}"))),
    };
    let mut notices = vec![UNKNOWN.to_owned()];
    let before = judging.tally.connections;
    for session in archive.sessions() {
        let mut tell = |told: String| notices.push(format!("session {session}, {told}"));
        let part = |kind: &str| archive.part(&format!("{session}_{kind}.txt"), most);
        let parts = [part("c"), part("s"), part("w")];
        let [request, response, frames] = match parts.into_iter().collect::<Result<Vec<_>, _>>() {
            Ok(parts) => <[_; 3]>::try_from(parts).unwrap_or_default(),
            Err(error) => {
                tell(format!("skipped: {error}"));
                continue;
            }
        };
        let entry = entry(&request, &response, !frames.is_empty());
        if !frames.is_empty() || entry.is_websocket() {
            recorded(&entry, rows(&frames), &mut tell, judging)?;
        }
    }
    if judging.tally.connections == before {
        let none = "no session of the archive has WebSocket messages";
        return Ok(Err(no_traffic(notices.get(1).map_or(none, |why| why))));
    }
    Ok(Ok(notices))
}

/// A zip archive and where its files lie.
struct Archive<'a> {
    bytes: ZipSliceArchive<&'a [u8]>,
    files: BTreeMap<String, File>,
}

/// How a file of an archive is read.
struct File {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
}

impl<'a> Archive<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, rawzip::Error> {
        let bytes = ZipArchive::from_slice(bytes)?;
        let mut files = BTreeMap::new();
        let mut entries = bytes.entries();
        while let Some(entry) = entries.next_entry()? {
            let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
            let file = File {
                place: entry.wayfinder(),
                method: entry.compression_method(),
                is_encrypted: entry.flags().is_encrypted(),
            };
            files.insert(name, file);
        }
        Ok(Self { bytes, files })
    }

    /// Returns the names of the sessions with their folder, in order.
    fn sessions(&self) -> Vec<String> {
        let names = self.files.keys();
        let name = |name: &'_ String| {
            name.strip_suffix("_c.txt").or_else(|| name.strip_suffix("_w.txt")).map(str::to_owned)
        };
        let mut names: Vec<_> = names.filter_map(name).collect();
        let number = |name: &str| name.rsplit('/').next().and_then(|name| name.parse::<u64>().ok());
        names.sort_by(|one, other| (number(one), one).cmp(&(number(other), other)));
        names.dedup();
        names
    }

    /// Returns the content of a file, or nothing if there is no such file.
    fn part(&self, name: &str, most: u64) -> Result<Vec<u8>, String> {
        let Some(file) = self.files.get(name) else { return Ok(Vec::new()) };
        if file.is_encrypted {
            return Err("the archive is encrypted: save it without a password".to_owned());
        }
        let damaged = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        let entry = self.bytes.get_entry(file.place).map_err(|error| damaged(&error))?;
        let mut content = Vec::new();
        let read = match file.method {
            CompressionMethod::STORE => {
                read(entry.verifying_reader(entry.data()), most, &mut content)
            }
            CompressionMethod::DEFLATE => {
                let inflated = DeflateDecoder::new(entry.data());
                read(entry.verifying_reader(inflated), most, &mut content)
            }
            _ => return Err(damaged(&"compressed otherwise than with DEFLATE: save it again")),
        };
        read.map_err(|error| damaged(&error))?;
        if content.len() as u64 > most {
            return Err(format!(
                "{name} has more than {most} bytes, which do not fit into a quarter of --max-memory"
            ));
        }
        Ok(content)
    }
}

/// Reads at most one byte more than `most`.
fn read(file: impl Read, most: u64, content: &mut Vec<u8>) -> io::Result<usize> {
    file.take(most.saturating_add(1)).read_to_end(content)
}

/// Returns the request and the response of a session.
fn entry(request: &[u8], response: &[u8], has_frames: bool) -> Entry {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let asked = matches!(parsed.parse(request), Ok(Status::Complete(_))).then(|| {
        let headers = lines(parsed.headers);
        let target = parsed.path.unwrap_or_default();
        let host = headers
            .iter()
            .find(|line| line.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("host")));
        let host = host.and_then(|host| host.value.as_deref()).unwrap_or_default();
        let url = if target.starts_with('/') {
            format!("http://{host}{target}")
        } else {
            target.to_owned()
        };
        let method = parsed.method.map(str::to_owned);
        Request { method, url: Some(url), headers: Some(headers) }
    });
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let answered = matches!(parsed.parse(response), Ok(Status::Complete(_))).then(|| Response {
        status: parsed.code.map(f64::from),
        headers: Some(lines(parsed.headers)),
        ..Response::default()
    });
    Entry {
        request: asked,
        response: answered,
        messages: has_frames.then(Vec::new),
        ..Entry::default()
    }
}

fn lines(headers: &[httparse::Header<'_>]) -> Vec<Line> {
    let line = |header: &httparse::Header<'_>| Line {
        name: Some(header.name.to_owned()),
        value: Some(String::from_utf8_lossy(header.value).into_owned()),
    };
    headers.iter().map(line).collect()
}

/// Returns the frames: each has header lines, an empty line and its bytes.
fn rows(mut rest: &[u8]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    while !rest.trim_ascii().is_empty() {
        match row(rest) {
            Ok((row, after)) => {
                rows.push(row);
                rest = after;
            }
            Err(error) => {
                rows.push((None, Err(error)));
                break;
            }
        }
    }
    rows
}

/// Returns the next frame, and what follows it.
fn row(bytes: &[u8]) -> Result<(Row<'_>, &[u8]), String> {
    let damaged = |what: &str| format!("{what}: this frame and those after it were not judged");
    let mut rest = bytes;
    let (mut from, mut time) = (None, None);
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| damaged("its header lines are cut"))?;
        let line = String::from_utf8_lossy(&rest[..end]);
        let line = line.trim();
        rest = &rest[end + 1..];
        let Some((name, value)) = line.split_once(':') else {
            // Between two frames stands a line end.
            if line.is_empty() && from.is_none() {
                continue;
            }
            if line.is_empty() {
                break;
            }
            return Err(damaged("no header line stands before it"));
        };
        match name {
            "Request-Length" => from = Some(Role::Client),
            "Response-Length" => from = Some(Role::Server),
            "DoneRead" => time = time_of_date(value.trim()),
            _ => {}
        }
    }
    let from = from.ok_or_else(|| damaged("its sender is not known"))?;
    // The header of the frame tells where it ends.
    let (header, payload) = Header::decode(rest).map_err(|_| damaged("its header is cut"))?;
    let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
    let len = len.saturating_add(rest.len() - payload.len()).min(rest.len());
    let (frame, after) = rest.split_at(len);
    Ok(((time, Ok(Told::Wire(from, Cow::Borrowed(frame)))), after))
}

/// Parses a date with a zone.
fn time_of_date(text: &str) -> Option<Duration> {
    parse_time(&Value::String(text.to_owned()))
}
