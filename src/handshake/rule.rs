//! The table of the rules of the opening handshake.
//!
//! The rows are in the order in which an endpoint meets what they are about: the request line, the
//! fields of the request, what follows it, and the fields of the response. If a message breaks several
//! rules, the first row applies.

use core::fmt;
use core::iter::FusedIterator;

use crate::Role;
use crate::table::{rules, texts};

/// What the endpoint that receives a broken handshake must do.
///
/// ```
/// use wsvet::handshake::{Due, Rule};
///
/// assert_eq!(Rule::InvalidKey.due(), Due::Status(400));
/// assert_eq!(Rule::WrongAccept.due(), Due::FailConnection);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Due {
    /// The server refuses the request with this HTTP status (RFC 6455 §4.2.1).
    Status(u16),
    /// The client closes the connection and reports close code 1006 to its application (RFC 6455
    /// §4.1, §7.1.7). It cannot send a Close frame, because the connection was never established.
    FailConnection,
}

/// The columns of a row that are not texts.
struct Facts {
    due: Due,
    field: Option<&'static str>,
}

/// A request breaks the rule.
const fn status(status: u16) -> Due {
    Due::Status(status)
}

/// A response breaks the rule.
const FAIL: Due = Due::FailConnection;

pub(super) const HOST: &str = "Host";
pub(super) const UPGRADE: &str = "Upgrade";
pub(super) const CONNECTION: &str = "Connection";
pub(super) const VERSION: &str = "Sec-WebSocket-Version";
pub(super) const KEY: &str = "Sec-WebSocket-Key";
pub(super) const ACCEPT: &str = "Sec-WebSocket-Accept";
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

