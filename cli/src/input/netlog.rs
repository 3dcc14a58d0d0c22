//! Reads the netlogs of Chromium (`chrome://net-export`, `--log-net-log`): the headers of the frames that
//! the browser sent and received.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wsvet::{Header, Role};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::fits::too_large;
use crate::input::har::{Entry, Line, Request, Response, Row, Told, header_alone, recorded};
use crate::session::judging::Judging;
use crate::session::report::Reported;
use crate::transport::packet::time_of;

/// The notice about what a netlog does not contain.
const UNKNOWN: &str = "a netlog contains the headers of the frames only: no payloads, so that neither \
                       texts nor close codes are judged, no masking keys, and no end of a connection";

/// A netlog.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Netlog {
    constants: Constants,
    #[serde(default)]
    events: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Constants {
    /// The number of each type of event.
    log_event_types: BTreeMap<String, u64>,
    #[serde(default)]
    time_tick_offset: Value,
    #[serde(default)]
    net_error: BTreeMap<String, i64>,
}

/// The source of an event, and its type. The rest of it is parsed only if these are wanted.
#[derive(Deserialize)]
struct Head {
    r#type: u64,
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    id: u64,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    time: Value,
    #[serde(default)]
    params: Value,
}

/// What the types of events say.
#[derive(Clone, Copy)]
enum Kind {
    /// A request starts, or a new URL is asked for.
    Request,
    /// The header lines of a request.
    Asked,
    /// The status line and the header lines of a response.
    Answered,
    Sent,
    Received,
    /// The browser says why it failed a connection.
    Invalid,
    /// A request has failed.
    Failed,
}

const KINDS: &[(&str, Kind)] = &[
    ("URL_REQUEST_START_JOB", Kind::Request),
    ("REQUEST_ALIVE", Kind::Request),
    ("HTTP_TRANSACTION_SEND_REQUEST_HEADERS", Kind::Asked),
    ("HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS", Kind::Asked),
    ("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", Kind::Answered),
    ("WEBSOCKET_SENT_FRAME_HEADER", Kind::Sent),
    ("WEBSOCKET_RECV_FRAME_HEADER", Kind::Received),
    ("WEBSOCKET_INVALID_FRAME", Kind::Invalid),
    ("WEBSOCKET_UPGRADE_FAILURE", Kind::Invalid),
    ("FAILED", Kind::Failed),
];

/// A connection of the log.
#[derive(Default)]
struct Connection {
    url: Option<String>,
    asked: Option<Vec<Line>>,
    status: Option<f64>,
    answered: Option<Vec<Line>>,
    started: Option<Duration>,
    rows: Vec<Row<'static>>,
    failed: Option<String>,
}

/// Returns whether this may be the start of a netlog.
pub(super) fn looks_like_netlog(start: &[u8]) -> bool {
    let key = b"\"logEventTypes\"";
    start.trim_ascii_start().starts_with(b"{") && start.windows(key.len()).any(|part| part == key)
}

