//! HAR: the messages that a browser or a proxy has kept of its WebSocket connections.

use std::borrow::Cow;
use std::io::{self, Read};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use wsvet::{Header, OpCode, Role};

use crate::check::Answer;
use crate::connection::Judging;
use crate::frames::{Frames, Opening};
use crate::http::Agreement;
use crate::packet::{Moment, time_of};

/// What a HAR cannot know.
const UNKNOWN: &str = "a HAR has whole messages alone: no fragments, masks, RSV bits, Ping, Pong or \
                       Close, and no end of a connection; bytes are counted as if each message \
                       were one frame, not compressed";

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    request: Request,
    #[serde(default)]
    response: Response,
    #[serde(rename = "serverIPAddress")]
    server: Option<String>,
    #[serde(rename = "_webSocketMessages")]
    messages: Option<Vec<Message>>,
    #[serde(rename = "_resourceType")]
    resource: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    url: String,
}

#[derive(Deserialize, Default)]
struct Response {
    #[serde(default)]
    headers: Vec<Line>,
    #[serde(rename = "_failureText")]
    failure: Option<String>,
}

/// A header line of HTTP.
#[derive(Deserialize)]
struct Line {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Message {
    r#type: Type,
    #[serde(default)]
    time: f64,
    #[serde(default)]
    opcode: i64,
    #[serde(default)]
    data: String,
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

/// Judges every WebSocket connection of a HAR.
pub(crate) fn judge(input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let har: Har = match serde_json::from_reader(io::BufReader::new(input)) {
        Ok(har) => har,
        Err(error) => return Ok(Err(format!("this is no HAR: {error}"))),
    };
    let mut notices = vec![UNKNOWN.to_owned()];
    let before = judging.tally.connections;
    for (index, entry) in har.log.entries.iter().enumerate() {
        let websocket = entry.resource.as_deref() == Some("websocket");
        let Some(messages) = entry.messages.as_deref().or(websocket.then_some(&[])) else {
            continue;
        };
        if let Err(error) = connection(entry, messages, &mut notices, judging)? {
            return Ok(Err(format!("entry {}, {error}", index + 1)));
        }
    }
    if judging.tally.connections == before {
        return Ok(Err(crate::check::no_traffic("no entry of the HAR has _webSocketMessages")));
    }
    Ok(Ok(notices))
}

/// Judges one connection.
fn connection(
    entry: &Entry,
    messages: &[Message],
    notices: &mut Vec<String>,
    judging: &mut Judging<'_>,
) -> io::Result<Result<(), String>> {
    let opening = opening(entry, messages, judging);
    let number = opening.connection;
    let mut frames = Frames::open(opening, judging)?;
    frames.lack();
    let mut told = |message: String| notices.push(format!("connection {number}: {message}"));
    let mut answer = Ok(());
    for (index, message) in messages.iter().enumerate() {
        let at = Moment { packet: index as u64 + 1, time: time(message.time) };
        let from = match message.r#type {
            Type::Send => Role::Client,
            Type::Receive => Role::Server,
            Type::Error => {
                told(format!("message {}: the browser says: {}", at.packet, message.data));
                continue;
            }
            Type::Other => {
                told(format!("message {}: a type that is not known, left out", at.packet));
                continue;
            }
        };
        match message.wire(from) {
            Ok((header, payload)) => frames.frame(from, &header, &payload, at, judging)?,
            Err(error) => {
                answer = Err(format!("message {}: {error}", at.packet));
                break;
            }
        }
    }
    if let Some(failure) = &entry.response.failure {
        told(format!("the browser says: {failure}"));
    }
    frames.finish([None; 2], judging)?;
    Ok(answer)
}

impl Message {
    /// The message as one frame: its header, and its payload.
    fn wire(&self, from: Role) -> Result<(Header, Cow<'_, [u8]>), String> {
        let opcode = match self.opcode {
            opcode @ 0..=15 => OpCode::from_low_bits(opcode as u8),
            opcode => return Err(format!("there is no opcode {opcode}")),
        };
        let payload = match opcode {
            OpCode::Text => Cow::Borrowed(self.data.as_bytes()),
            _ => match BASE64_STANDARD.decode(&self.data) {
                Ok(bytes) => Cow::Owned(bytes),
                Err(error) => return Err(format!("the data is no base64: {error}")),
            },
        };
        let header = Header::new(opcode, payload.len() as u64);
        let header = if from == Role::Client { header.masked([0; 4]) } else { header };
        Ok((header, payload))
    }
}

fn opening(entry: &Entry, messages: &[Message], judging: &mut Judging<'_>) -> Opening {
    let url = &entry.request.url;
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let path = rest.find('/').unwrap_or(rest.len());
    let host = entry.server.clone().filter(|address| !address.is_empty());
    let values = |name: &str| {
        let lines = entry.response.headers.iter();
        let lines: Vec<_> = lines.filter(|line| line.name.eq_ignore_ascii_case(name)).collect();
        lines
            .into_iter()
            .flat_map(|line| line.value.split([',', '\n']))
            .map(|value| value.trim().to_owned())
    };
    Opening {
        connection: judging.next_connection(),
        stream: None,
        client: None,
        server: Some(host.unwrap_or_else(|| rest[..path].to_owned())),
        agreement: Agreement {
            target: Some(rest[path..].to_owned()).filter(|target| !target.is_empty()),
            subprotocol: values("Sec-WebSocket-Protocol").next(),
            extensions: values("Sec-WebSocket-Extensions").collect(),
        },
        time: messages.first().map_or(Duration::ZERO, |message| time(message.time)),
    }
}

/// The time of a message: seconds since 1970, but for those who write milliseconds.
fn time(time: f64) -> Duration {
    time_of(if time > 1e11 { time / 1e3 } else { time })
}