rules! {
    /// A rule of the opening handshake that a request or a response can break.
    ///
    /// The order of the variants is their precedence. [`id`](Self::id) and
    /// [`number`](Self::number) are stable; the discriminants of the variants are not. No rule of
    /// another family, such as [`wsvet::Rule`](crate::Rule), has the same id or number. The numbers
    /// of this family are greater than 100.
    ///
    /// ```
    /// use wsvet::handshake::{Due, Rule};
    ///
    /// let rule = Rule::UnsupportedVersion;
    /// assert_eq!(rule.id(), "unsupported-version");
    /// assert_eq!(rule.section(), "4.4");
    /// assert_eq!(rule.due(), Due::Status(426));
    /// assert_eq!(rule.field(), Some("Sec-WebSocket-Version"));
    /// ```
    pub enum Rule("wsvet::handshake::Rule"): Facts;
    text "a line that says what is wrong, for the body of the response that refuses a request";

    101 MethodNotGet "method-not-get" 6455 "4.1"
    { due: status(405), field: None }
    breaks "the method of the request is not GET"
    text "the method must be GET"
    explain "An opening handshake is a GET request. A request with another method may have a body, whose bytes would be read as frames. Methods are case-sensitive."
    resolve "Send GET. A client that sends CONNECT speaks HTTP/2 or HTTP/3 (RFC 8441), or takes the server for a proxy. A redirect or a login page may have turned the request into a POST: connect to the final URL."

    102 HttpVersionTooLow "http-version-too-low" 6455 "4.1"
    { due: status(400), field: None }
    breaks "the HTTP version of the request is less than 1.1"
    text "the HTTP version must be 1.1 or higher; a reverse proxy may have lowered it"
    explain "HTTP/1.0 has no upgrade: a server must ignore the header Upgrade of such a request."
    resolve "Look at the proxy in front of the server: nginx speaks HTTP/1.0 to its upstreams unless `proxy_http_version 1.1;` is set (with `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header Connection \"upgrade\";`)."

    103 FragmentInTarget "fragment-in-target" 6455 "3"
    { due: status(400), field: None }
    breaks "the target of the request contains `#`"
    text "the request target must not have a fragment (#)"
    explain "A fragment has no meaning in a ws or wss URI and must not be used, so a `#` in the target is a mistake of the client."
    resolve "Remove the fragment from the URL. If the `#` is data, for example in a token, write it as %23."

    104 MissingHost "missing-host" 6455 "4.2.1"
    { due: status(400), field: Some(HOST) }
    breaks "the request has no header Host, or an empty one"
    text "Host is missing"
    explain "Host names the server, with the port if it is not the default one. Virtual hosts are found by it, and a server compares Origin with it."
    resolve "Send Host with the host of the URL. Clients that write the request by hand often forget it; a proxy that removes it is misconfigured (nginx: `proxy_set_header Host $host;`)."

    105 RepeatedHost "repeated-host" 9112 "3.2"
    { due: status(400), field: Some(HOST) }
    breaks "the request has the header Host more than once"
    text "Host occurs more than once"
    explain "With two hosts, a proxy and the server behind it may each believe another one, and an attacker can get past the checks of the first."
    resolve "Send Host once. If a client adds its own headers, replace the Host that its HTTP library writes instead of adding a second one."

    106 MissingUpgrade "missing-upgrade" 6455 "4.2.1"
    { due: status(426), field: Some(UPGRADE) }
    breaks "the header Upgrade of the request does not contain `websocket`"
    text "this is a WebSocket endpoint: Upgrade: websocket is missing; a proxy may have removed it"
    explain "The header asks the server to leave HTTP on this connection. It is meant for the next hop only, so a reverse proxy that was not told about WebSocket removes it and forwards the rest. A request that has Sec-WebSocket-Key but no Upgrade went through such a proxy."
    resolve "If Sec-WebSocket-Key is there, let the proxy pass the upgrade on. nginx: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";`. Apache 2.4.47 or later: `ProxyPass` with `upgrade=websocket`. Load balancers and CDNs: turn WebSocket on, or use a listener for HTTP instead of HTTP/2. If the key is missing too, the client is no WebSocket client: a browser tab, a health check or fetch()."

    107 MissingConnectionUpgrade "missing-connection-upgrade" 6455 "4.2.1"
    { due: status(426), field: Some(CONNECTION) }
    breaks "the header Connection of the request does not contain the token `Upgrade`"
    text "Connection: Upgrade is missing; a proxy may have replaced it"
    explain "Connection lists the headers that are meant for the next hop only. Without `Upgrade` in it, the header Upgrade is not valid, and proxies may ignore it. Other tokens may stand beside it: Firefox sends `keep-alive, Upgrade`."
    resolve "Send `Connection: Upgrade`. A proxy that sends `Connection: close` or `keep-alive` to its upstream must be told to pass the upgrade on (nginx: `proxy_set_header Connection \"upgrade\";`, and `proxy_http_version 1.1;`). A server that compares the whole value with `Upgrade` must look for the token."

    108 MissingVersion "missing-version" 6455 "4.2.1"
    { due: status(426), field: Some(VERSION) }
    breaks "the request has no header Sec-WebSocket-Version"
    text "Sec-WebSocket-Version is missing: it must be 13"
    explain "The header names the version of the protocol. A request without it comes from a draft of before 2011, or is written by hand."
    resolve "Send `Sec-WebSocket-Version: 13`."

    109 UnsupportedVersion "unsupported-version" 6455 "4.4"
    { due: status(426), field: Some(VERSION) }
    breaks "the value of Sec-WebSocket-Version is not 13"
    text "unsupported Sec-WebSocket-Version: it must be 13"
    explain "13 is the version of RFC 6455, and the only one in use. The refusal has the header Sec-WebSocket-Version with the versions that the server supports, so that the client can try again."
    resolve "Send `Sec-WebSocket-Version: 13`. The versions 0 to 12 were drafts; update a client that sends one of them."

    110 RepeatedVersion "repeated-version" 6455 "11.3.5"
    { due: status(400), field: Some(VERSION) }
    breaks "the request has the header Sec-WebSocket-Version more than once"
    text "Sec-WebSocket-Version occurs more than once"
    explain "A client asks for one version at a time. If it speaks several, it asks for its best one, and repeats the request with one of those that the refusal lists. Only a response may have the header more than once."
    resolve "Send the header once. Two of them mostly come from a client that adds its own headers to those of its WebSocket library."

    111 MissingKey "missing-key" 6455 "4.2.1"
    { due: status(400), field: Some(KEY) }
    breaks "the request has no header Sec-WebSocket-Key"
    text "Sec-WebSocket-Key is missing"
    explain "The response proves with the key that the server understood this very request, and is no cache and no server of another protocol. Browsers do not let scripts set the header, so a page cannot forge a handshake with fetch()."
    resolve "Send 16 random bytes in base64 as Sec-WebSocket-Key, new for each connection. A proxy must not remove headers that start with Sec-."

    112 InvalidKey "invalid-key" 6455 "4.2.1"
    { due: status(400), field: Some(KEY) }
    breaks "the value of Sec-WebSocket-Key is not 16 bytes in base64"
    text "Sec-WebSocket-Key must be 16 bytes in base64, which are 24 characters"
    explain "The key is a random value of 16 bytes. In base64 that is 22 characters and `==`."
    resolve "Encode 16 random bytes with the standard alphabet (`+` and `/`, not `-` and `_`) and with padding. Do not send hex, a UUID or a fixed text."

    113 RepeatedKey "repeated-key" 6455 "11.3.1"
    { due: status(400), field: Some(KEY) }
    breaks "the request has the header Sec-WebSocket-Key more than once"
    text "Sec-WebSocket-Key occurs more than once"
    explain "With two keys it is not known which of them the response must accept."
    resolve "Send the header once. Two of them mostly come from a client that adds its own headers to those of its WebSocket library."

    114 InvalidProtocolList "invalid-protocol-list" 6455 "4.1"
    { due: status(400), field: Some(PROTOCOL) }
    breaks "Sec-WebSocket-Protocol in the request is not a list of one or more tokens"
    text "Sec-WebSocket-Protocol must be a list of names, separated by commas"
    explain "The client lists the subprotocols that it speaks, the best one first. A name has no spaces and none of the separators ( ) < > @ , ; : \\ / [ ] ? = { } and quotes. The header is left out if there is no subprotocol; it is never empty."
    resolve "Separate names with commas, and leave the header out instead of sending it empty. A name cannot be a URL or a token with `=` or `/`: encode it (base64url without padding), or pass the data in the URL or in the first message."

    115 RepeatedProtocol "repeated-protocol" 6455 "4.1"
    { due: status(400), field: Some(PROTOCOL) }
    breaks "Sec-WebSocket-Protocol in the request has the same name twice"
    text "Sec-WebSocket-Protocol has the same name twice"
    explain "The names are a list in the order of preference, in which each stands once. Browsers throw a SyntaxError before they connect. Names are case-sensitive: `chat` and `Chat` are two."
    resolve "Remove the second one. Often a library and the program both add the subprotocol."

    116 InvalidExtensionOffer "invalid-extension-offer" 6455 "9.1"
    { due: status(400), field: Some(EXTENSIONS) }
    breaks "Sec-WebSocket-Extensions in the request is not a list of one or more extensions"
    text "Sec-WebSocket-Extensions must be a list of `name; parameter=value`, separated by commas"
    explain "An extension is a name with parameters, each after a semicolon and perhaps with a value: a token, or a token in quotes. A list that cannot be parsed must not be taken in part."
    resolve "Send for example `permessage-deflate; client_max_window_bits`, or leave the header out instead of sending it empty."

    127 DataBeforeResponse "data-before-response" 6455 "4.1"
    { due: status(400), field: None }
    breaks "the client sends data after its request and before the server's response"
    text "the client must wait for the response before it sends data"
    explain "Until the response comes, the client does not know whether the server speaks WebSocket, and which extensions and subprotocol the frames have. A server that refuses the upgrade, or a proxy that does not know it, reads the early bytes as the next HTTP request, so they may be an attack. A server that answers with 101 mostly reads them as frames, and does not notice. The rule is about the order of the bytes, so no request breaks it by itself."
    resolve "Send the first frame after the response with 101 has come and was checked: in the event `open` of the client. If a load balancer or a test tool writes the request and the first frame in one piece, separate them."

    117 UpgradeNotConfirmed "upgrade-not-confirmed" 6455 "4.2.2"
    { due: FAIL, field: Some(UPGRADE) }
    breaks "the header Upgrade of a response with status 101 is missing, or is not `websocket`"
    text "the response has no Upgrade: websocket"
    explain "The response must name the protocol that the connection speaks from now on. If it is another one, the bytes that follow are no frames."
    resolve "Send `Upgrade: websocket` with the status 101, and nothing else in that header. A reverse proxy that removes it must be told to pass the upgrade on."

    118 ConnectionNotConfirmed "connection-not-confirmed" 6455 "4.2.2"
    { due: FAIL, field: Some(CONNECTION) }
    breaks "the header Connection of a response with status 101 does not contain the token `Upgrade`"
    text "the response has no Connection: Upgrade"
    explain "Without it the header Upgrade does not belong to this connection. Browsers fail with \"'Connection' header value must contain 'Upgrade'\" or the like."
    resolve "Send `Connection: Upgrade` with the status 101. A proxy between the endpoints may have replaced it with `close` or `keep-alive`: let it pass the upgrade on."

    119 MissingAccept "missing-accept" 6455 "4.2.2"
    { due: FAIL, field: Some(ACCEPT) }
    breaks "a response with status 101 has no header Sec-WebSocket-Accept"
    text "the response has no Sec-WebSocket-Accept"
    explain "The value proves that the server read the request and speaks WebSocket. Without it the client cannot tell a WebSocket server from one that answers 101 to anything."
    resolve "Send the SHA-1 hash of the key and `258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, in base64. `wsvet::handshake::accept_key` computes it."

    120 WrongAccept "wrong-accept" 6455 "4.2.2"
    { due: FAIL, field: Some(ACCEPT) }
    breaks "Sec-WebSocket-Accept is not the hash of the request's Sec-WebSocket-Key"
    text "Sec-WebSocket-Accept does not match the Sec-WebSocket-Key of the request"
    explain "The value is the SHA-1 hash of the key, as it stands in the request, and of `258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, in base64. Another value comes from another request, or from a server that computes it wrongly."
    resolve "Do not decode the key before hashing, use the GUID in upper case and without a line end, and encode the 20 bytes of the hash, not their hex digits. If the server is right, a cache or a proxy answered with the response to another request, or opened a handshake of its own and passed the wrong header on."

    121 RepeatedAccept "repeated-accept" 6455 "11.3.3"
    { due: FAIL, field: Some(ACCEPT) }
    breaks "a response has the header Sec-WebSocket-Accept more than once"
    text "Sec-WebSocket-Accept occurs more than once"
    explain "The header must not appear more than once, even with the same value, so that nobody can add a right one to a wrong one."
    resolve "Send it once. Two of them mostly come from a proxy that answers the handshake itself and passes the server's header on too, or from two middlewares that both answer it."

    122 RepeatedSubprotocol "repeated-subprotocol" 6455 "11.3.4"
    { due: FAIL, field: Some(PROTOCOL) }
    breaks "Sec-WebSocket-Protocol in the response occurs more than once, or has more than one name"
    text "the response has more than one subprotocol"
    explain "The server chooses one of the subprotocols that the client offered, because a connection speaks one."
    resolve "Send the one name that was chosen. A server that copies the header of the request into the response answers with the whole list."

    123 SubprotocolNotOffered "subprotocol-not-offered" 6455 "4.2.2"
    { due: FAIL, field: Some(PROTOCOL) }
    breaks "the response names a subprotocol that the client did not offer"
    text "the response names a subprotocol that was not offered"
    explain "The client speaks only what it offered. Names are case-sensitive, and an empty name is none of the offered ones. A server that knows none of them leaves the header out."
    resolve "Choose from the header of the request, or leave the header out. If the client should have offered it, pass the subprotocol to the client: `new WebSocket(url, [\"name\"])`."

    124 InvalidExtensionAnswer "invalid-extension-answer" 6455 "9.1"
    { due: FAIL, field: Some(EXTENSIONS) }
    breaks "Sec-WebSocket-Extensions in the response is not a list of one or more extensions"
    text "Sec-WebSocket-Extensions in the response is not a list of extensions"
    explain "The client must know which extensions are in use, because they change the meaning of frames. It must not guess from a list that it cannot parse. The header is left out if there are none; it is never empty."
    resolve "Send for example `permessage-deflate`, or leave the header out instead of sending it empty."

    125 ExtensionNotOffered "extension-not-offered" 6455 "4.2.2"
    { due: FAIL, field: Some(EXTENSIONS) }
    breaks "the response names an extension that the client did not offer"
    text "the response names an extension that was not offered"
    explain "An extension changes what the bytes of frames mean. A client that did not offer it does not understand it."
    resolve "Answer only extensions of the request. A proxy that removes Sec-WebSocket-Extensions from requests must not add it to responses, and one that compresses must negotiate with each endpoint on its own."

    126 ExtensionDoesNotFit "extension-does-not-fit" 7692 "7.1"
    { due: FAIL, field: Some(EXTENSIONS) }
    breaks "the parameters of permessage-deflate in the response do not fit any offer of the client"
    text "the parameters of permessage-deflate in the response do not fit the offer"
    explain "The answer may have only the four parameters of RFC 7692, each once and with a valid value. It has `client_max_window_bits` only if the client offered it, and it keeps what the client required: `server_no_context_takeover`, and a window of the server that is not larger."
    resolve "Derive the answer from one offer of the request, and leave a parameter out rather than sending its default. A server that always answers with the same parameters fails with some clients."
}

