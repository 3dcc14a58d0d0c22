//! The heads of requests and responses, written.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::fields::is_token;
use super::rule::{ACCEPT, CONNECTION, EXTENSIONS, HOST, KEY, PROTOCOL, UPGRADE, VERSION};
use super::{AcceptKey, Due, Headers, Key, Request, Response, Rule};

/// The error if the head of a request or a response cannot be written.
///
/// ```
/// use wsvet::handshake::{InvalidHead, Key, RequestBuilder};
///
/// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
/// let invalid = request.header("Cookie", "a=b\r\nX-Admin: 1").build().unwrap_err();
/// assert_eq!(invalid, InvalidHead::Value("Cookie".to_owned()));
/// assert_eq!(
///     invalid.to_string(),
///     "invalid value of the header `Cookie`: it must have no line end and no other control character",
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InvalidHead {
    /// The target of the request is not a path that starts with `/`, or an http or https URI, or it
    /// has a character that must be escaped.
    Target,
    /// The status of a refusal is not 300 to 599.
    Status(u16),
    /// The name of a header is not a token.
    Name(String),
    /// The value of the header with this name has a control character, or one that this header must
    /// not have.
    Value(String),
    /// The builder itself writes the header with this name.
    Reserved(String),
    /// The message would break this rule.
    Broken(Rule),
    /// The response accepts an extended CONNECT, which HTTP/1.1 does not have.
    NotHttp1,
}

impl fmt::Display for InvalidHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target => f.write_str(
                "invalid request target: it must be a path that starts with `/`, with spaces and \
                 characters that are not ASCII escaped",
            ),
            Self::Status(status) => {
                write!(f, "invalid status {status} of a refusal: it must be 300 to 599")
            }
            Self::Name(name) => {
                write!(f, "invalid header name {name:?}: it must be letters, digits and hyphens")
            }
            Self::Value(name) if name == HOST => {
                write!(
                    f,
                    "invalid value of the header `{HOST}`: it must be a host, perhaps with a port"
                )
            }
            Self::Value(name) if name == PROTOCOL => write!(
                f,
                "invalid value of the header `{PROTOCOL}`: it must be names without spaces and \
                 separators"
            ),
            Self::Value(name) => write!(
                f,
                "invalid value of the header `{name}`: it must have no line end and no other \
                 control character"
            ),
            Self::Reserved(name) => write!(f, "the builder itself writes the header `{name}`"),
            Self::Broken(rule) => write!(f, "the message would break {rule}: {}", rule.text()),
            Self::NotHttp1 => f.write_str(
                "the response accepts an extended CONNECT, which HTTP/1.1 does not have",
            ),
        }
    }
}

impl core::error::Error for InvalidHead {}

const CONTENT_TYPE: &str = "Content-Type";
const CONTENT_LENGTH: &str = "Content-Length";

/// The status with which the builder accepts an extended CONNECT. Any status 2xx would do.
const ACCEPTS_CONNECT: u16 = 200;

/// The header fields that the builders write. `Transfer-Encoding` would contradict one of them.
const RESERVED: [&str; 10] = [
    HOST,
    UPGRADE,
    CONNECTION,
    VERSION,
    KEY,
    ACCEPT,
    PROTOCOL,
    EXTENSIONS,
    CONTENT_LENGTH,
    "Transfer-Encoding",
];

/// The header fields of a message, and why they cannot be written.
#[derive(Clone, Debug)]
struct Fields {
    fields: Vec<(String, String)>,
    invalid: Option<InvalidHead>,
}

impl Fields {
    fn new(fields: &[(&str, &str)]) -> Self {
        let mut new = Self { fields: Vec::new(), invalid: None };
        fields.iter().for_each(|(name, value)| new.add(name, value));
        new
    }