/// Judges every WebSocket connection of a netlog.
pub(super) fn judge(input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let most = judging.memory / 2;
    let mut input = io::BufReader::new(input).take(most.saturating_add(1));
    let mut text = Vec::new();
    if let Err(error) = input.read_to_end(&mut text) {
        return Ok(Err(reason(&error)));
    }
    if input.limit() == 0 {
        drop(text);
        let instead = "record a shorter time";
        let told = too_large("netlog", input.into_inner(), most, 2, instead);
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let mut notices = vec![UNKNOWN.to_owned()];
    let log = match parse(&mut text) {
        Ok((log, is_whole)) => {
            if !is_whole {
                notices
                    .push("the netlog was not finished: its last event may be missing".to_owned());
            }
            log
        }
        Err(error) => return Ok(Err(format!("invalid netlog: {error}"))),
    };
    let mut connections = connections(&log);
    connections.retain(|_, connection| connection.is_websocket());
    if connections.is_empty() {
        return Ok(Err(no_traffic("no event of the netlog is about WebSocket")));
    }
    for (id, connection) in connections {
        let (entry, rows) = connection.recorded();
        let mut tell = |told: String| notices.push(format!("source {id}, {told}"));
        recorded(&entry, rows, &mut tell, judging)?;
    }
    Ok(Ok(notices))
}

/// Parses a netlog. A browser that was killed did not write its end: returns whether the end is there.
fn parse(text: &mut Vec<u8>) -> serde_json::Result<(Netlog, bool)> {
    match serde_json::from_slice(text) {
        Ok(log) => Ok((log, true)),
        Err(error) => {
            // Each event stands in a line that ends with a comma.
            let Some(end) = text.windows(2).rposition(|pair| pair == b",\n" || pair == b",\r")
            else {
                return Err(error);
            };
            text.truncate(end);
            text.extend(b"]}");
            serde_json::from_slice(text).map(|log| (log, false)).map_err(|_| error)
        }
    }
}

/// Returns the connections by the numbers of their sources.
fn connections(log: &Netlog) -> BTreeMap<u64, Connection> {
    let types = &log.constants.log_event_types;
    let kinds: BTreeMap<u64, Kind> =
        KINDS.iter().filter_map(|(name, kind)| Some((*types.get(*name)?, *kind))).collect();
    let offset = number(&log.constants.time_tick_offset).unwrap_or_default();
    let mut connections: BTreeMap<u64, Connection> = BTreeMap::new();
    for raw in &log.events {
        let Ok(head) = serde_json::from_str::<Head>(raw.get()) else { continue };
        let Some(kind) = kinds.get(&head.r#type) else { continue };
        let Ok(event) = serde_json::from_str::<Event>(raw.get()) else { continue };
        let time =
            number(&event.time).map(|ticks| time_of((offset + ticks).clamp(0.0, 1e14) / 1e3));
        let connection = connections.entry(head.source.id).or_default();
        connection.event(*kind, time, &event.params, &log.constants.net_error);
    }
    connections
}

/// Returns a number, which may stand in a string.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

impl Connection {
    fn is_websocket(&self) -> bool {
        let url = self.url.as_deref().unwrap_or_default();
        url.starts_with("ws:") || url.starts_with("wss:") || !self.rows.is_empty()
    }

    fn event(
        &mut self,
        kind: Kind,
        time: Option<Duration>,
        params: &Value,
        errors: &BTreeMap<String, i64>,
    ) {
        match kind {
            Kind::Request => {
                if let Some(url) = params["url"].as_str() {
                    self.url = Some(url.to_owned());
                    self.started = self.started.or(time);
                }
            }
            Kind::Asked => self.asked = lines(&params["headers"]).or(self.asked.take()),
            Kind::Answered => {
                let first = params["headers"][0].as_str().unwrap_or_default();
                let status = first.split_whitespace().nth(1).and_then(|status| status.parse().ok());
                self.status = status.or(self.status);
                self.answered = lines(&params["headers"]).or(self.answered.take());
            }
            Kind::Sent => self.rows.push((time, header(Role::Client, params))),
            Kind::Received => self.rows.push((time, header(Role::Server, params))),
            Kind::Invalid => self.failed = params["message"].as_str().map(str::to_owned),
            Kind::Failed => {
                let error = params["net_error"].as_i64();
                let name = errors.iter().find(|(_, number)| Some(**number) == error);
                if let (Some((name, _)), None) = (name, &self.failed) {
                    self.failed = Some(format!("net::{name}"));
                }
            }
        }
    }

    /// Returns it as other programs record it.
    fn recorded(self) -> (Entry, Vec<Row<'static>>) {
        let mut rows = self.rows;
        let has_frames = !rows.is_empty();
        if let Some(text) = self.failed {
            rows.push((None, Ok(Told::Reported(Reported { text, code: None, failed: true }))));
        }
        let started = self.started.map(|time| json!(time.as_secs_f64()));
        let status = self.status.or(has_frames.then_some(101.0));
        let asked = self.asked.as_deref().unwrap_or_default();
        let method = asked.iter().find(|line| line.name.as_deref() == Some(":method"));
        let method = method.and_then(|line| line.value.clone());
        let entry = Entry {
            started_date_time: started,
            request: Some(Request { method, url: self.url, headers: self.asked }),
            response: status.map(|status| Response {
                status: Some(status),
                headers: self.answered,
                ..Response::default()
            }),
            messages: Some(Vec::new()),
            ..Entry::default()
        };
        (entry, rows)
    }
}

/// Returns the header lines of a request or a response: the strings of a list, or of one text.
fn lines(headers: &Value) -> Option<Vec<Line>> {
    let line = |line: &str| {
        // The name of a field of HTTP/2 may start with a colon.
        let end = 1 + line.get(1..)?.find(':')?;
        let (name, value) = (&line[..end], &line[end + 1..]);
        Some(Line { name: Some(name.to_owned()), value: Some(value.trim().to_owned()) })
    };
    match headers {
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).filter_map(line).collect()),
        Value::String(all) => Some(all.lines().filter_map(line).collect()),
        _ => None,
    }
}

/// Returns the header of a frame.
fn header(from: Role, params: &Value) -> Result<Told<'static>, String> {
    let bit = |name: &str| u8::from(params[name].as_bool().unwrap_or_default());
    let (Some(opcode @ 0..16), Some(len)) =
        (params["opcode"].as_u64(), params["payload_length"].as_u64())
    else {
        return Err("skipped: it has no opcode and length".to_owned());
    };
    let rsv = bit("reserved1") << 2 | bit("reserved2") << 1 | bit("reserved3");
    let first = bit("final") << 7 | rsv << 4 | opcode as u8;
    let short = match len {
        0..126 => len as u8,
        126..0x1_0000 => 126,
        _ => 127,
    };
    let header = Header::from_wire(first, bit("masked") << 7 | short, len, [0; 4]);
    Ok(header_alone(from, header))
}