impl Rule {
    /// Returns what the receiver of a message that breaks the rule must do.
    ///
    /// ```
    /// # use wsvet::handshake::{Due, Rule};
    /// assert_eq!(Rule::MissingUpgrade.due(), Due::Status(426));
    /// ```
    #[must_use]
    pub fn due(self) -> Due {
        FACTS[self as usize].due
    }

    /// Returns the endpoint that sends what the rule is about: the client for a request, the server
    /// for a response.
    ///
    /// ```
    /// # use wsvet::{Role, handshake::Rule};
    /// assert_eq!(Rule::MissingKey.sender(), Role::Client);
    /// assert_eq!(Rule::MissingAccept.sender(), Role::Server);
    /// ```
    #[must_use]
    pub fn sender(self) -> Role {
        match self.due() {
            Due::Status(_) => Role::Client,
            Due::FailConnection => Role::Server,
        }
    }

    /// Returns the name of the header that the rule is about, or `None` if it is about the first
    /// line of the request, or about what follows the request.
    ///
    /// ```
    /// # use wsvet::handshake::Rule;
    /// assert_eq!(Rule::WrongAccept.field(), Some("Sec-WebSocket-Accept"));
    /// assert_eq!(Rule::MethodNotGet.field(), None);
    /// ```
    #[must_use]
    pub fn field(self) -> Option<&'static str> {
        FACTS[self as usize].field
    }
}