    fn add(&mut self, name: &str, value: &str) {
        let is_text = |byte: u8| byte == b'\t' || !byte.is_ascii_control();
        if !is_token(name.as_bytes()) {
            self.refuse(InvalidHead::Name(name.to_owned()));
        } else if !value.bytes().all(is_text) {
            self.refuse(InvalidHead::Value(name.to_owned()));
        } else {
            self.fields.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Adds a field of the caller.
    fn add_other(&mut self, name: &str, value: &str) {
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        if RESERVED.iter().any(is) {
            self.refuse(InvalidHead::Reserved(name.to_owned()));
        }
        if is(&CONTENT_TYPE) {
            self.remove(CONTENT_TYPE);
        }
        self.add(name, value);
    }

    fn remove(&mut self, removed: &str) {
        self.fields.retain(|(name, _)| !name.eq_ignore_ascii_case(removed));
    }

    /// Keeps the first error.
    fn refuse(&mut self, invalid: InvalidHead) {
        self.invalid.get_or_insert(invalid);
    }

    fn as_headers(&self) -> impl Headers<'_> {
        self.fields.iter().map(|(name, value)| (name, value))
    }

    /// Returns what is wrong with the fields, or else the rule that the message breaks.
    fn check(&self, broken: Option<Rule>) -> Result<(), InvalidHead> {
        self.invalid.clone().or(broken.map(InvalidHead::Broken)).map_or(Ok(()), Err)
    }

    /// Returns the head that starts with this line.
    fn head(&self, first_line: &str) -> String {
        let mut head = format!("{first_line}\r\n");
        for (name, value) in &self.fields {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head
    }
}

/// Writes the request of a client (RFC 6455 §4.1; feature `alloc`).
///
/// Nothing that breaks a rule is written, and no value can add a line of its own: it is an error.
///
/// ```
/// use wsvet::handshake::{Key, RequestBuilder};
///
/// let key = Key::new(*b"the sample nonce"); // 16 random bytes
/// let request = RequestBuilder::new("example.com", "/chat", key).protocols(["chat", "superchat"]);
/// assert_eq!(
///     request.build()?,
///     "GET /chat HTTP/1.1\r\n\
///      Host: example.com\r\n\
///      Upgrade: websocket\r\n\
///      Connection: Upgrade\r\n\
///      Sec-WebSocket-Version: 13\r\n\
///      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///      Sec-WebSocket-Protocol: chat, superchat\r\n\r\n",
/// );
/// # Ok::<(), wsvet::handshake::InvalidHead>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder writes nothing before `build` is called"]
pub struct RequestBuilder {
    target: String,
    fields: Fields,
}

impl RequestBuilder {
    /// Creates the request for this host and target, with this key.
    ///
    /// `host` has the port, after a colon, if it is not the default one. `target` is the path and
    /// the query of the URL.
    ///
    /// ```
    /// # use wsvet::handshake::{Key, RequestBuilder};
    /// let request = RequestBuilder::new("example.com:8080", "/chat?room=1", Key::new([0; 16]));
    /// assert!(request.build()?.contains("\r\nHost: example.com:8080\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn new(host: &str, target: &str, key: Key) -> Self {
        let mut fields = Fields::new(&[
            (HOST, host),
            (UPGRADE, "websocket"),
            (CONNECTION, "Upgrade"),
            (VERSION, "13"),
            (KEY, key.as_str()),
        ]);
        if !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            fields.refuse(InvalidHead::Value(HOST.to_owned()));
        }
        let is_target = ["/", "http://", "https://"].iter().any(|start| target.starts_with(start));
        if !is_target || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            fields.refuse(InvalidHead::Target);
        }
        Self { target: target.to_owned(), fields }
    }

    /// Adds the origin of the page that connects, as a browser does (§4.1).
    ///
    /// ```
    /// # use wsvet::handshake::{Key, RequestBuilder};
    /// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    /// let request = request.origin("https://example.com").build()?;
    /// assert!(request.contains("\r\nOrigin: https://example.com\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Offers subprotocols, the preferred one first (§4.1). Without any, nothing is written.
    ///
    /// ```
    /// # use wsvet::handshake::{InvalidHead, Key, RequestBuilder, Rule};
    /// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    /// let twice = request.protocols(["mqtt", "mqtt"]).build();
    /// assert_eq!(twice, Err(InvalidHead::Broken(Rule::RepeatedProtocol)));
    /// ```
    pub fn protocols<'a>(mut self, protocols: impl IntoIterator<Item = &'a str>) -> Self {
        let protocols: Vec<_> = protocols.into_iter().collect();
        if !protocols.iter().all(|protocol| is_token(protocol.as_bytes())) {
            self.fields.refuse(InvalidHead::Value(PROTOCOL.to_owned()));
        } else if !protocols.is_empty() {
            self.fields.add(PROTOCOL, &protocols.join(", "));
        }
        self
    }

    /// Offers extensions, such as what `deflate::Parameters::offer` returns (§9.1).
    ///
    /// ```
    /// # use wsvet::handshake::{Key, RequestBuilder};
    /// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    /// let request = request.extensions("permessage-deflate").build()?;
    /// assert!(request.contains("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn extensions<'a>(mut self, extensions: impl Into<Option<&'a str>>) -> Self {
        if let Some(extensions) = extensions.into() {
            self.fields.add(EXTENSIONS, extensions);
        }
        self
    }

    /// Adds a header field, such as `Authorization` or `Cookie`.
    ///
    /// The fields that the other methods write are errors.
    ///
    /// ```
    /// # use wsvet::handshake::{Key, RequestBuilder};
    /// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    /// assert!(request.header("Cookie", "a=b").build()?.contains("\r\nCookie: a=b\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.add_other(name, value);
        self
    }

    /// Returns a view of the request, to validate the response with.
    ///
    /// ```
    /// # use wsvet::handshake::{Key, RequestBuilder, Response, Rule};
    /// let request = RequestBuilder::new("example.com", "/", Key::new([0; 16]));
    /// let response = Response::new(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")]);
    /// assert_eq!(response.validate(&request.as_request()).unwrap_err(), Rule::MissingAccept);
    /// ```
    #[must_use]
    pub fn as_request(&self) -> Request<'_, impl Headers<'_>> {
        Request::new("GET", &self.target, (1, 1), self.fields.as_headers())
    }

    /// Returns the head of the request. It ends with an empty line; frames follow after the
    /// response.
    ///
    /// # Errors
    ///
    /// An [`InvalidHead`] for the first thing that is wrong.
    ///
    /// ```
    /// # use wsvet::handshake::{InvalidHead, Key, RequestBuilder};
    /// let request = RequestBuilder::new("example.com", "/a b", Key::new([0; 16]));
    /// assert_eq!(request.build(), Err(InvalidHead::Target));
    /// ```
    pub fn build(&self) -> Result<String, InvalidHead> {
        self.fields.check(self.as_request().broken().next())?;
        Ok(self.fields.head(&format!("GET {} HTTP/1.1", self.target)))
    }
}

