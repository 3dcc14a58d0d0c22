//! Reads a HAR file: WebSocket messages that a browser or a proxy recorded.

use std::borrow::Cow;
use std::io::{self, Read};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use wsvet::handshake::{Rule, accept_key};
use wsvet::{Header, OpCode, Role};

use crate::input::answer::{Answer, no_traffic};
use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::frames::Frames;
use crate::session::judging::Judging;
use crate::session::report::Opening;
use crate::transport::packet::{Moment, time_of};

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    request: Option<Request>,
    response: Option<Response>,
    #[serde(rename = "serverIPAddress")]
    server: Option<String>,
    #[serde(rename = "_webSocketMessages")]
    messages: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "_resourceType")]
    resource: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    url: Option<String>,
    headers: Option<Vec<Line>>,
}

#[derive(Deserialize, Default)]
struct Response {
    /// 0 if there was no response.
    status: Option<f64>,
    headers: Option<Vec<Line>>,
    #[serde(rename = "_failureText")]
    failure: Option<String>,
}

/// A header line of HTTP.
#[derive(Deserialize)]
struct Line {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    r#type: Type,
    time: Option<f64>,
    opcode: Option<f64>,
    data: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Type {
    Send,
    Receive,
    Error,
    #[serde(other)]
    Other,
}

/// Judges every WebSocket connection of a HAR file.
pub(crate) fn judge(input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let har: Har = match serde_json::from_reader(io::BufReader::new(input)) {
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

/// Judges one connection. `tell` receives the notices about it.
fn connection(
    entry: &Entry,
    tell: &mut dyn FnMut(String),
    judging: &mut Judging<'_>,
) -> io::Result<()> {
    let messages: Vec<Result<Message, _>> =
        entry.messages.iter().flatten().map(|raw| serde_json::from_str(raw.get())).collect();
    let start = messages.iter().flatten().next().map_or(Duration::ZERO, Message::time);
    let mut frames = Frames::open(opening(entry, start, judging), judging)?;
    for found in entry.found() {
        frames.handshake(found, judging)?;
    }
    frames.lack();
    frames.lack_frames();
    for (index, message) in messages.iter().enumerate() {
        let number = index as u64 + 1;
        let known = message.as_ref().map_err(|error| format!("skipped: {error}"));
        match known.and_then(|message| Ok((message.wire()?, message.time()))) {
            Ok(((from, header, payload), time)) => {
                let at = Moment { packet: number, time };
                frames.frame(from, &header, &payload, at, judging)?;
            }
            Err(error) => tell(format!("message {number}: {error}")),
        }
    }
    if let Some(failure) = entry.response.as_ref().and_then(|response| response.failure.as_ref()) {
        tell(format!("the browser reports: {failure}"));
    }
    frames.finish([None; 2], None, judging)
}

impl Entry {
    /// Returns whether the client asked for an upgrade to WebSocket.
    fn is_websocket(&self) -> bool {
        let request = self.request.as_ref();
        let url = request.and_then(|request| request.url.as_deref()).unwrap_or_default();
        let headers = request.and_then(|request| request.headers.as_deref());
        self.resource.as_deref() == Some("websocket")
            || url.starts_with("ws://")
            || url.starts_with("wss://")
            || values(headers, "Upgrade").any(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// Returns what is found in the headers. A program may leave headers out, so that a missing one
    /// proves nothing.
    fn found(&self) -> Vec<HandshakeFinding> {
        let mut found = Vec::new();
        let Some(response) = &self.response else { return found };
        let status = response.status.unwrap_or_default() as u16;
        if (200..600).contains(&status) {
            found.push(HandshakeFinding::Refused(status));
        }
        let (Some(asked), Some(answered)) = (
            self.request.as_ref().and_then(|request| request.headers.as_deref()),
            response.headers.as_deref(),
        ) else {
            return found;
        };
        if status != 101 {
            return found;
        }
        let first = |lines, name| values(Some(lines), name).next();
        let accept = first(answered, "Sec-WebSocket-Accept");
        let (key, accept) = (first(asked, "Sec-WebSocket-Key"), accept.as_deref());
        if let (Some(key), Some(accept)) = (key, accept)
            && accept_key(key.as_bytes()) != *accept
        {
            found.push(HandshakeFinding::Broken(Rule::WrongAccept));
        }
        let offered: Vec<_> = values(Some(asked), "Sec-WebSocket-Protocol").collect();
        match first(answered, "Sec-WebSocket-Protocol") {
            Some(chosen) if !offered.is_empty() && !offered.contains(&chosen) => {
                found.push(HandshakeFinding::Broken(Rule::SubprotocolNotOffered));
            }
            // The accept shows that the headers of the response were recorded.
            None if !offered.is_empty() && accept.is_some() => {
                found.push(HandshakeFinding::Declined(offered));
            }
            _ => {}
        }
        found
    }
}

impl Message {
    /// Returns the message as one frame: its sender, header and payload.
    fn wire(&self) -> Result<(Role, Header, Cow<'_, [u8]>), String> {
        let data = self.data.as_deref().unwrap_or_default();
        let from = match self.r#type {
            Type::Send => Role::Client,
            Type::Receive => Role::Server,
            Type::Error => return Err(format!("the browser reports: {data}")),
            Type::Other => return Err("skipped: the type must be send or receive".to_owned()),
        };
        let opcode = self.opcode.unwrap_or_default();
        if !(0.0..16.0).contains(&opcode) {
            return Err(format!("skipped: invalid opcode {opcode}: must be 0 to 15"));
        }
        let opcode = OpCode::from_low_bits(opcode as u8);
        let payload = match opcode {
            OpCode::Text => Cow::Borrowed(data.as_bytes()),
            _ => match BASE64_STANDARD.decode(data) {
                Ok(bytes) => Cow::Owned(bytes),
                Err(error) => return Err(format!("skipped: the data is not base64: {error}")),
            },
        };
        let header = Header::new(opcode, payload.len() as u64);
        let header = if from == Role::Client { header.masked([0; 4]) } else { header };
        Ok((from, header, payload))
    }

    /// Returns the time. It is in seconds since 1970; some programs write milliseconds.
    fn time(&self) -> Duration {
        let time = self.time.unwrap_or_default();
        time_of(if time > 1e11 { time / 1e3 } else { time })
    }
}

fn opening(entry: &Entry, time: Duration, judging: &mut Judging<'_>) -> Opening {
    let url = entry.request.as_ref().and_then(|request| request.url.as_deref()).unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').unwrap_or(rest.len());
    // The URL may contain a user name and a password, which must not be shown.
    let host = rest[..path].rsplit('@').next().unwrap_or_default();
    let address = entry.server.as_deref().filter(|address| !address.is_empty()).unwrap_or(host);
    let asked = entry.request.as_ref().and_then(|request| request.headers.as_deref());
    let lines = entry.response.as_ref().and_then(|response| response.headers.as_deref());
    // Not every program records the offer of the browser.
    let offered: Vec<_> = values(asked, "Sec-WebSocket-Extensions").collect();
    Opening {
        connection: judging.next_connection(),
        stream: None,
        client: None,
        server: Some(address.to_owned()).filter(|address| !address.is_empty()),
        agreement: Agreement::new(
            Some(rest[path..].to_owned()).filter(|target| !target.is_empty()),
            values(lines, "Sec-WebSocket-Protocol").next(),
            Some(offered).filter(|offered| !offered.is_empty()),
            values(lines, "Sec-WebSocket-Extensions").collect(),
        ),
        time,
    }
}

fn values<'a>(lines: Option<&'a [Line]>, name: &'static str) -> impl Iterator<Item = String> + 'a {
    lines
        .unwrap_or_default()
        .iter()
        .filter(move |line| line.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)))
        .flat_map(|line| line.value.as_deref().unwrap_or_default().split([',', '\n']))
        .map(|value| value.trim().to_owned())
}