impl core::error::Error for Rule {}

/// The rules that a request or a response breaks, in the order of their precedence.
///
/// [`Request::broken`](super::Request::broken) and [`Response::broken`](super::Response::broken)
/// return it. It is an iterator over the rules that it has not returned yet.
///
/// ```
/// use wsvet::handshake::{Request, Rule};
///
/// let mut broken = Request::new("POST", "/", (1, 0), [("Host", "example.com")]).broken();
/// assert!(broken.contains(Rule::MissingKey));
/// assert_eq!(broken.len(), 6);
/// assert_eq!(broken.next(), Some(Rule::MethodNotGet));
/// assert_eq!(broken.next(), Some(Rule::HttpVersionTooLow));
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
#[must_use = "it says what is wrong with the message"]
pub struct Broken(u32);

const _: () = assert!(Rule::ALL.len() <= 32, "Broken has 32 bits");

impl Broken {
    /// Returns whether `rule` is among the rules.
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Rule};
    /// let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
    /// assert!(request.broken().contains(Rule::MissingUpgrade));
    /// ```
    #[must_use]
    pub fn contains(&self, rule: Rule) -> bool {
        self.0 >> rule as u32 & 1 == 1
    }

    /// Returns whether there is no rule.
    ///
    /// ```
    /// # use wsvet::handshake::Request;
    /// assert!(!Request::new("GET", "/", (1, 1), [("Host", "example.com")]).broken().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Adds the rule if it is broken.
    pub(super) fn add(&mut self, rule: Rule, is_broken: bool) {
        self.0 |= u32::from(is_broken) << rule as u32;
    }

    /// Returns the first rule as an error.
    pub(super) fn result(mut self) -> Result<(), Rule> {
        self.next().map_or(Ok(()), Err)
    }
}