/// Writes the response of a server (RFC 6455 §4.2.2; feature `alloc`).
///
/// Nothing that breaks a rule is written, and no value can add a line of its own: it is an error.
///
/// ```
/// use wsvet::handshake::{ResponseBuilder, accept_key};
///
/// let accept = accept_key("dGhlIHNhbXBsZSBub25jZQ=="); // or what `Request::validate` returns
/// assert_eq!(
///     ResponseBuilder::accept(accept).subprotocol("chat").build()?,
///     "HTTP/1.1 101 Switching Protocols\r\n\
///      Upgrade: websocket\r\n\
///      Connection: Upgrade\r\n\
///      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///      Sec-WebSocket-Protocol: chat\r\n\r\n",
/// );
/// # Ok::<(), wsvet::handshake::InvalidHead>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder writes nothing before `build` is called"]
pub struct ResponseBuilder {
    status: u16,
    fields: Fields,
    body: String,
}

impl ResponseBuilder {
    /// Creates the response with status 101, which accepts a request.
    ///
    /// ```
    /// # use wsvet::handshake::{Request, ResponseBuilder, Rule};
    /// # fn respond(request: Request<'_, [(&'static str, &'static str); 1]>) -> ResponseBuilder {
    /// match request.validate() {
    ///     Ok(accept) => ResponseBuilder::accept(accept),
    ///     Err(rule) => ResponseBuilder::refuse(rule),
    /// }
    /// # }
    /// # let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
    /// # assert!(respond(request).build().unwrap().starts_with("HTTP/1.1 426 "));
    /// ```
    pub fn accept(accept: AcceptKey) -> Self {
        let fields = [(UPGRADE, "websocket"), (CONNECTION, "Upgrade"), (ACCEPT, accept.as_str())];
        Self { status: 101, fields: Fields::new(&fields), body: String::new() }
    }

