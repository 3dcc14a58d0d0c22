//! The opening handshake of the examples (RFC 6455 §4): `httparse` parses the heads, and the crate
//! validates and writes them.
#![allow(dead_code)] // no example needs all of it

#[cfg(feature = "codec")]
pub(crate) mod sockets;

use std::io;

use httparse::{EMPTY_HEADER, Header, Status};
use wsvet::handshake::{
    AcceptKey, Headers, Key, Outcome, Request, RequestBuilder, Response, ResponseBuilder, Rule,
};

/// The most bytes of a head.
pub(crate) const MAX_HEAD: usize = 8 << 10;

/// What became of the bytes of a head so far.
pub(crate) enum Head<T> {
    /// More are needed.
    Partial,
    /// The head is whole: its length in bytes, and what it says. What is behind it are frames.
    Whole(usize, T),
}

/// The answer to a request that cannot be accepted for this error (§4.2.1).
pub(crate) fn refusal(error: &io::Error) -> String {
    let rule = error.get_ref().and_then(|error| error.downcast_ref::<Rule>());
    let response = match rule {
        Some(rule) => ResponseBuilder::refuse(*rule),
        None => ResponseBuilder::refuse_with(400, "this is no HTTP request"),
    };
    response.build().unwrap_or_default()
}

/// What a client asks for.
pub(crate) struct Upgrade {
    accept: AcceptKey,
    /// The extensions that it offers (§9.1).
    pub(crate) extensions: String,
}

impl Upgrade {
    /// The answer to send, with the extensions that were accepted.
    pub(crate) fn answer(&self, extensions: &str) -> io::Result<String> {
        let extensions = Some(extensions).filter(|extensions| !extensions.is_empty());
        let response = ResponseBuilder::accept(self.accept).extensions(extensions);
        response.build().map_err(io::Error::other)
    }
}

/// Reads a client's request.
pub(crate) fn upgrade(received: &[u8]) -> io::Result<Head<Upgrade>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let Status::Complete(len) = parsed.parse(received).map_err(io::Error::other)? else {
        return partial(received);
    };
    let request = Request::new(
        parsed.method.unwrap_or_default(),
        parsed.path.unwrap_or_default(),
        (1, parsed.version.unwrap_or_default()),
        fields(parsed.headers),
    );
    let accept = request.validate().map_err(io::Error::other)?;
    let extensions = request.extensions().collect::<Vec<_>>().join(", ");
    Ok(Head::Whole(len, Upgrade { accept, extensions }))
}

/// The request of a client that offers these extensions, with a key that is 16 random bytes.
pub(crate) fn request(host: &str, target: &str, key: [u8; 16], extensions: &str) -> RequestBuilder {
    let extensions = Some(extensions).filter(|extensions| !extensions.is_empty());
    RequestBuilder::new(host, target, Key::new(key)).extensions(extensions)
}

/// Reads the server's answer to this request: the extensions that it has accepted.
pub(crate) fn accepted(received: &[u8], request: &RequestBuilder) -> io::Result<Head<String>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let Status::Complete(len) = parsed.parse(received).map_err(io::Error::other)? else {
        return partial(received);
    };
    let response = Response::new(parsed.code.unwrap_or_default(), fields(parsed.headers));
    match response.validate(&request.as_request()).map_err(io::Error::other)? {
        Outcome::Accepted(accepted) => {
            Ok(Head::Whole(len, accepted.extensions().collect::<Vec<_>>().join(", ")))
        }
        Outcome::Refused(status) => {
            Err(io::Error::other(format!("the server refused with status {status}")))
        }
    }
}

/// Takes `ws://host:port/target` apart.
pub(crate) fn parts(url: &str) -> io::Result<(&str, &str)> {
    let rest = url.strip_prefix("ws://").ok_or_else(|| io::Error::other("the URL is not ws://"))?;
    let slash = rest.find('/').unwrap_or(rest.len());
    Ok((&rest[..slash], if slash < rest.len() { &rest[slash..] } else { "/" }))
}

fn partial<T>(received: &[u8]) -> io::Result<Head<T>> {
    if received.len() > MAX_HEAD {
        return Err(io::Error::other("the head is too long"));
    }
    Ok(Head::Partial)
}

fn fields<'h>(headers: &'h [Header<'_>]) -> impl Headers<'h> {
    headers.iter().map(|header| (header.name, header.value))
}
