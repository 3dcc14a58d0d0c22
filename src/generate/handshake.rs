//! Opening handshakes: the request, and the response to it.

use std::borrow::ToOwned;
use std::fmt::Write as _;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::handshake::{Due, Headers, Key, Request, Response, Rule, accept_key};

type Fields = Vec<(&'static str, String)>;

/// The request and the response of an opening handshake (RFC 6455 §4).
///
/// A legal handshake is completed: the server responds with status 101. If the request breaks a rule,
/// the server refuses it with the status that is due ([`Rule::due`]). If the response breaks a rule,
/// its status is 101, and the client must fail the connection.
///
/// A message that breaks a rule breaks no other if that is possible. (An answer that is no list of
/// extensions may also name one that was not offered, for example.)
///
/// ```
/// use arbitrary::Unstructured;
/// use wsvet::generate::Handshake;
/// use wsvet::handshake::{Due, Rule};
///
/// let mut u = Unstructured::new(b"as many bytes as the fuzzer has found");
/// let handshake = Handshake::breaking(Rule::InvalidKey, &mut u)?;
/// assert_eq!(handshake.request().validate().unwrap_err(), Rule::InvalidKey);
/// assert_eq!(Due::Status(handshake.response().status()), Rule::InvalidKey.due());
/// # Ok::<(), arbitrary::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handshake {
    method: &'static str,
    target: String,
    http_version: (u8, u8),
    asked: Fields,
    status: u16,
    answered: Fields,
    broken: Option<Rule>,
}

const HOST: &str = "Host";
const UPGRADE: &str = "Upgrade";
const CONNECTION: &str = "Connection";
const VERSION: &str = "Sec-WebSocket-Version";
const KEY: &str = "Sec-WebSocket-Key";
const ACCEPT: &str = "Sec-WebSocket-Accept";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// Names of each field that differ in case alone.
const NAMES: [[&str; 2]; 8] = [
    [HOST, "host"],
    [UPGRADE, "upgrade"],
    [CONNECTION, "CONNECTION"],
    [VERSION, "sec-websocket-version"],
    [KEY, "sec-websocket-key"],
    [ACCEPT, "SEC-WEBSOCKET-ACCEPT"],
    [PROTOCOL, "sec-websocket-protocol"],
    [EXTENSIONS, "Sec-Websocket-Extensions"],
];

/// Subprotocols, none of which differs from another in case alone.
const PROTOCOLS: [&str; 4] = ["chat", "mqtt", "graphql-transport-ws", "v12.stomp"];

/// Offers of extensions, each with an answer that fits.
const FITTING: [(&str, &str); 6] = [
    ("permessage-deflate", "permessage-deflate"),
    ("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=9"),
    ("x, permessage-deflate", "x"),
    (
        "permessage-deflate; server_max_window_bits=\"10\"",
        "permessage-deflate; server_max_window_bits=10",
    ),
    (
        "permessage-deflate; server_no_context_takeover, permessage-deflate",
        "permessage-deflate; client_no_context_takeover",
    ),
    ("x; y=\"z\" , x; y", "x; y=z"),
];

/// Offers of permessage-deflate, each with an answer that does not fit.
const NOT_FITTING: [(&str, &str); 7] = [
    ("permessage-deflate", "permessage-deflate; client_max_window_bits=10"),
    ("permessage-deflate", "permessage-deflate; x"),
    ("permessage-deflate", "permessage-deflate, permessage-deflate"),
    ("permessage-deflate", "permessage-deflate; server_no_context_takeover=1"),
    ("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=16"),
    ("permessage-deflate; server_no_context_takeover", "permessage-deflate"),
    (
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=11",
    ),
];

/// Values that are no list of extensions. Most of them begin with the name that [`FITTING`] begins with.
const NO_EXTENSIONS: [&str; 8] = [
    "",
    ",",
    "permessage-deflate;",
    "permessage-deflate; =",
    "permessage-deflate; x=",
    "permessage-deflate; x=\"y z\"",
    "permessage-deflate; x=\"y",
    "x y",
];

