//! The messages of the opening handshake.

use std::time::Duration;

use httparse::Header;
use wsvet::handshake::{self, Rule};

use super::side::Body;
use crate::session::agreement::{Agreement, HandshakeFinding};

/// The names and the values of the headers of an HTTP message.
pub(super) type Headers = Vec<(String, Vec<u8>)>;

/// An HTTP request without its answer.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    /// The minor version of HTTP/1.
    pub(super) version: u8,
    /// The headers of an upgrade request. Those of other requests are not kept.
    pub(super) headers: Headers,
    pub(super) upgrade: bool,
    /// Whether it is an extended CONNECT of HTTP/2.
    pub(super) extended: bool,
    /// Whether the request says that a body follows it.
    pub(super) has_body: bool,
    /// Whether an interim response to it has come.
    pub(super) is_answered: bool,
    /// Whether the client sent data after it and before the first byte of the response.
    pub(super) is_followed: bool,
    /// When the request was complete.
    pub(super) at: Duration,
}

impl Asked {
    pub(super) fn request(&self) -> handshake::Request<'_, impl handshake::Headers<'_>> {
        match self.extended {
            true => handshake::Request::connect(&self.target, view(&self.headers)),
            false => handshake::Request::new(
                &self.method,
                &self.target,
                (1, self.version),
                view(&self.headers),
            ),
        }
    }

    /// Returns whether the client asks a proxy for a tunnel.
    pub(super) fn is_tunnel(&self) -> bool {
        self.method == "CONNECT"
    }
}

/// The answer of the server to an upgrade request.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
}

impl Answer {
    /// Returns whether it accepts this request.
    pub(super) fn accepts(&self, asked: &Asked) -> bool {
        let response = handshake::Response::new(self.status, view(&self.headers));
        response.accepts(&asked.request())
    }
}

/// Returns what the endpoints agreed on, and what is found in their messages.
pub(super) fn agreement(asked: &Asked, answer: Option<&Answer>) -> Agreement {
    let request = asked.request();
    let accepting = answer.filter(|answer| answer.accepts(asked));
    let answered = |name| values(accepting.map(|answer| &answer.headers), name);
    let subprotocol = answered("Sec-WebSocket-Protocol").next();
    let mut agreement = Agreement::new(
        Some(asked.target.clone()),
        subprotocol.clone(),
        Some(values(Some(&asked.headers), "Sec-WebSocket-Extensions").collect()),
        answered("Sec-WebSocket-Extensions").collect(),
    );
    agreement.asked = Some(asked.at);
    agreement.opened = accepting.is_some();
    let found = std::mem::take(&mut agreement.found);
    let mut broken = request.broken();
    if let Some(Answer { status, headers }) = answer {
        broken.extend(handshake::Response::new(*status, view(headers)).broken(&request));
    }
    // What follows a request that the server refuses is the next request.
    broken.extend((accepting.is_some() && asked.is_followed).then_some(Rule::DataBeforeResponse));
    for found in broken.map(HandshakeFinding::Broken).chain(found) {
        agreement.add(found);
    }
    let offered: Vec<_> = request.protocols().map(str::to_owned).collect();
    match answer {
        Some(answer) if accepting.is_none() => {
            agreement.add(HandshakeFinding::Refused(answer.status));
        }
        Some(_) if subprotocol.is_none() && !offered.is_empty() => {
            agreement.add(HandshakeFinding::Declined(offered));
        }
        _ => {}
    }
    agreement
}

pub(super) fn owned(headers: &[Header<'_>]) -> Headers {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect()
}

pub(super) fn view(headers: &Headers) -> impl Iterator<Item = (&str, &[u8])> + Clone {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// Returns the elements of the lists in the headers with this name.
pub(super) fn values<'a>(
    headers: Option<&'a Headers>,
    name: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let lines = headers.into_iter().flatten();
    let lines = lines.filter(move |(line, _)| line.eq_ignore_ascii_case(name));
    let texts = lines.filter_map(|(_, value)| std::str::from_utf8(value).ok());
    texts.flat_map(|value| value.split(',')).map(|value| value.trim().to_owned())
}

pub(super) fn request_body(headers: &Headers) -> Body {
    match response_body(headers) {
        Body::UntilEof => Body::None,
        body => body,
    }
}

pub(super) fn response_body(headers: &Headers) -> Body {
    let headers = Some(headers);
    if values(headers, "Transfer-Encoding").any(|value| value.eq_ignore_ascii_case("chunked")) {
        return Body::ChunkSize;
    }
    match values(headers, "Content-Length").next().and_then(|value| value.parse().ok()) {
        Some(len) => Body::Length(len),
        None => Body::UntilEof,
    }
}
