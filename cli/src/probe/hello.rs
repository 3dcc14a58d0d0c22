//! The heads of the opening handshake: what they say, and what the endpoints agree on.

use std::net::SocketAddr;

use wsvet::deflate::Parameters;
use wsvet::generate::Level;
use wsvet::handshake::{self, Headers, InvalidHttp, Rule, parse_request, parse_response};

use crate::probe::connect::{self, Connect};
use crate::transport::http2::Fields;

/// The most bytes of a head.
pub(super) const MOST: usize = 64 << 10;

/// What the endpoints agreed on. It is read even from a response that breaks a rule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Agreed {
    pub(super) parameters: Option<Parameters>,
    pub(super) subprotocol: Option<String>,
}

/// A whole response.
#[derive(Debug)]
pub(super) struct Response {
    /// The length of the head in bytes.
    pub(super) len: usize,
    pub(super) status: u16,
    /// Whether it accepts the request: with status 101, or over HTTP/2 with 2xx (RFC 8441 §5).
    pub(super) accepted: bool,
    /// The rules that it breaks, if it accepts the request.
    pub(super) broken: Vec<Rule>,
    pub(super) agreed: Agreed,
    /// An extension that it accepts and that the prober made up.
    pub(super) invented: Option<String>,
    /// Whether its field Sec-WebSocket-Version lists 13.
    pub(super) lists_versions: bool,
    /// The name of a field that it must not have: one that HTTP/2 does not have, or one of a body.
    pub(super) foreign: Option<String>,
    /// What is wrong with it, apart from the rules.
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with a head, though it breaks no rule of WebSocket.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) level: Level,
    pub(super) due: &'static str,
    pub(super) got: String,
}

impl Flaw {
    /// A line of a head that does not end with CRLF.
    pub(super) fn of_lines(head: &[u8]) -> Option<Self> {
        let ends = |line: &[u8]| line.is_empty() || line.ends_with(b"\r");
        (!head.split(|byte| *byte == b'\n').all(ends)).then(|| Self {
            level: Level::Must,
            due: "lines that end with CR LF (RFC 9112 §2.2)",
            got: "a line that ends with LF alone".to_owned(),
        })
    }

    /// A Host without the port of the URL, as far as it is known that no proxy passed it on: both endpoints
    /// are on this machine, and Host says so.
    pub(super) fn of_host(host: &str, local: SocketAddr) -> Option<Self> {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let is_local =
            local.ip().is_loopback() && names.iter().any(|name| host.eq_ignore_ascii_case(name));
        (is_local && ![80, 443].contains(&local.port())).then(|| Self {
            level: Level::Quality,
            due: "the port in Host, if it is not the default one (§4.1)",
            got: format!("Host: {host}, for port {}; a proxy may have removed it", local.port()),
        })
    }

    /// A response with a version of HTTP that has no status 101.
    fn of_version(head: &[u8]) -> Option<Self> {
        head.starts_with(b"HTTP/1.0 ").then(|| Self {
            level: Level::Should,
            due: "a response with HTTP/1.1, as the request (RFC 9110 §6.2)",
            got: "a response with HTTP/1.0, which has no status 101".to_owned(),
        })
    }
}

/// Judges the response to a request over HTTP/2.
pub(super) fn over_http2(request: &Connect, status: u16, fields: &Fields) -> Response {
    let foreign = connect::foreign(fields.0.iter().map(|(name, _)| name.as_str()));
    let lines = fields.0.iter().map(|(name, value)| (name, value));
    let response = view(&request.view(), &handshake::Response::new(status, lines));
    Response { foreign: foreign.map(str::to_owned), ..response }
}

/// Parses the response to a request. Returns `None` if more bytes are needed.
///
/// # Errors
///
/// What is wrong with a response that is not HTTP/1.
pub(super) fn response(request: &[u8], received: &[u8]) -> Result<Option<Response>, String> {
    let parsed = match parse_request(request, |request| read(request, received)) {
        Ok(parsed) => parsed.map(|(_, parsed)| parsed),
        // The case sends a request that is not HTTP/1: its response is read as that to a plain one.
        Err(_) => Some(read(&handshake::Request::new("GET", "/", (1, 1), NO_FIELDS), received)),
    };
    match parsed {
        Some(Ok(parsed)) => Ok(parsed.map(|(len, parsed)| {
            let head = &received[..len];
            Response {
                len,
                flaw: Flaw::of_lines(head).or_else(|| Flaw::of_version(head)),
                ..parsed
            }
        })),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the request of the case is not complete".to_owned()),
    }
}

const NO_FIELDS: [(&str, &str); 0] = [];

fn read<'q>(
    request: &handshake::Request<'q, impl Headers<'q>>,
    received: &[u8],
) -> Result<Option<(usize, Response)>, InvalidHttp> {
    parse_response(received, |response| view(request, response))
}

fn view<'q, 's>(
    request: &handshake::Request<'q, impl Headers<'q>>,
    response: &handshake::Response<impl Headers<'s>>,
) -> Response {
    let accepted = response.accepts(request);
    let values = |name: &str| values(response.headers().clone(), name);
    let extensions = values("Sec-WebSocket-Extensions");
    let agreed = match accepted {
        true => {
            let offers: Vec<_> = request.extensions().collect();
            Agreed {
                parameters: Parameters::agreed(&offers.join(", "), &extensions).unwrap_or_default(),
                subprotocol: Some(values("Sec-WebSocket-Protocol")).filter(|name| !name.is_empty()),
            }
        }
        false => Agreed::default(),
    };
    let mut names = extensions.split(',').map(str::trim);
    let of_body = ["Content-Length", "Transfer-Encoding"];
    let body = of_body.into_iter().find(|name| !values(name).is_empty());
    Response {
        len: 0,
        status: response.status(),
        accepted,
        broken: response.broken(request).collect(),
        agreed,
        invented: names.find(|name| accepted && name.starts_with("x-wsvet")).map(str::to_owned),
        lists_versions: values("Sec-WebSocket-Version").split(',').any(|one| one.trim() == "13"),
        foreign: body.filter(|_| accepted).map(str::to_owned),
        flaw: None,
    }
}

/// Returns the values of all fields of this name as one list.
pub(super) fn values<'h>(headers: impl Headers<'h>, name: &str) -> String {
    let named = headers.fields().filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
    let values: Vec<_> =
        named.map(|(_, value)| String::from_utf8_lossy(value.trim_ascii())).collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_cr_lf() {
        let good = |head: &[u8]| Flaw::of_lines(head).is_none();
        assert!(good(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") && good(b""));
        for bad in [&b"GET / HTTP/1.1\nHost: a\n\n"[..], b"GET / HTTP/1.1\r\nHost: a\n\r\n"] {
            assert!(!good(bad));
        }
    }

    /// A Host without a port is right for the default port, and may be so if a proxy is between.
    #[test]
    fn a_local_host_has_its_port() {
        for (host, local, due) in [
            ("localhost", "127.0.0.1:9001", true),
            ("127.0.0.1", "127.0.0.1:9001", true),
            ("[::1]", "[::1]:9001", true),
            ("LOCALHOST:9001", "127.0.0.1:9001", false),
            ("[::1]:9001", "[::1]:9001", false),
            ("localhost", "127.0.0.1:80", false),
            ("localhost", "192.0.2.1:9001", false),
            ("example.com", "127.0.0.1:9001", false),
        ] {
            let found = Flaw::of_host(host, local.parse().unwrap());
            assert_eq!(found.is_some(), due, "{host} {local}");
        }
    }
}
