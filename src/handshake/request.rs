//! Requests that ask for a WebSocket connection.

use core::fmt;

use super::fields::{
    Headers, elements, extensions, has_token, is_extension, is_token, lines, list, strings,
};
use super::rule::{Broken, CONNECTION, EXTENSIONS, HOST, KEY, PROTOCOL, Rule, UPGRADE, VERSION};
use super::{AcceptKey, Key, accept_key};

/// The number of offered subprotocols with which each of the others is compared. It bounds the time
/// that a long list takes.
const COMPARED: usize = 512;

/// A view of a request for a WebSocket connection (RFC 6455 §4.1).
///
/// It takes the parts of a request that another library has parsed. It neither copies nor allocates.
/// The rules are those of HTTP/1.1, unless [`connect`](Self::connect) creates the view: a request
/// over HTTP/2 or HTTP/3 has other header fields.
///
/// ```
/// use wsvet::handshake::{Request, Rule};
///
/// let fields = [
///     ("Host", "example.com"),
///     ("Upgrade", "websocket"),
///     ("Connection", "keep-alive, Upgrade"),
///     ("Sec-WebSocket-Version", "13"),
///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Protocol", "chat, superchat"),
/// ];
/// let request = Request::new("GET", "/chat", (1, 1), fields);
/// let accept = request.validate()?;
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert!(request.protocols().eq(["chat", "superchat"]));
///
/// // The same request after a reverse proxy that does not know WebSocket.
/// let request = Request::new("GET", "/chat", (1, 1), [fields[0], fields[3], fields[4]]);
/// assert_eq!(request.validate(), Err(Rule::MissingUpgrade));
/// assert!(request.lost_upgrade());
/// # Ok::<(), Rule>(())
/// ```
#[derive(Clone, Copy)]
pub struct Request<'h, H> {
    method: &'h str,
    target: &'h str,
    http_version: (u8, u8),
    headers: H,
    /// Whether it is an extended CONNECT.
    extended: bool,
}

