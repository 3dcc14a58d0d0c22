//! The opening handshake of the examples (RFC 6455 §4), with crates that are made for its parts:
//! `httparse` for the heads, `sha1` and `base64` for the key.
#![allow(dead_code)] // no example needs all of it

#[cfg(feature = "codec")]
pub(crate) mod sockets;

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use httparse::{EMPTY_HEADER, Header, Request, Response, Status};
use sha1::{Digest, Sha1};

/// The most bytes of a head.
pub(crate) const MAX_HEAD: usize = 8 << 10;

/// What comes behind every key before it is hashed (§1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// What became of the bytes of a head so far.
pub(crate) enum Head<T> {
    /// More are needed.
    Partial,
    /// The head is whole: its length in bytes, and what it says. What is behind it are frames.
    Whole(usize, T),
}

/// The answer to a request that is no WebSocket upgrade (§4.2.2).
pub(crate) const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\n\
                                  Connection: close\r\nContent-Length: 0\r\n\r\n";

/// What a client asks for.
pub(crate) struct Upgrade {
    accept: String,
    /// The extensions that it offers (§9.1).
    pub(crate) extensions: String,
}

impl Upgrade {
    /// The answer to send, with the extensions that were accepted.
    pub(crate) fn answer(&self, extensions: &str) -> String {
        let accept = &self.accept;
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{}\r\n",
            header(extensions)
        )
    }
}

/// Reads a client's request.
pub(crate) fn upgrade(received: &[u8]) -> io::Result<Head<Upgrade>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut request = Request::new(&mut headers);
    let Status::Complete(len) = request.parse(received).map_err(io::Error::other)? else {
        return partial(received);
    };
    let lists = |name, token: &str| {
        let values = all_values(request.headers, name);
        values.split(',').any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    // A key is 16 bytes (§4.2.1).
    let is_key = |key: &&str| BASE64_STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    match value(request.headers, "Sec-WebSocket-Key").filter(is_key) {
        Some(key)
            if request.method == Some("GET")
                && request.version == Some(1)
                && lists("Connection", "upgrade")
                && lists("Upgrade", "websocket")
                && value(request.headers, "Sec-WebSocket-Version") == Some("13") =>
        {
            let extensions = all_values(request.headers, EXTENSIONS);
            Ok(Head::Whole(len, Upgrade { accept: accept(key), extensions }))
        }
        _ => Err(io::Error::other("the request is no WebSocket upgrade")),
    }
}

/// The request of a client that offers these extensions, with a key that is 16 random bytes.
pub(crate) fn request(host: &str, target: &str, key: [u8; 16], extensions: &str) -> String {
    let key = BASE64_STANDARD.encode(key);
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
        header(extensions)
    )
}

/// Reads the server's answer to a request with this key: the extensions that it has accepted.
pub(crate) fn accepted(received: &[u8], key: [u8; 16]) -> io::Result<Head<String>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut response = Response::new(&mut headers);
    let Status::Complete(len) = response.parse(received).map_err(io::Error::other)? else {
        return partial(received);
    };
    let expected = accept(&BASE64_STANDARD.encode(key));
    let accepted = value(response.headers, "Sec-WebSocket-Accept") == Some(&expected);
    if response.code != Some(101) || !accepted {
        return Err(io::Error::other("the server has not accepted the upgrade"));
    }
    Ok(Head::Whole(len, all_values(response.headers, EXTENSIONS)))
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

fn value<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok().map(str::trim)
}

/// The values of all headers of this name, as one list (§9.1).
fn all_values(headers: &[Header<'_>], name: &str) -> String {
    let named = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    let values = named.filter_map(|header| std::str::from_utf8(header.value).ok());
    values.collect::<Vec<_>>().join(", ")
}

/// The line of a head for these extensions; none, where there are none.
fn header(extensions: &str) -> String {
    if extensions.is_empty() { String::new() } else { format!("{EXTENSIONS}: {extensions}\r\n") }
}

fn accept(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{GUID}")))
}