impl Handshake {
    /// Creates a legal handshake.
    ///
    /// # Errors
    ///
    /// Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert!(handshake.request().validate().is_ok());
    /// assert!(handshake.response().validate(&handshake.request()).is_ok());
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn legal(u: &mut Unstructured<'_>) -> Result<Self> {
        let key = Key::new(u.arbitrary()?);
        let mut asked = vec![
            (HOST, (*u.choose(&["example.com", "[::1]:8080"])?).to_owned()),
            (UPGRADE, (*u.choose(&["websocket", "WebSocket", "h2c, websocket"])?).to_owned()),
            (CONNECTION, connection(u)?.to_owned()),
            (VERSION, "13".to_owned()),
            (KEY, key.as_str().to_owned()),
        ];
        let mut answered = vec![
            (UPGRADE, (*u.choose(&["websocket", "WebSocket"])?).to_owned()),
            (CONNECTION, connection(u)?.to_owned()),
            (ACCEPT, key.accept().as_str().to_owned()),
        ];
        if u.arbitrary()? {
            let offered = &PROTOCOLS[..u.int_in_range(1..=PROTOCOLS.len())?];
            asked.push((PROTOCOL, offered.join(", ")));
            if u.arbitrary()? {
                answered.push((PROTOCOL, (*u.choose(offered)?).to_owned()));
            }
        }
        if u.arbitrary()? {
            let (offer, answer) = *u.choose(&FITTING)?;
            asked.push((EXTENSIONS, offer.to_owned()));
            if u.arbitrary()? {
                answered.push((EXTENSIONS, answer.to_owned()));
            }
        }
        if u.arbitrary()? {
            asked.push(("Origin", "https://example.com".to_owned()));
            answered.push(("Server", "example".to_owned()));
        }
        Self {
            method: "GET",
            target: (*u.choose(&["/", "/chat?room=1", "http://example.com/%23"])?).to_owned(),
            http_version: *u.choose(&[(1, 1), (1, 1), (1, 2), (2, 0)])?,
            asked,
            status: 101,
            answered,
            broken: None,
        }
        .in_any_order(u)
    }