impl<'h, H: Headers<'h>> Request<'h, H> {
    /// Creates the view of a request with this method, target, HTTP version and header fields.
    ///
    /// HTTP/1.1 is `(1, 1)`. [`Headers`] says what can be header fields.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let request = Request::new("GET", "/chat", (1, 1), [("Host", "example.com")]);
    /// assert!(!request.is_upgrade());
    /// ```
    pub const fn new(method: &'h str, target: &'h str, http_version: (u8, u8), headers: H) -> Self {
        Self { method, target, http_version, headers, extended: false }
    }

    /// Creates the view of an extended CONNECT for WebSocket over HTTP/2 or HTTP/3 (RFC 8441 §5,
    /// RFC 9220) with this `:path` and these header fields.
    ///
    /// The caller has found that `:method` is CONNECT and that `:protocol` is `websocket`. Such a
    /// request has no `Upgrade`, `Connection` and `Host`, and `Sec-WebSocket-Key` has no meaning in
    /// it: their rules are not checked. The others hold, and any status 2xx accepts the request.
    ///
    /// ```
    /// use wsvet::handshake::{Outcome, Request, Response, Rule};
    ///
    /// let fields = [("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat")];
    /// let request = Request::connect("/chat", fields);
    /// assert_eq!(request.broken().next(), None);
    /// let response = Response::new(200, [("sec-websocket-protocol", "chat")]);
    /// assert!(matches!(response.validate(&request), Ok(Outcome::Accepted(_))));
    ///
    /// let request = Request::connect("/chat", [("sec-websocket-version", "8")]);
    /// assert!(request.broken().eq([Rule::UnsupportedVersion]));
    /// ```
    pub const fn connect(target: &'h str, headers: H) -> Self {
        Self { method: "CONNECT", target, http_version: (2, 0), headers, extended: true }
    }

    /// Returns whether it is an extended CONNECT, which [`connect`](Self::connect) has created.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// assert!(Request::connect("/", [("sec-websocket-version", "13")]).is_connect());
    /// assert!(!Request::new("GET", "/", (1, 1), [("Host", "example.com")]).is_connect());
    /// ```
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        self.extended
    }

    /// Returns whether the HTTP version is 2 or later.
    #[cfg(feature = "alloc")]
    pub(super) const fn is_over_http2(&self) -> bool {
        self.http_version.0 >= 2
    }

    /// Returns whether the request asks for a WebSocket connection at all: `Upgrade` contains
    /// `websocket`, there is a `Sec-WebSocket-Key`, or it is an extended CONNECT.
    ///
    /// A request that does not may be any other HTTP request. A request that does may still break
    /// rules.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// assert!(Request::new("GET", "/", (1, 1), [("Upgrade", "WebSocket")]).is_upgrade());
    /// assert!(!Request::new("GET", "/", (1, 1), [("Upgrade", "h2c")]).is_upgrade());
    /// ```
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        self.extended || self.has_upgrade() || self.key().is_some()
    }

    /// Returns whether a proxy has probably removed the upgrade: there is a `Sec-WebSocket-Key`, but
    /// `Upgrade` does not contain `websocket`.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let fields = [("Connection", "close"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
    /// assert!(Request::new("GET", "/", (1, 0), fields).lost_upgrade());
    /// ```
    #[must_use]
    pub fn lost_upgrade(&self) -> bool {
        !self.extended && !self.has_upgrade() && self.key().is_some()
    }

    fn has_upgrade(&self) -> bool {
        has_token(&self.headers, UPGRADE, "websocket")
    }

    /// Returns the value of `Sec-WebSocket-Key`, valid or not, or `None` if there is no such field.
    ///
    /// If there are several, this is the first.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let request = Request::new("GET", "/", (1, 1), [("Sec-WebSocket-Key", "?")]);
    /// assert_eq!(request.key(), Some(&b"?"[..]));
    /// ```
    #[must_use]
    pub fn key(&self) -> Option<&'h [u8]> {
        self.keys().next()
    }

    /// Returns the header fields.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let request = Request::new("GET", "/", (1, 1), [("Origin", "https://example.com")]);
    /// assert_eq!(request.headers()[0].1, "https://example.com");
    /// ```
    pub const fn headers(&self) -> &H {
        &self.headers
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
        elements(&self.headers, KEY)
    }

    /// Returns the value of `Sec-WebSocket-Version`, such as `13`, or `None` if there is no such
    /// field.
    ///
    /// If there are several, this is the first.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let request = Request::new("GET", "/", (1, 1), [("Sec-WebSocket-Version", "8")]);
    /// assert_eq!(request.version(), Some(&b"8"[..]));
    /// ```
    #[must_use]
    pub fn version(&self) -> Option<&'h [u8]> {
        elements(&self.headers, VERSION).next()
    }

    /// Returns the target of the request.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let request = Request::new("GET", "/chat", (1, 1), [("Host", "example.com")]);
    /// assert_eq!(request.target(), "/chat");
    /// ```
    #[must_use]
    pub const fn target(&self) -> &'h str {
        self.target
    }

    /// Returns the subprotocols that the client offers, the one that it prefers first (§4.1).
    ///
    /// These are the elements of all `Sec-WebSocket-Protocol` fields.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let fields = [("Sec-WebSocket-Protocol", "mqtt, chat"), ("sec-websocket-protocol", "xmpp")];
    /// let request = Request::new("GET", "/", (1, 1), fields);
    /// assert!(request.protocols().eq(["mqtt", "chat", "xmpp"]));
    /// ```
    pub fn protocols(&self) -> impl Iterator<Item = &'h str> + use<'h, H> {
        strings(list(&self.headers, PROTOCOL))
    }

    /// Returns the extensions that the client offers, with their parameters, the one that it prefers
    /// first (§9.1).
    ///
    /// These are the elements of all `Sec-WebSocket-Extensions` fields. `deflate::Parameters` reads
    /// one or, separated by commas, several.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// let fields = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x")];
    /// let request = Request::new("GET", "/", (1, 1), fields);
    /// assert!(request.extensions().eq(["permessage-deflate; client_max_window_bits", "x"]));
    /// ```
    pub fn extensions(&self) -> impl Iterator<Item = &'h str> + use<'h, H> {
        strings(extensions(&self.headers))
    }

    /// Returns the rules that the request breaks.
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Rule};
    /// let fields = [
    ///     ("Host", "example.com"),
    ///     ("Upgrade", "websocket"),
    ///     ("Connection", "close"),
    ///     ("Sec-WebSocket-Version", "8"),
    ///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let broken = Request::new("GET", "/", (1, 1), fields).broken();
    /// assert!(broken.eq([Rule::MissingConnectionUpgrade, Rule::UnsupportedVersion]));
    /// ```
    pub fn broken(&self) -> Broken {
        let headers = &self.headers;
        let mut broken = Broken::default();
        broken.add(Rule::FragmentInTarget, self.target.contains('#'));
        if !self.extended {
            self.add_broken_upgrade(&mut broken);
        }
        broken.add(Rule::MissingVersion, self.version().is_none());
        let versions = || elements(headers, VERSION);
        broken.add(Rule::UnsupportedVersion, versions().any(|version| version != b"13"));
        broken.add(Rule::RepeatedVersion, versions().nth(1).is_some());
        let protocols = || list(headers, PROTOCOL);
        let present = lines(headers, PROTOCOL).next().is_some();
        let valid = protocols().next().is_some() && protocols().all(is_token);
        broken.add(Rule::InvalidProtocolList, present && !valid);
        let repeated = protocols().enumerate().any(|(index, protocol)| {
            protocols().take(index.min(COMPARED)).any(|before| before == protocol)
        });
        broken.add(Rule::RepeatedProtocol, repeated);
        broken.add(Rule::InvalidExtensionOffer, !has_valid_extensions(headers));
        broken
    }

    /// Adds the rules that an extended CONNECT cannot break.
    fn add_broken_upgrade(&self, broken: &mut Broken) {
        let headers = &self.headers;
        broken.add(Rule::MethodNotGet, self.method != "GET");
        broken.add(Rule::HttpVersionTooLow, self.http_version < (1, 1));
        broken.add(Rule::MissingHost, !lines(headers, HOST).any(|host| !host.is_empty()));
        broken.add(Rule::RepeatedHost, lines(headers, HOST).nth(1).is_some());
        broken.add(Rule::MissingUpgrade, !self.has_upgrade());
        broken.add(Rule::MissingConnectionUpgrade, !has_token(headers, CONNECTION, "upgrade"));
        broken.add(Rule::MissingKey, self.key().is_none());
        broken.add(Rule::InvalidKey, self.keys().any(|key| Key::parse(key).is_none()));
        broken.add(Rule::RepeatedKey, self.keys().nth(1).is_some());
    }

    /// Validates the request, for a server of HTTP/1.1.
    ///
    /// Returns the value of `Sec-WebSocket-Accept` for the response that accepts it. The response to
    /// an extended CONNECT has no such value: call [`broken`](Self::broken) for it.
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks. [`Rule::due`] is the HTTP status of the refusal.
    /// [`Rule::MissingKey`] for an extended CONNECT without a key.
    ///
    /// ```
    /// # use wsvet::handshake::{Due, Request, Rule};
    /// let request = Request::new("POST", "/", (1, 1), [("Host", "example.com")]);
    /// assert_eq!(request.validate(), Err(Rule::MethodNotGet));
    /// ```
    pub fn validate(&self) -> Result<AcceptKey, Rule> {
        self.broken().result()?;
        self.key().map(accept_key).ok_or(Rule::MissingKey)
    }
}

