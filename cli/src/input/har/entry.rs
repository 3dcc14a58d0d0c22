//! An entry of a HAR file: a request, its response, and what the program says of the connection.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wsvet::CloseCode;
use wsvet::handshake::{self, Rule};

use super::time;
use crate::session::agreement::{Agreement, HandshakeFinding, Uncertain};
use crate::session::judging::Judging;
use crate::session::report::{Opening, Reported};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(in crate::input) struct Entry {
    pub(in crate::input) started_date_time: Option<Value>,
    pub(in crate::input) request: Option<Request>,
    pub(in crate::input) response: Option<Response>,
    #[serde(rename = "serverIPAddress")]
    pub(in crate::input) server: Option<String>,
    #[serde(rename = "_webSocketMessages")]
    pub(in crate::input) messages: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "_webSocketClose")]
    pub(in crate::input) close: Option<Value>,
    #[serde(rename = "_resourceType")]
    pub(in crate::input) resource: Option<String>,
    #[serde(rename = "_error")]
    pub(in crate::input) error: Option<Value>,
    /// What is not known, if the program did not record the opening handshake.
    #[serde(skip)]
    pub(in crate::input) uncertain: Option<Uncertain>,
}

#[derive(Deserialize, Default)]
pub(in crate::input) struct Request {
    pub(in crate::input) method: Option<String>,
    pub(in crate::input) url: Option<String>,
    pub(in crate::input) headers: Option<Vec<Line>>,
}

#[derive(Deserialize, Default)]
pub(in crate::input) struct Response {
    /// 0 if there was no response.
    pub(in crate::input) status: Option<f64>,
    #[serde(rename = "httpVersion")]
    pub(in crate::input) version: Option<String>,
    pub(in crate::input) headers: Option<Vec<Line>>,
    #[serde(rename = "_failureText")]
    pub(in crate::input) failure: Option<Value>,
    #[serde(rename = "_error")]
    pub(in crate::input) error: Option<Value>,
}

/// A header line of HTTP.
#[derive(Deserialize)]
pub(in crate::input) struct Line {
    pub(in crate::input) name: Option<String>,
    pub(in crate::input) value: Option<String>,
}

