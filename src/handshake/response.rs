//! Responses of servers to requests for a WebSocket connection.

use core::fmt;

use super::fields::{
    Headers, elements, extension_name, extensions, has_token, lines, list, strings,
};
use super::request::has_valid_extensions;
use super::rule::{ACCEPT, Broken, CONNECTION, PROTOCOL, Rule, UPGRADE};
use super::{Request, accept_key};
#[cfg(feature = "deflate")]
use crate::deflate::Parameters;

/// The status with which a server of HTTP/1.1 accepts a WebSocket connection.
const SWITCHING_PROTOCOLS: u16 = 101;

/// A view of the response of a server to a request for a WebSocket connection (RFC 6455 §4.2.2).
///
/// It takes the parts of a response that another library has parsed. It neither copies nor
/// allocates. Responses with status 100, 102 or 103 come before the response: skip them.
///
/// ```
/// use wsvet::handshake::{Outcome, Request, Response, Rule};
///
/// let request = Request::new("GET", "/chat", (1, 1), [
///     ("Host", "example.com"),
///     ("Upgrade", "websocket"),
///     ("Connection", "Upgrade"),
///     ("Sec-WebSocket-Version", "13"),
///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Protocol", "chat, superchat"),
/// ]);
/// let response = Response::new(101, [
///     ("Upgrade", "websocket"),
///     ("Connection", "Upgrade"),
///     ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
///     ("Sec-WebSocket-Protocol", "chat"),
/// ]);
/// match response.validate(&request)? {
///     Outcome::Accepted(accepted) => assert_eq!(accepted.subprotocol(), Some("chat")),
///     Outcome::Refused(status) => println!("refused with status {status}"),
/// }
/// # Ok::<(), Rule>(())
/// ```
#[derive(Clone, Copy)]
pub struct Response<H> {
    status: u16,
    headers: H,
}

/// What the response of a server says, if it breaks no rule.
///
/// ```
/// use wsvet::handshake::{Outcome, Request, Response};
///
/// let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
/// let response = Response::new(403, [("Content-Length", "0")]);
/// assert!(matches!(response.validate(&request), Ok(Outcome::Refused(403))));
/// ```
#[derive(Clone, Copy)]
pub enum Outcome<H> {
    /// The connection is not established: the status is not 101, or not 2xx after an extended
    /// CONNECT.
    ///
    /// It breaks no rule. A client may log in after 401 and follow a redirect after 3xx (§4.1).
    /// A browser does neither, and reports close code 1006 to the page.
    Refused(u16),
    /// The connection is established. The bytes after the response are frames.
    Accepted(Accepted<H>),
}

/// What the server accepted.
///
/// [`Response::validate`] returns it.
///
/// ```
/// use wsvet::handshake::{Outcome, Request, Response};
///
/// let request = Request::new("GET", "/", (1, 1), [
///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Protocol", "chat"),
/// ]);
/// let response = Response::new(101, [
///     ("Upgrade", "websocket"),
///     ("Connection", "Upgrade"),
///     ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
/// ]);
/// let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
/// assert_eq!(accepted.subprotocol(), None);
/// assert!(accepted.declined_subprotocols()); // a browser fails the connection
/// ```
#[derive(Clone, Copy)]
pub struct Accepted<H> {
    headers: H,
    offered_subprotocols: bool,
    #[cfg(feature = "deflate")]
    permessage_deflate: Option<Parameters>,
}

impl<'h, H: Headers<'h>> Response<H> {
    /// Creates the view of a response with this status and these header fields.
    ///
    /// [`Headers`] says what can be header fields.
    ///
    /// ```
    /// # use wsvet::handshake::Response;
    /// assert_eq!(Response::new(404, [("Content-Length", "0")]).status(), 404);
    /// ```
    pub const fn new(status: u16, headers: H) -> Self {
        Self { status, headers }
    }

