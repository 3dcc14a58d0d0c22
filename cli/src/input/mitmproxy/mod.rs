//! Reads the flow files of mitmproxy: the WebSocket messages that the proxy passed on.

mod tnetstring;

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::json;
use wsvet::{CloseCode, Header, OpCode, Role};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::har::{Entry, Line, Request, Response, Row, Told, recorded};
use crate::session::judging::Judging;
use crate::session::report::Reported;
use crate::transport::packet::time_of;

use tnetstring::{Value, length, value};

/// The notice about what a flow file does not contain.
const UNKNOWN: &str = "a flow file of mitmproxy contains whole messages only: no fragments, masking keys, \
                       RSV bits, Ping or Pong frames, only the first Close frame, and no end of a \
                       connection; byte offsets assume one uncompressed frame for each message, \
                       and mitmproxy itself closes with 1002 or 1007 if it cannot read a frame";

/// The part of the memory that a flow may take: its values take more than their text.
const PART: u64 = 16;

/// Returns whether this may be the start of a flow file: a dictionary with keys of a flow.
pub(super) fn looks_like_flows(start: &[u8]) -> bool {
    const KEYS: [&[u8]; 6] =
        [b"7:version;", b"9:websocket;", b"8:response;", b"7:request;", b"2:id;", b"4:type;"];
    let has = |key: &[u8]| start.windows(key.len()).any(|part| part == key);
    length(start).is_some() && KEYS.into_iter().any(has)
}

/// Judges every WebSocket connection of a flow file.
pub(super) fn judge(input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let mut input = BufReader::new(input);
    let mut notices = vec![UNKNOWN.to_owned()];
    let before = judging.tally.connections;
    let mut flows = 0u64;
    loop {
        let flow = match next(&mut input, judging.memory / PART) {
            Ok(Flow::End) => break,
            Ok(flow) => flow,
            Err(error) => {
                notices.push(reason(&error));
                break;
            }
        };
        flows += 1;
        let flow = match flow {
            Flow::Whole(flow) => flow,
            Flow::TooLarge(len) => {
                let needed = len.saturating_mul(PART).checked_next_power_of_two();
                notices.push(format!(
                    "flow {flows} skipped: it has {len} bytes, which do not fit into --max-memory; \
                     give more, for example --max-memory {}",
                    needed.unwrap_or(u64::MAX)
                ));
                continue;
            }
            Flow::Cut => {
                notices.push(format!("the file ends inside flow {flows}, which was not judged"));
                break;
            }
            Flow::End | Flow::Damaged => {
                notices.push(format!("flow {flows} is damaged: the rest was not read"));
                break;
            }
        };
        let Some((flow, [])) = value(&flow) else {
            notices.push(format!("flow {flows} is damaged, and was skipped"));
            continue;
        };
        let mut tell = |told: String| notices.push(format!("flow {flows}, {told}"));
        connection(&flow, &mut tell, judging)?;
    }
    if judging.tally.connections == before {
        let none = format!("no flow of the file has WebSocket messages ({flows} flows read)");
        return Ok(Err(no_traffic(notices.get(1).unwrap_or(&none))));
    }
    Ok(Ok(notices))
}

/// The text of a flow.
enum Flow {
    Whole(Vec<u8>),
    /// Its length in bytes. It was skipped.
    TooLarge(u64),
    /// The file ends inside it.
    Cut,
    /// It has no length.
    Damaged,
    /// There is none.
    End,
}

/// Reads the next flow.
fn next(input: &mut impl BufRead, most: u64) -> io::Result<Flow> {
    const LONGEST_LENGTH: u64 = 13;
    let mut flow = Vec::new();
    input.by_ref().take(LONGEST_LENGTH).read_until(b':', &mut flow)?;
    if flow.is_empty() {
        return Ok(Flow::End);
    }
    let Some((len, _)) = length(&flow) else {
        return Ok(if flow.len() < LONGEST_LENGTH as usize { Flow::Cut } else { Flow::Damaged });
    };
    // The type stands after the value.
    let len = len as u64 + 1;
    if len > most {
        let skipped = io::copy(&mut input.by_ref().take(len), &mut io::sink())?;
        return Ok(if skipped < len { Flow::Cut } else { Flow::TooLarge(len) });
    }
    let there = input.by_ref().take(len).read_to_end(&mut flow)?;
    Ok(if (there as u64) < len { Flow::Cut } else { Flow::Whole(flow) })
}

/// Judges the connection of a flow, if it is WebSocket. `tell` receives the notices about it.
fn connection(
    flow: &Value<'_>,
    tell: &mut dyn FnMut(String),
    judging: &mut Judging<'_>,
) -> io::Result<()> {
    // Before version 7, the messages were a flow of their own.
    let is_old = flow.get("type").and_then(Value::text).is_some_and(|typed| typed == "websocket");
    let websocket = flow.get("websocket").filter(|value| **value != Value::Null);
    let websocket = if is_old { Some(flow) } else { websocket };
    let entry = entry(flow, websocket.is_some());
    if websocket.is_none() && !entry.is_websocket() {
        return Ok(());
    }
    let mut rows = Vec::new();
    let [mut dropped, mut injected] = [0u64; 2];
    for message in
        websocket.and_then(|websocket| websocket.get("messages")).map_or(&[][..], Value::list)
    {
        dropped += u64::from(message.list().get(4).is_some_and(Value::is_true));
        injected += u64::from(message.list().get(5).is_some_and(Value::is_true));
        rows.push(row(message));
    }
    rows.extend(websocket.and_then(close));
    for (count, what) in [(dropped, "dropped"), (injected, "injected")] {
        if count > 0 {
            tell(format!("messages that mitmproxy {what}, and that are judged as sent: {count}"));
        }
    }
    recorded(&entry, rows, tell, judging)
}