    /// Creates a handshake in which a message breaks this rule: the request, or the response to a
    /// legal request ([`Rule::sender`]).
    ///
    /// Every rule can be broken. [`Rule::ExtensionDoesNotFit`] is found only with the feature
    /// `deflate`.
    ///
    /// No request breaks [`Rule::DataBeforeResponse`] by itself: for this rule the request is legal, and
    /// you send data right after it.
    ///
    /// # Errors
    ///
    /// Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{generate::Handshake, handshake::Rule};
    /// let mut u = Unstructured::new(b"bytes");
    /// let handshake = Handshake::breaking(Rule::WrongAccept, &mut u)?;
    /// let request = handshake.request();
    /// assert!(request.validate().is_ok());
    /// assert_eq!(handshake.response().validate(&request).unwrap_err(), Rule::WrongAccept);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn breaking(rule: Rule, u: &mut Unstructured<'_>) -> Result<Self> {
        let mut handshake = Self::legal(u)?;
        handshake.broken = Some(rule);
        handshake.break_rule(rule, u)?;
        if let Due::Status(status) = rule.due() {
            handshake.status = status;
            handshake.answered = vec![("Content-Length", "0".to_owned())];
            if status == 426 {
                let fields = [(UPGRADE, "websocket"), (CONNECTION, "Upgrade"), (VERSION, "13")];
                handshake.answered.extend(fields.map(|(name, value)| (name, value.to_owned())));
            }
        }
        Ok(handshake)
    }

    /// Returns the rule that the request or the response breaks, or `None` if the handshake is legal.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(handshake.broken(), None);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub const fn broken(&self) -> Option<Rule> {
        self.broken
    }

    /// Returns the request of the client.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert!(handshake.request().is_upgrade());
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn request(&self) -> Request<'_, impl Headers<'_>> {
        Request::new(self.method, &self.target, self.http_version, headers(&self.asked))
    }

    /// Returns the response of the server.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(handshake.response().status(), 101);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn response(&self) -> Response<impl Headers<'_>> {
        Response::new(self.status, headers(&self.answered))
    }

    /// Returns the head of the request as it is sent, up to the empty line.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert!(handshake.request_head().starts_with("GET "));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn request_head(&self) -> String {
        let (major, minor) = self.http_version;
        head(format!("{} {} HTTP/{major}.{minor}", self.method, self.target), &self.asked)
    }

    /// Returns the head of the response as it is sent, up to the empty line. It has no body.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::generate::Handshake;
    /// let handshake = Handshake::legal(&mut Unstructured::new(b"bytes"))?;
    /// assert!(handshake.response_head().starts_with("HTTP/1.1 101 \r\n"));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn response_head(&self) -> String {
        head(format!("HTTP/1.1 {} ", self.status), &self.answered)
    }

    fn break_rule(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<()> {
        match rule {
            // The heads are legal: the fault is to send data before the response.
            Rule::DataBeforeResponse => {}
            Rule::MethodNotGet => self.method = u.choose(&["POST", "HEAD", "get", "CONNECT"])?,
            Rule::HttpVersionTooLow => self.http_version = *u.choose(&[(1, 0), (0, 9)])?,
            Rule::FragmentInTarget => self.target += u.choose(&["#", "#top"])?,
            Rule::MissingHost => set(&mut self.asked, HOST, u.choose(&[None, Some("")])?),
            Rule::MissingUpgrade => {
                let other = u.choose(&[None, Some(""), Some("h2c"), Some("websockets")])?;
                set(&mut self.asked, UPGRADE, other);
            }
            Rule::MissingConnectionUpgrade => {
                set(&mut self.asked, CONNECTION, no_upgrade(u)?);
            }
            Rule::MissingVersion => set(&mut self.asked, VERSION, &None),
            Rule::UnsupportedVersion => {
                let other = *u.choose(&["", "0", "8", "12", "14", "013", "13.0"])?;
                set(&mut self.asked, VERSION, &Some(other));
            }
            Rule::MissingKey => set(&mut self.asked, KEY, &None),
            Rule::InvalidKey => {
                let other = *u.choose(&[
                    "",
                    "dGhlIHNhbXBsZSBub25j",
                    "dGhlIHNhbXBsZSBub25jZQ",
                    "dGhlIHNhbXBsZSBub25jZSE=",
                    "dGhlIHNhbXBsZSBub25_-Q==",
                    "7468652073616d706c65206e6f6e6365",
                ])?;
                set(&mut self.asked, KEY, &Some(other));
            }
            Rule::RepeatedHost => self.asked.push((HOST, "example.org".to_owned())),
            Rule::RepeatedVersion => repeat(&mut self.asked, VERSION, u)?,
            Rule::RepeatedKey => repeat(&mut self.asked, KEY, u)?,
            Rule::InvalidProtocolList => {
                let no_list =
                    *u.choose(&["", ",", "a b", "a=b", "https://example.com", "\"chat\""])?;
                set(&mut self.asked, PROTOCOL, &Some(no_list));
            }
            Rule::RepeatedProtocol => {
                set(&mut self.asked, PROTOCOL, u.choose(&[Some("chat"), Some("mqtt, chat")])?);
                repeat(&mut self.asked, PROTOCOL, u)?;
            }
            Rule::InvalidExtensionOffer => {
                set(&mut self.asked, EXTENSIONS, &Some(*u.choose(&NO_EXTENSIONS)?));
            }
            Rule::UpgradeNotConfirmed => {
                let other = u.choose(&[None, Some(""), Some("h2c"), Some("websocket, h2c")])?;
                set(&mut self.answered, UPGRADE, other);
            }
            Rule::ConnectionNotConfirmed => {
                set(&mut self.answered, CONNECTION, no_upgrade(u)?);
            }
            Rule::MissingAccept => set(&mut self.answered, ACCEPT, &None),
            Rule::WrongAccept => {
                let right = value(&self.answered, ACCEPT);
                let other = match u.int_in_range(0..=3)? {
                    0 => String::new(),
                    1 => value(&self.asked, KEY),
                    2 => accept_key(&right).as_str().to_owned(),
                    _ => format!("{right}="),
                };
                set(&mut self.answered, ACCEPT, &Some(&other));
            }
            Rule::RepeatedAccept => repeat(&mut self.answered, ACCEPT, u)?,
            Rule::RepeatedSubprotocol => {
                set(&mut self.asked, PROTOCOL, &Some("mqtt, chat"));
                set(&mut self.answered, PROTOCOL, &Some(*u.choose(&["mqtt", "chat"])?));
                repeat(&mut self.answered, PROTOCOL, u)?;
            }
            Rule::SubprotocolNotOffered => {
                let other = *u.choose(&["", "other", "CHAT"])?;
                set(&mut self.answered, PROTOCOL, &Some(other));
            }
            Rule::InvalidExtensionAnswer => {
                set(&mut self.asked, EXTENSIONS, &Some(FITTING[0].0));
                set(&mut self.answered, EXTENSIONS, &Some(*u.choose(&NO_EXTENSIONS)?));
            }
            Rule::ExtensionNotOffered => {
                let other =
                    *u.choose(&["x-webkit-deflate-frame", "y; x=\"z\"", "bbf-usp; a, y"])?;
                set(&mut self.answered, EXTENSIONS, &Some(other));
            }
            Rule::ExtensionDoesNotFit => {
                let (offer, answer) = *u.choose(&NOT_FITTING)?;
                set(&mut self.asked, EXTENSIONS, &Some(offer));
                set(&mut self.answered, EXTENSIONS, &Some(answer));
            }
        }
        Ok(())
    }

    /// Changes the order of the fields, and the case of their names.
    fn in_any_order(mut self, u: &mut Unstructured<'_>) -> Result<Self> {
        for fields in [&mut self.asked, &mut self.answered] {
            let first = u.int_in_range(0..=fields.len() - 1)?;
            fields.rotate_left(first);
            for (name, _) in fields {
                if let Some(names) = NAMES.iter().find(|names| names[0] == *name) {
                    *name = u.choose(names)?;
                }
            }
        }
        Ok(self)
    }
}