    /// Returns the status.
    ///
    /// ```
    /// # use wsvet::handshake::Response;
    /// assert_eq!(Response::new(101, [("Upgrade", "websocket")]).status(), 101);
    /// ```
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the header fields.
    ///
    /// ```
    /// # use wsvet::handshake::Response;
    /// let response = Response::new(429, [("Retry-After", "120")]);
    /// assert_eq!(response.headers()[0].1, "120");
    /// ```
    pub const fn headers(&self) -> &H {
        &self.headers
    }

    /// Returns the rules that the response to this request breaks.
    ///
    /// A response that does not accept the request breaks none. `Sec-WebSocket-Accept` is wrong if
    /// it is not that of the request's key, even if the key is invalid; in the response to an
    /// extended CONNECT it has no meaning. Extensions may stand in several fields: §4.2.2 allows it,
    /// although §11.3.2 forbids it.
    ///
    /// [`Rule::ExtensionDoesNotFit`] is only found with the feature `deflate`.
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Response, Rule};
    /// let key = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
    /// let request = Request::new("GET", "/", (1, 1), key);
    /// let fields = [("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "x")];
    /// let broken = Response::new(101, fields).broken(&request);
    /// assert!(broken.eq([Rule::ConnectionNotConfirmed, Rule::WrongAccept]));
    /// ```
    pub fn broken<'r>(&self, request: &Request<'r, impl Headers<'r>>) -> Broken {
        let mut broken = Broken::default();
        if !self.accepts(request) {
            return broken;
        }
        if !request.is_connect() {
            self.add_broken_upgrade(&mut broken);
            self.add_wrong_accept(request, &mut broken);
        }
        self.add_broken_answer(&mut broken);
        let offered =
            |protocol: &[u8]| list(request.headers(), PROTOCOL).any(|name| name == protocol);
        let mut protocols = elements(&self.headers, PROTOCOL);
        broken.add(Rule::SubprotocolNotOffered, protocols.any(|protocol| !offered(protocol)));
        let offered = |name: &[u8]| {
            let mut names = extensions(request.headers()).map(extension_name);
            names.any(|offer| offer.eq_ignore_ascii_case(name))
        };
        let mut names = extensions(&self.headers).map(extension_name);
        broken.add(Rule::ExtensionNotOffered, names.any(|name| !offered(name)));
        #[cfg(feature = "deflate")]
        broken.add(Rule::ExtensionDoesNotFit, self.permessage_deflate(request).is_err());
        broken
    }

    /// Returns whether the response accepts this request: with status 101, or with a status 2xx if the
    /// request is an extended CONNECT (RFC 8441 §5).
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Response};
    /// let none: [(&str, &str); 0] = [];
    /// assert!(Response::new(200, none).accepts(&Request::connect("/", none)));
    /// assert!(!Response::new(200, none).accepts(&Request::new("GET", "/", (1, 1), none)));
    /// ```
    #[must_use]
    pub fn accepts<'r>(&self, request: &Request<'r, impl Headers<'r>>) -> bool {
        match request.is_connect() {
            true => (200..300).contains(&self.status),
            false => self.status == SWITCHING_PROTOCOLS,
        }
    }

    /// Returns the rules that the response breaks whatever the request was, for a capture that
    /// lacks the request. The response is one of HTTP/1.1.
    ///
    /// ```
    /// # use wsvet::handshake::{Response, Rule};
    /// let fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
    /// assert!(Response::new(101, fields).broken_without_request().eq([Rule::MissingAccept]));
    /// ```
    pub fn broken_without_request(&self) -> Broken {
        let mut broken = Broken::default();
        if self.status == SWITCHING_PROTOCOLS {
            self.add_broken_upgrade(&mut broken);
            self.add_broken_answer(&mut broken);
        }
        broken
    }

    /// Returns the rules that a response which accepts an extended CONNECT breaks whatever the request
    /// was.
    #[cfg(feature = "alloc")]
    pub(super) fn broken_connect(&self) -> Broken {
        let mut broken = Broken::default();
        self.add_broken_answer(&mut broken);
        broken
    }

    /// Adds the rules that the response to an extended CONNECT cannot break.
    fn add_broken_upgrade(&self, broken: &mut Broken) {
        let headers = &self.headers;
        let mut upgrades = elements(headers, UPGRADE).peekable();
        let confirmed = upgrades.peek().is_some()
            && upgrades.all(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket"));
        broken.add(Rule::UpgradeNotConfirmed, !confirmed);
        broken.add(Rule::ConnectionNotConfirmed, !has_token(headers, CONNECTION, "upgrade"));
        broken.add(Rule::MissingAccept, lines(headers, ACCEPT).next().is_none());
        broken.add(Rule::RepeatedAccept, elements(headers, ACCEPT).nth(1).is_some());
    }

    fn add_wrong_accept<'r>(&self, request: &Request<'r, impl Headers<'r>>, broken: &mut Broken) {
        let is_wrong = |accept: &[u8]| {
            let mut keys = request.keys().peekable();
            keys.peek().is_some() && !keys.any(|key| accept_key(key).as_ref() == accept)
        };
        broken.add(Rule::WrongAccept, elements(&self.headers, ACCEPT).any(is_wrong));
    }

    /// Adds the rules of the subprotocol and the extensions that the response alone breaks.
    fn add_broken_answer(&self, broken: &mut Broken) {
        let headers = &self.headers;
        broken.add(Rule::RepeatedSubprotocol, elements(headers, PROTOCOL).nth(1).is_some());
        broken.add(Rule::InvalidExtensionAnswer, !has_valid_extensions(headers));
    }

    /// Validates the response to this request, for a client.
    ///
    /// # Errors
    ///
    /// The first rule that the response breaks. The client must fail the connection: it closes the
    /// TCP connection, sends no frame, and reports close code 1006 to its application (§7.1.7).
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Response, Rule};
    /// let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
    /// let response = Response::new(101, [("Upgrade", "h2c"), ("Connection", "Upgrade")]);
    /// assert_eq!(response.validate(&request).unwrap_err(), Rule::UpgradeNotConfirmed);
    /// ```
    pub fn validate<'r>(
        &self,
        request: &Request<'r, impl Headers<'r>>,
    ) -> Result<Outcome<H>, Rule> {
        if !self.accepts(request) {
            return Ok(Outcome::Refused(self.status));
        }
        self.broken(request).result()?;
        Ok(Outcome::Accepted(Accepted {
            headers: self.headers.clone(),
            offered_subprotocols: request.protocols().next().is_some(),
            #[cfg(feature = "deflate")]
            permessage_deflate: self.permessage_deflate(request).unwrap_or_default(),
        }))
    }

    /// Returns the parameters of permessage-deflate in this response, if they fit the request.
    ///
    /// The other extensions are left out, and so is what is not an extension or not offered: other
    /// rules are about them.
    #[cfg(feature = "deflate")]
    fn permessage_deflate<'r>(
        &self,
        request: &Request<'r, impl Headers<'r>>,
    ) -> Result<Option<Parameters>, crate::deflate::InvalidExtension> {
        let offers = permessage_deflate(request.extensions());
        if offers.is_empty() {
            return Ok(None);
        }
        Parameters::agreed(&offers, &permessage_deflate(strings(extensions(&self.headers))))
    }
}