    /// Creates the response with status 200, which accepts an extended CONNECT over HTTP/2 or HTTP/3
    /// (RFC 8441 §5, RFC 9220).
    ///
    /// It has no `Upgrade`, no `Connection` and no `Sec-WebSocket-Accept`. [`build`](Self::build)
    /// returns an error for it, because HTTP/1.1 has no such response.
    ///
    #[cfg_attr(feature = "http", doc = "```")]
    #[cfg_attr(not(feature = "http"), doc = "```ignore")]
    /// # use wsvet::handshake::{InvalidHead, ResponseBuilder};
    /// let response = ResponseBuilder::accept_connect().subprotocol("chat").into_http()?;
    /// assert_eq!(response.status(), 200);
    /// assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat");
    /// assert_eq!(response.headers().len(), 1);
    /// # Ok::<(), InvalidHead>(())
    /// ```
    pub fn accept_connect() -> Self {
        Self { status: ACCEPTS_CONNECT, fields: Fields::new(&[]), body: String::new() }
    }

    /// Creates the response that refuses a request that breaks this rule, with the status that is
    /// [due](Rule::due) and the [text](Rule::text) of the rule as its body.
    ///
    /// A response with status 426 has `Sec-WebSocket-Version: 13` and `Upgrade: websocket` (§4.4, RFC
    /// 9110 §15.5.22), one with status 405 has `Allow: GET`. For a rule about responses the status
    /// is 502: a proxy refuses the client so, if the server behind it breaks the rule.
    ///
    /// The server closes the connection after the response.
    ///
    /// ```
    /// # use wsvet::handshake::{ResponseBuilder, Rule};
    /// assert_eq!(
    ///     ResponseBuilder::refuse(Rule::UnsupportedVersion).build()?,
    ///     "HTTP/1.1 426 Upgrade Required\r\n\
    ///      Connection: Upgrade, close\r\n\
    ///      Upgrade: websocket\r\n\
    ///      Sec-WebSocket-Version: 13\r\n\
    ///      Content-Type: text/plain; charset=utf-8\r\n\
    ///      Content-Length: 48\r\n\r\n\
    ///      unsupported Sec-WebSocket-Version: it must be 13",
    /// );
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn refuse(rule: Rule) -> Self {
        let status = match rule.due() {
            Due::Status(status) => status,
            Due::FailConnection => 502,
        };
        Self::refuse_with(status, rule.text())
    }