fn connection(u: &mut Unstructured<'_>) -> Result<&'static str> {
    u.choose(&["Upgrade", "upgrade", "keep-alive, Upgrade"]).copied()
}

fn no_upgrade<'a>(u: &mut Unstructured<'_>) -> Result<&'a Option<&'static str>> {
    u.choose(&[None, Some(""), Some("close"), Some("keep-alive"), Some("Upgrade-Insecure")])
}

fn headers(fields: &Fields) -> impl Headers<'_> {
    fields.iter().map(|(name, value)| (name, value))
}

fn head(first_line: String, fields: &Fields) -> String {
    let mut head = first_line + "\r\n";
    for (name, value) in fields {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head + "\r\n"
}

fn value(fields: &Fields, name: &str) -> String {
    let field = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
    field.map_or(String::new(), |(_, value)| value.clone())
}

/// Replaces the fields with this name by one with this value, or removes them.
fn set(fields: &mut Fields, name: &'static str, value: &Option<&str>) {
    fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    if let Some(value) = value {
        fields.push((name, (*value).to_owned()));
    }
}

/// Repeats a value: in a line of its own, or in a list.
fn repeat(fields: &mut Fields, name: &'static str, u: &mut Unstructured<'_>) -> Result<()> {
    let value = value(fields, name);
    if u.arbitrary()? {
        fields.push((name, value));
    } else {
        set(fields, name, &Some(&format!("{value}, {value}")));
    }
    Ok(())
}

impl<'a> Arbitrary<'a> for Handshake {
    /// Creates a legal handshake, or one that breaks a rule, about equally often.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.arbitrary()? {
            return Self::legal(u);
        }
        let rule = u.arbitrary()?;
        match rule {
            // No head breaks it.
            Rule::DataBeforeResponse => Self::legal(u),
            _ => Self::breaking(rule, u),
        }
    }
}

impl<'a> Arbitrary<'a> for Rule {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(Self::ALL).copied()
    }
}