impl<H> fmt::Debug for Request<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("http_version", &self.http_version)
            .finish_non_exhaustive()
    }
}

/// Returns whether the extensions are a list of one or more, or there is no such field.
pub(super) fn has_valid_extensions<'h, H: Headers<'h>>(headers: &H) -> bool {
    let mut all = extensions(headers).peekable();
    match all.peek() {
        None => lines(headers, EXTENSIONS).next().is_none(),
        Some(_) => all.all(is_extension),
    }
}

/// Returns the first offered subprotocol that is supported, or `None` if none is.
///
/// The client lists the subprotocols in the order of its preference (RFC 6455 §4.1), so its order
/// counts and that of `supported` does not. To let the server's order count, swap the two lists.
/// Names are case-sensitive. If the result is `None`, the response has no `Sec-WebSocket-Protocol`
/// (§4.2.2), and a browser that offered some fails the connection.
///
/// ```
/// use wsvet::handshake::choose_protocol;
///
/// let offered = ["v2.chat", "v1.chat"];
/// assert_eq!(choose_protocol(offered, &["v1.chat", "v2.chat"]), Some("v2.chat"));
/// assert_eq!(choose_protocol(["v1.chat", "v2.chat"], &offered), Some("v1.chat")); // swapped
/// assert_eq!(choose_protocol(offered, &["Chat"]), None);
/// ```
#[must_use]
pub fn choose_protocol<'a>(
    offered: impl IntoIterator<Item = &'a str>,
    supported: &[&str],
) -> Option<&'a str> {
    offered.into_iter().find(|protocol| supported.contains(protocol))
}