impl Extend<Rule> for Broken {
    fn extend<I: IntoIterator<Item = Rule>>(&mut self, rules: I) {
        rules.into_iter().for_each(|rule| self.add(rule, true));
    }
}

impl Iterator for Broken {
    type Item = Rule;

    fn next(&mut self) -> Option<Rule> {
        let rule = ALL.get(self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(*rule)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.0.count_ones() as usize;
        (len, Some(len))
    }
}

impl ExactSizeIterator for Broken {}

impl FusedIterator for Broken {}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// One namespace: an id or a number names one rule, whatever its family.
    #[test]
    fn ids_and_numbers_are_distinct_over_the_families() {
        let frames = crate::Rule::ALL.iter().map(|rule| (rule.id(), rule.number()));
        let handshake = ALL.iter().map(|rule| (rule.id(), rule.number()));
        let (ids, numbers): (BTreeSet<_>, BTreeSet<_>) = frames.clone().chain(handshake).unzip();
        let count = crate::Rule::ALL.len() + ALL.len();
        assert_eq!((ids.len(), numbers.len()), (count, count));
        assert!(frames.map(|(_, number)| number).all(|number| (1..100).contains(&number)));
        for rule in ALL {
            assert!(rule.number() > 100);
            assert_eq!(Rule::from_number(rule.number()), Some(*rule));
            assert_eq!(Rule::from_id(rule.id()), Some(*rule));
            assert_eq!(rule.id(), rule.id().to_ascii_lowercase());
        }
    }

    /// An endpoint reads the request before the response, its first line before the fields, and what
    /// follows it after them.
    #[test]
    fn requests_come_before_responses() {
        assert!(ALL.is_sorted_by_key(|rule| rule.sender()));
        let first_line = ALL.iter().take_while(|rule| rule.field().is_none()).count();
        let others = ALL[first_line..].iter().filter(|rule| rule.field().is_none());
        assert!(others.eq([&Rule::DataBeforeResponse]));
        let of_server = ALL.iter().position(|rule| rule.sender() == Role::Server).unwrap();
        assert_eq!(ALL[of_server - 1], Rule::DataBeforeResponse);
    }
}