/// Returns those of the extensions that are permessage-deflate, as the value of one field.
#[cfg(feature = "deflate")]
fn permessage_deflate<'h>(extensions: impl Iterator<Item = &'h str>) -> std::string::String {
    let is_deflate = |extension: &&str| {
        let bytes = extension.as_bytes();
        super::fields::is_extension(bytes)
            && extension_name(bytes).eq_ignore_ascii_case(b"permessage-deflate")
    };
    extensions.filter(is_deflate).collect::<std::vec::Vec<_>>().join(", ")
}

impl<'h, H: Headers<'h>> Accepted<H> {
    /// Returns the subprotocol that the server chose, or `None` if it chose none.
    ///
    /// ```
    /// # use wsvet::handshake::{Outcome, Request, Response};
    /// # let fields = [("Sec-WebSocket-Key", ""), ("Sec-WebSocket-Protocol", "mqtt")];
    /// # let request = Request::new("GET", "/", (1, 1), fields);
    /// # let response = Response::new(101, [
    /// #     ("Upgrade", "websocket"),
    /// #     ("Connection", "Upgrade"),
    /// #     ("Sec-WebSocket-Accept", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    /// #     ("Sec-WebSocket-Protocol", "mqtt"),
    /// # ]);
    /// let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    /// assert_eq!(accepted.subprotocol(), Some("mqtt"));
    /// ```
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'h str> {
        strings(elements(&self.headers, PROTOCOL)).next()
    }

    /// Returns whether the client offered subprotocols and the server chose none.
    ///
    /// It breaks no rule (§4.2.2). But browsers fail such a connection, and report close code 1006
    /// to the page.
    ///
    /// ```
    /// # use wsvet::handshake::{Outcome, Request, Response};
    /// # let fields = [("Sec-WebSocket-Key", ""), ("Sec-WebSocket-Protocol", "mqtt")];
    /// # let request = Request::new("GET", "/", (1, 1), fields);
    /// # let response = Response::new(101, [
    /// #     ("Upgrade", "websocket"),
    /// #     ("Connection", "Upgrade"),
    /// #     ("Sec-WebSocket-Accept", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    /// # ]);
    /// let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    /// assert!(accepted.declined_subprotocols());
    /// ```
    #[must_use]
    pub fn declined_subprotocols(&self) -> bool {
        self.offered_subprotocols && self.subprotocol().is_none()
    }

    /// Returns the extensions in use, with their parameters, in the order in which they are applied
    /// (§9.1).
    ///
    /// ```
    /// # use wsvet::handshake::{Outcome, Request, Response};
    /// # let fields = [("Sec-WebSocket-Key", ""), ("Sec-WebSocket-Extensions", "x-a, x-b")];
    /// # let request = Request::new("GET", "/", (1, 1), fields);
    /// # let response = Response::new(101, [
    /// #     ("Upgrade", "websocket"),
    /// #     ("Connection", "Upgrade"),
    /// #     ("Sec-WebSocket-Accept", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    /// #     ("Sec-WebSocket-Extensions", "x-b; y=1"),
    /// # ]);
    /// let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    /// assert!(accepted.extensions().eq(["x-b; y=1"]));
    /// ```
    pub fn extensions(&self) -> impl Iterator<Item = &'h str> + use<'h, H> {
        strings(extensions(&self.headers))
    }

    /// Returns the parameters of permessage-deflate, or `None` if messages are not compressed
    /// (RFC 7692 §7.1).
    ///
    /// ```
    /// # use wsvet::handshake::{Outcome, Request, Response};
    /// # let offer = ("Sec-WebSocket-Extensions", "permessage-deflate");
    /// # let request = Request::new("GET", "/", (1, 1), [("Sec-WebSocket-Key", ""), offer]);
    /// # let response = Response::new(101, [
    /// #     ("Upgrade", "websocket"),
    /// #     ("Connection", "Upgrade"),
    /// #     ("Sec-WebSocket-Accept", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    /// #     offer,
    /// # ]);
    /// let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    /// let parameters = accepted.permessage_deflate().unwrap();
    /// assert_eq!(parameters.to_string(), "permessage-deflate");
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn permessage_deflate(&self) -> Option<Parameters> {
        self.permessage_deflate
    }
}

impl<H> fmt::Debug for Response<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for Outcome<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => f.debug_tuple("Refused").field(status).finish(),
            Self::Accepted(accepted) => f.debug_tuple("Accepted").field(accepted).finish(),
        }
    }
}

impl<H> fmt::Debug for Accepted<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("offered_subprotocols", &self.offered_subprotocols)
            .finish_non_exhaustive()
    }
}