    /// Creates the response that refuses a request with this status, 300 to 599, and this body.
    ///
    /// It is for reasons of the server's own: 401 to ask for a login, 403 for an origin that is not
    /// allowed, 404 for a target that does not exist (§4.2.2). A browser shows the page none of
    /// them.
    ///
    /// ```
    /// # use wsvet::handshake::ResponseBuilder;
    /// let moved = ResponseBuilder::refuse_with(307, "").header("Location", "/v2/chat");
    /// assert!(moved.build()?.contains("\r\nLocation: /v2/chat\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn refuse_with(status: u16, body: &str) -> Self {
        let mut fields = match status {
            405 => Fields::new(&[(CONNECTION, "close"), ("Allow", "GET")]),
            426 => Fields::new(&[
                (CONNECTION, "Upgrade, close"),
                (UPGRADE, "websocket"),
                (VERSION, "13"),
            ]),
            _ => Fields::new(&[(CONNECTION, "close")]),
        };
        if !body.is_empty() {
            fields.add(CONTENT_TYPE, "text/plain; charset=utf-8");
        }
        fields.add(CONTENT_LENGTH, &body.len().to_string());
        if !(300..600).contains(&status) {
            fields.refuse(InvalidHead::Status(status));
        }
        Self { status, fields, body: body.to_owned() }
    }

    /// Changes the response to one of HTTP/2 or HTTP/3: removes `Connection` and `Upgrade`, which are
    /// malformed there (RFC 9113 §8.2.2).
    ///
    /// Status 426 becomes 400, because these versions have no upgrade. `Sec-WebSocket-Version` stays.
    ///
    /// ```
    /// # use wsvet::handshake::{ResponseBuilder, Rule};
    /// let refusal = ResponseBuilder::refuse(Rule::UnsupportedVersion).over_http2().build()?;
    /// assert!(refusal.starts_with("HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn over_http2(mut self) -> Self {
        self.fields.remove(CONNECTION);
        self.fields.remove(UPGRADE);
        if self.status == 426 {
            self.status = 400;
        }
        self
    }

    /// Names the subprotocol that the server chose, if any (§4.2.2).
    ///
    /// It must be one of those that the client offered, as
    /// [`choose_protocol`](super::choose_protocol) returns.
    ///
    /// ```
    /// # use wsvet::handshake::{ResponseBuilder, accept_key, choose_protocol};
    /// let response = ResponseBuilder::accept(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
    /// let response = response.subprotocol(choose_protocol(["mqtt"], &["chat"])).build()?;
    /// assert!(!response.contains("Sec-WebSocket-Protocol"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn subprotocol<'a>(mut self, subprotocol: impl Into<Option<&'a str>>) -> Self {
        match subprotocol.into() {
            Some(name) if is_token(name.as_bytes()) => self.fields.add(PROTOCOL, name),
            Some(_) => self.fields.refuse(InvalidHead::Value(PROTOCOL.to_owned())),
            None => {}
        }
        self
    }

    /// Names the extensions in use, if any, such as what `deflate::Parameters::accept` returns
    /// (§9.1).
    ///
    /// ```
    /// # use wsvet::handshake::{ResponseBuilder, accept_key};
    /// let response = ResponseBuilder::accept(accept_key("dGhlIHNhbXBsZSBub25jZQ=="));
    /// let response = response.extensions("permessage-deflate").build()?;
    /// assert!(response.contains("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn extensions<'a>(mut self, extensions: impl Into<Option<&'a str>>) -> Self {
        if let Some(extensions) = extensions.into() {
            self.fields.add(EXTENSIONS, extensions);
        }
        self
    }

    /// Adds a header field, such as `Set-Cookie` or `WWW-Authenticate`.
    ///
    /// `Content-Type` replaces that of [`refuse_with`](Self::refuse_with), which is plain text. The
    /// fields that the other methods write are errors.
    ///
    /// ```
    /// # use wsvet::handshake::ResponseBuilder;
    /// let refusal = ResponseBuilder::refuse_with(401, "").header("WWW-Authenticate", "Basic");
    /// assert!(refusal.build()?.contains("\r\nWWW-Authenticate: Basic\r\n"));
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.add_other(name, value);
        self
    }

    /// Returns what is wrong with the response.
    pub(super) fn check(&self) -> Result<(), InvalidHead> {
        let response = Response::new(self.status, self.fields.as_headers());
        let mut broken = match self.status {
            ACCEPTS_CONNECT => response.broken_connect(),
            _ => response.broken_without_request(),
        };
        self.fields.check(broken.next())
    }

    /// Returns the status, the header fields and the body.
    #[cfg(feature = "http")]
    pub(super) fn into_parts(self) -> (u16, Vec<(String, String)>, String) {
        (self.status, self.fields.fields, self.body)
    }

    /// Returns the response: the head, and the body of a refusal. Frames follow a response with
    /// status 101.
    ///
    /// # Errors
    ///
    /// An [`InvalidHead`] for the first thing that is wrong.
    ///
    /// ```
    /// # use wsvet::handshake::{InvalidHead, ResponseBuilder};
    /// let ok = ResponseBuilder::refuse_with(200, "").build();
    /// assert_eq!(ok, Err(InvalidHead::Status(200)));
    /// ```
    pub fn build(&self) -> Result<String, InvalidHead> {
        self.check()?;
        let Self { status, fields, body } = self;
        if *status == ACCEPTS_CONNECT {
            return Err(InvalidHead::NotHttp1);
        }
        let mut response = fields.head(&format!("HTTP/1.1 {status} {}", reason(*status)));
        response.push_str(body);
        Ok(response)
    }
}

/// Returns the usual reason phrase, or nothing: it has no meaning (RFC 9112 §4).
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}