impl Entry {
    /// Returns whether the client asked for an upgrade to WebSocket.
    pub(in crate::input) fn is_websocket(&self) -> bool {
        let request = self.request.as_ref();
        let url = request.and_then(|request| request.url.as_deref()).unwrap_or_default();
        self.resource.as_deref() == Some("websocket")
            || url.starts_with("ws://")
            || url.starts_with("wss://")
            || values(self.asked(), "Upgrade").any(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// Returns when the request was sent, if the file says it.
    pub(super) fn started(&self) -> Option<Duration> {
        self.started_date_time.as_ref().and_then(time::parse)
    }

    /// Returns whether the connection was opened, but its messages were not recorded.
    pub(super) fn lacks_messages(&self) -> bool {
        self.messages.is_none() && self.was_opened(false)
    }

    /// Returns whether the response opened the connection. Over HTTP/2 it is one with a status 2xx
    /// (RFC 8441 §5). `has_frames` says that frames were recorded, which prove it.
    fn was_opened(&self, has_frames: bool) -> bool {
        match self.status() {
            101 => true,
            200..300 => has_frames || self.is_over_http2(),
            _ => false,
        }
    }

    /// Returns whether the client asked over HTTP/2: not every program writes the version and the method
    /// of such a request, but it has no key.
    fn is_over_http2(&self) -> bool {
        let method = self.request.as_ref().and_then(|request| request.method.as_deref());
        let version = self.response.as_ref().and_then(|response| response.version.as_deref());
        let version = version.unwrap_or_default().to_ascii_lowercase();
        let asked = |name| values(self.asked(), name).next().is_some();
        method == Some("CONNECT")
            || version.starts_with("h2")
            || version.starts_with("http/2")
            || asked("Sec-WebSocket-Version") && !asked("Sec-WebSocket-Key")
    }

    fn asked(&self) -> Option<&[Line]> {
        self.request.as_ref().and_then(|request| request.headers.as_deref())
    }

    /// Returns the status of the response, or 0 if there was none.
    fn status(&self) -> u16 {
        let response = self.response.as_ref();
        response.and_then(|response| response.status).unwrap_or_default() as u16
    }

    /// Returns the words of the program about a failure.
    fn failures(&self) -> impl Iterator<Item = String> + '_ {
        let response = self.response.as_ref();
        let errors = [
            self.error.as_ref(),
            response.and_then(|response| response.error.as_ref()),
            response.and_then(|response| response.failure.as_ref()),
        ];
        errors.into_iter().flatten().filter_map(words)
    }

    /// Returns what the program says of the connection, once.
    pub(super) fn reported(&self) -> Vec<Reported> {
        let mut reported = Vec::new();
        for text in self.failures() {
            if !reported.iter().any(|known: &Reported| known.text == text) {
                reported.push(Reported { text, code: None, failed: true });
            }
        }
        match &self.close {
            Some(Value::Object(close)) => {
                let value = |names: [&str; 2]| names.iter().find_map(|name| close.get(*name));
                let code = value(["code", "closeCode"]).and_then(Value::as_u64);
                let code = code.and_then(|code| u16::try_from(code).ok()).map(CloseCode);
                let text = value(["reason", "closeReason"]).and_then(Value::as_str);
                let failed = code == Some(CloseCode::ABNORMAL_CLOSURE);
                let text = text.unwrap_or_default().to_owned();
                if code.is_some() || !text.is_empty() {
                    reported.push(Reported { text, code, failed });
                }
            }
            Some(Value::String(word)) if !word.is_empty() => {
                reported.push(Reported { text: word.clone(), code: None, failed: true });
            }
            _ => {}
        }
        // A status of 0 is a failure, even if nothing says why.
        if reported.is_empty() && self.was_never_opened() {
            let text = "no response (status 0)".to_owned();
            reported.push(Reported { text, code: None, failed: true });
        }
        reported
    }

    /// Returns whether the file says that there was no response.
    fn was_never_opened(&self) -> bool {
        let empty = self.messages.as_ref().is_none_or(Vec::is_empty);
        let told = self.response.as_ref().is_some_and(|response| response.status.is_some());
        empty && self.status() == 0 && (told || self.failures().next().is_some())
    }

    /// Returns what is found in the headers. A program may leave headers out, so that a missing one
    /// proves nothing. `has_frames` says that frames were recorded.
    pub(super) fn found(&self, has_frames: bool) -> Vec<HandshakeFinding> {
        let mut found = Vec::new();
        let Some(response) = &self.response else { return found };
        let status = self.status();
        if status != 101 {
            if (200..600).contains(&status) && !self.was_opened(has_frames) {
                found.push(HandshakeFinding::Refused(status));
            }
            return found;
        }
        let (Some(asked), Some(answered)) = (self.asked(), response.headers.as_deref()) else {
            return found;
        };
        let there = |lines, name| values(Some(lines), name).next().is_some();
        let method = self.request.as_ref().and_then(|request| request.method.as_deref());
        let request = handshake::Request::new(method.unwrap_or("GET"), "/", (1, 1), fields(asked));
        let response = handshake::Response::new(status, fields(answered));
        let proven = |rule: &Rule| {
            rule.field().is_some_and(|field| {
                let of_both = field.starts_with("Sec-WebSocket-Extensions")
                    || field.starts_with("Sec-WebSocket-Protocol");
                there(answered, field) && (!of_both || there(asked, field))
            })
        };
        found.extend(response.broken(&request).filter(proven).map(HandshakeFinding::Broken));
        let offered: Vec<_> = values(Some(asked), "Sec-WebSocket-Protocol").collect();
        // The accept shows that the headers of the response were recorded.
        if !offered.is_empty()
            && there(answered, "Sec-WebSocket-Accept")
            && !there(answered, "Sec-WebSocket-Protocol")
        {
            found.push(HandshakeFinding::Declined(offered));
        }
        found
    }
}

/// Returns the words in a value: a string, or the message in an object.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(object) => {
            let keys = ["message", "text", "error", "description"];
            keys.iter().find_map(|key| object.get(*key)).and_then(words)
        }
        _ => None,
    }
}

/// Returns the facts about the connection at its start. `empty` says that it has no messages.
pub(super) fn opening(
    entry: &Entry,
    time: Duration,
    empty: bool,
    judging: &mut Judging<'_>,
) -> Opening {
    let url = entry.request.as_ref().and_then(|request| request.url.as_deref()).unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').unwrap_or(rest.len());
    // The URL may contain a user name and a password, which must not be shown.
    let host = rest[..path].rsplit('@').next().unwrap_or_default();
    let address = entry.server.as_deref().filter(|address| !address.is_empty()).unwrap_or(host);
    let lines = entry.response.as_ref().and_then(|response| response.headers.as_deref());
    // Not every program records the offer of the browser.
    let offered: Vec<_> = values(entry.asked(), "Sec-WebSocket-Extensions").collect();
    let mut agreement = Agreement::new(
        Some(rest[path..].to_owned()).filter(|target| !target.is_empty()),
        values(lines, "Sec-WebSocket-Protocol").next(),
        Some(offered).filter(|offered| !offered.is_empty()),
        values(lines, "Sec-WebSocket-Extensions").collect(),
    );
    agreement.opened = !(empty && entry.was_never_opened());
    agreement.uncertain = entry.uncertain.clone();
    Opening {
        http2: None,
        connection: judging.next_connection(),
        stream: None,
        client: None,
        server: Some(address.to_owned()).filter(|address| !address.is_empty()),
        agreement,
        time,
    }
}

/// Returns the header lines for the rules of the handshake.
fn fields(lines: &[Line]) -> impl Iterator<Item = (&str, &[u8])> + Clone {
    lines.iter().filter_map(|line| {
        let value = line.value.as_deref().unwrap_or_default();
        Some((line.name.as_deref()?, value.as_bytes()))
    })
}

fn values<'a>(lines: Option<&'a [Line]>, name: &'a str) -> impl Iterator<Item = String> + 'a {
    lines
        .unwrap_or_default()
        .iter()
        .filter(move |line| line.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)))
        .flat_map(|line| line.value.as_deref().unwrap_or_default().split([',', '\n']))
        .map(|value| value.trim().to_owned())
}
