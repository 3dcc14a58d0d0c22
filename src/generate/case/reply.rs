//! The response of a prober to the request of a client, which may be illegal.

use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::Setup;
use crate::Role;
use crate::deflate::Parameters;
use crate::handshake::{Headers, Key, Request, Response, Rule, accept_key};

pub(super) const UPGRADE: &str = "Upgrade";
pub(super) const CONNECTION: &str = "Connection";
pub(super) const ACCEPT: &str = "Sec-WebSocket-Accept";
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

pub(super) const DEFLATE: &str = "permessage-deflate";

/// Other values of `Upgrade` that mean the same to a server and a client, with their names.
pub(super) const UPGRADES: [(&str, &str); 2] =
    [("capitals", "WEBSOCKET"), ("mixed-case", "WebSocket")];

/// Other values of `Connection` that mean the same to a server and a client, with their names.
pub(super) const CONNECTIONS: [(&str, &str); 5] = [
    ("lower-case", "upgrade"),
    ("capitals", "UPGRADE"),
    ("list", "keep-alive, Upgrade"),
    ("list-without-space", "keep-alive,Upgrade"),
    ("list-upgrade-first", "Upgrade, keep-alive"),
];

/// The bits of the window with which the compressed messages of the cases are made.
const WINDOW_BITS: u8 = 15;

/// A response, in which some values depend on the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    /// A response that comes before.
    pub(super) before: &'static str,
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) fields: Vec<(String, Value)>,
    pub(super) colon: &'static str,
    /// What stands before and after each value.
    pub(super) pad: (&'static str, &'static str),
    /// Whether each byte is sent alone.
    pub(super) bytewise: bool,
    /// The bytes that follow in the last segment of the response.
    pub(super) after: Vec<u8>,
}

/// The value of a header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Text(String),
    Accept(Accept),
    Protocol(Protocol),
    /// The answer to an offer of permessage-deflate, if there is one whose window is large enough.
    Deflate,
    /// This answer, with the parameters of the offer that each answer must have (RFC 7692 §7.1.1.1, §7.1.2.1).
    Answer(String),
}

/// The value of Sec-WebSocket-Accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Accept {
    Right,
    OfOtherKey,
    LowerCase,
    Key,
    Short,
    Long,
}

/// The value of Sec-WebSocket-Protocol. The field is left out if the client offers too few.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    /// This one if the client offers it, or else the first one.
    Chosen(Option<String>),
    OtherCase,
    /// The two first.
    Two,
}

impl Reply {
    /// Creates a legal response, which accepts no extension.
    pub(super) fn new(setup: &Setup) -> Self {
        let text = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
        let mut fields = vec![
            text(UPGRADE, "websocket"),
            text(CONNECTION, "Upgrade"),
            (ACCEPT.to_owned(), Value::Accept(Accept::Right)),
            (PROTOCOL.to_owned(), Value::Protocol(Protocol::Chosen(setup.subprotocol.clone()))),
        ];
        fields.extend(setup.headers.iter().map(|(name, value)| text(name, value)));
        Self {
            before: "",
            status: 101,
            reason: "Switching Protocols",
            fields,
            colon: ": ",
            pad: ("", ""),
            bytewise: false,
            after: Vec::new(),
        }
    }

    pub(super) fn set(mut self, name: &str, value: Value) -> Self {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
        self
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.set(name, Value::Text(value.to_owned()))
    }

    pub(super) fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), Value::Text(value.to_owned())));
        self
    }

    pub(super) fn remove(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    pub(super) fn status(mut self, status: u16, reason: &'static str) -> Self {
        (self.status, self.reason) = (status, reason);
        self
    }

    /// Returns the segments of the response to this request, or `None` if it does not break `rule`
    /// first, or breaks one although `rule` is `None`.
    pub(super) fn segments<'h>(
        &self,
        request: &Request<'h, impl Headers<'h>>,
        rule: Option<Rule>,
    ) -> Option<Vec<Vec<u8>>> {
        let values = self.fields.iter().map(|(name, value)| Some((name, value.text(request)?)));
        let fields: Vec<_> = values.flatten().collect();
        let views = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if Response::new(self.status, views).broken(request).next() != rule {
            return None;
        }
        let Self { before, status, reason, colon, pad, .. } = self;
        let mut head = format!("{before}HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in &fields {
            head.extend([name.as_str(), colon, pad.0, value, pad.1, "\r\n"]);
        }
        head += "\r\n";
        let mut segments = match self.bytewise {
            true => head.bytes().map(|byte| vec![byte]).collect(),
            false => vec![head.into_bytes()],
        };
        segments.last_mut()?.extend_from_slice(&self.after);
        Some(segments)
    }
}

impl Value {
    /// Returns the value for the response to this request, or `None` if the field is left out.
    fn text<'h>(&self, request: &Request<'h, impl Headers<'h>>) -> Option<String> {
        let mut protocols = request.protocols();
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Accept(accept) => {
                let key = String::from_utf8_lossy(request.key().unwrap_or_default()).into_owned();
                Some(accept.text(&key))
            }
            Self::Protocol(Protocol::Chosen(wanted)) => {
                let first = request.protocols().next();
                protocols.find(|name| wanted.as_deref() == Some(name)).or(first).map(str::to_owned)
            }
            Self::Protocol(Protocol::OtherCase) => protocols.next().map(|name| {
                let upper = name.to_ascii_uppercase();
                if upper == name { name.to_ascii_lowercase() } else { upper }
            }),
            Self::Protocol(Protocol::Two) => {
                protocols.next().zip(protocols.next()).map(|(a, b)| format!("{a}, {b}"))
            }
            Self::Answer(answer) => Some(complete(answer, request)),
            Self::Deflate => {
                let offers: Vec<_> = request.extensions().collect();
                let agreed = Parameters::new().accept(&offers.join(", "))?;
                let fits = agreed.window_bits(Role::Server) == WINDOW_BITS;
                fits.then(|| format!("{agreed}"))
            }
        }
    }
}

/// Adds to an answer the parameters of the first offer that each answer to it must have.
fn complete<'h>(answer: &str, request: &Request<'h, impl Headers<'h>>) -> String {
    let mut offers = request.extensions();
    let offer = offers.find(|offer| offer.starts_with(DEFLATE)).unwrap_or_default();
    let name = |parameter: &str| parameter.split('=').next().unwrap_or_default().trim().to_owned();
    let asked = ["server_no_context_takeover", "server_max_window_bits"];
    let missing = offer.split(';').skip(1).map(str::trim).filter(|parameter| {
        let name = name(parameter);
        asked.contains(&&*name) && !answer.contains(&name)
    });
    missing.fold(answer.to_owned(), |answer, parameter| format!("{answer}; {parameter}"))
}

impl Accept {
    fn text(self, key: &str) -> String {
        let right = accept_key(key).as_str().to_owned();
        match self {
            Self::Right => right,
            Self::OfOtherKey => accept_key(Key::new(*b"wsvet probes you").as_str()).as_str().into(),
            Self::LowerCase => right.to_ascii_lowercase(),
            Self::Key => key.to_owned(),
            Self::Short => right[..right.len() - 1].to_owned(),
            Self::Long => right + "=",
        }
    }
}