/// Returns a message.
fn row<'a>(message: &Value<'a>) -> Row<'a> {
    let [opcode, from_client, content, rest @ ..] = message.list() else {
        return (None, Err("skipped: it has no type, sender and content".to_owned()));
    };
    let time = rest.first().and_then(Value::number).map(seconds);
    let opcode = match opcode.number() {
        Some(number) if (0.0..16.0).contains(&number) => OpCode::from_low_bits(number as u8),
        _ => return (time, Err("skipped: its type is no opcode".to_owned())),
    };
    let Some(content) = content.bytes() else {
        return (time, Err("skipped: its content is no text".to_owned()));
    };
    let from = if from_client.is_true() { Role::Client } else { Role::Server };
    (time, Ok(frame(from, opcode, Cow::Borrowed(content))))
}

fn frame(from: Role, opcode: OpCode, payload: Cow<'_, [u8]>) -> Told<'_> {
    let header = Header::new(opcode, payload.len() as u64);
    let header = if from == Role::Client { header.masked([0; 4]) } else { header };
    Told::Frame(from, header, payload)
}

/// Returns what the flow says of the end of the connection, if it has ended.
fn close(websocket: &Value<'_>) -> Option<Row<'static>> {
    let code = websocket.get("close_code")?.number()? as u16;
    let reason =
        ["close_reason", "close_message"].iter().find_map(|key| websocket.get(key)?.text());
    let reason = reason.unwrap_or_default();
    let time = websocket.get("timestamp_end").and_then(Value::number).map(seconds);
    let by_client = websocket.get("closed_by_client").map(Value::is_true).or_else(|| {
        websocket.get("close_sender").and_then(Value::text).map(|sender| sender == "client")
    });
    let told = match (CloseCode(code), by_client) {
        (code @ CloseCode::ABNORMAL_CLOSURE, _) => {
            let text = "no Close frame".to_owned();
            Told::Reported(Reported { text, code: Some(code), failed: true })
        }
        // The program closes so itself if it cannot read a frame, and names the endpoint that sent the frame.
        (code @ (CloseCode::PROTOCOL_ERROR | CloseCode::INVALID_FRAME_PAYLOAD_DATA), _) => {
            Told::Reported(Reported { text: reason, code: Some(code), failed: true })
        }
        // The program writes this for a Close frame without a code.
        (CloseCode::NO_STATUS_RECEIVED, Some(by_client)) => {
            let from = if by_client { Role::Client } else { Role::Server };
            frame(from, OpCode::Close, Cow::Borrowed(b""))
        }
        (_, Some(by_client)) => {
            let from = if by_client { Role::Client } else { Role::Server };
            let body = [&code.to_be_bytes(), reason.as_bytes()].concat();
            frame(from, OpCode::Close, Cow::Owned(body))
        }
        (code, None) => Told::Reported(Reported { text: reason, code: Some(code), failed: false }),
    };
    Some((time, Ok(told)))
}

/// Returns the request and the response of a flow.
fn entry(flow: &Value<'_>, has_messages: bool) -> Entry {
    let text = |value: Option<&Value<'_>>, key: &str| value?.get(key)?.text();
    let [request, response] = ["request", "response"].map(|key| flow.get(key));
    let [asked, answered] = [request, response].map(headers);
    let host = text(request, "host").unwrap_or_default();
    let port = request.and_then(|request| request.get("port")?.number()).unwrap_or_default();
    let default = port == 80.0 || port == 443.0 || port == 0.0;
    let port = if default { String::new() } else { format!(":{port}") };
    let scheme = text(request, "scheme").unwrap_or_else(|| "http".to_owned());
    let path = text(request, "path").unwrap_or_default();
    let url = format!("{scheme}://{host}{port}{path}");
    let status = response.and_then(|response| response.get("status_code")?.number());
    let error = flow.get("error").and_then(|error| error.get("msg")?.text());
    let ended = error.filter(|_| !has_messages);
    let started = request.and_then(|request| request.get("timestamp_start")?.number());
    Entry {
        started_date_time: started.map(|started| json!(started)),
        request: request.map(|_| Request {
            method: text(request, "method"),
            url: Some(url),
            headers: Some(asked),
        }),
        response: response.map(|_| Response {
            status,
            headers: Some(answered),
            ..Response::default()
        }),
        messages: has_messages.then(Vec::new),
        error: ended.map(|error| json!(error)),
        ..Entry::default()
    }
}

/// Returns the header lines of a request or a response.
fn headers(message: Option<&Value<'_>>) -> Vec<Line> {
    let headers = message.and_then(|message| message.get("headers")).map_or(&[][..], Value::list);
    let line = |header: &Value<'_>| match header.list() {
        [name, value] => Some(Line { name: name.text(), value: value.text() }),
        _ => None,
    };
    headers.iter().filter_map(line).collect()
}

/// Converts seconds since 1970 to a time.
fn seconds(number: f64) -> Duration {
    time_of(number.clamp(0.0, 1e11))
}
