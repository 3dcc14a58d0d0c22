//! Skips the HTTP heads of the opening handshake before the frames, and uses what they say.

use std::time::Duration;

use httparse::{EMPTY_HEADER, Request, Response, Status};
use wsvet::Role;

use crate::session::agreement::Agreement;
use crate::session::handshake::{Handshake, Progress};

/// The most bytes of the heads.
pub(super) const MAX_HEADS: usize = 64 << 10;

/// The most header lines of a head.
const MAX_HEADERS: usize = 128;

/// How the request of an upgrade begins.
pub(super) const REQUEST: &[u8] = b"GET ";

/// The heads before the frames.
pub(super) struct Heads {
    /// The number of their bytes.
    pub(super) len: usize,
    /// What they agree on, as far as they say it.
    pub(super) agreement: Agreement,
    /// The endpoint that sent the only head, or `None` if both sent one.
    pub(super) sender: Option<Role>,
}

impl Heads {
    /// Returns what was skipped, and what it says.
    pub(super) fn note(&self) -> String {
        let what = match self.sender {
            Some(Role::Client) => "HTTP request skipped, so that the client sent the frames",
            Some(Role::Server) => "HTTP response skipped, so that the server sent the frames",
            None => {
                "HTTP request and response, and then the frames of both directions; the mask bit tells who sent \
                 each"
            }
        };
        format!("{what} ({} bytes)", self.len)
    }
}

/// Returns whether this may be the start of HTTP heads.
pub(super) fn may_start(start: &[u8]) -> bool {
    [REQUEST, b"HTTP/1."].iter().any(|word| {
        let len = word.len().min(start.len());
        start[..len] == word[..len]
    })
}

/// Parses the heads of an upgrade at the start of these bytes. Returns `None` if there are none, or if
/// they ask for something else.
pub(super) fn heads(bytes: &[u8]) -> Option<Heads> {
    let mut handshake = Handshake::default();
    let mut len = 0;
    let mut first = None;
    while let Some((sender, head)) = next(&bytes[len..]) {
        let head = &bytes[len..][..head];
        len += head.len();
        if let Progress::Upgraded(agreement) = handshake.feed(sender, head, Duration::ZERO) {
            return Some(Heads { len, agreement, sender: None });
        }
        let agreement = match sender {
            Role::Client => handshake.waits().then(|| handshake.unopened()).flatten()?,
            Role::Server => answer(head)?,
        };
        if first.replace((sender, agreement)).is_some() {
            return None;
        }
    }
    let (sender, mut agreement) = first?;
    agreement.opened = true;
    Some(Heads { len, agreement, sender: Some(sender) })
}

/// Returns the sender and the length of the head at the start of these bytes.
fn next(bytes: &[u8]) -> Option<(Role, usize)> {
    let sender = Handshake::sender(*bytes.first_chunk()?)?;
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let parsed = match sender {
        Role::Client => Request::new(&mut headers).parse(bytes),
        Role::Server => Response::new(&mut headers).parse(bytes),
    };
    match parsed {
        Ok(Status::Complete(len)) => Some((sender, len)),
        _ => None,
    }
}

/// Returns what a response without its request agrees on, if it is an upgrade to WebSocket.
fn answer(head: &[u8]) -> Option<Agreement> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    response.parse(head).ok()?;
    let values = |name: &'static str| {
        let lines =
            response.headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
        lines.map(|line| String::from_utf8_lossy(line.value).trim().to_owned())
    };
    let upgraded = values("Upgrade").any(|value| value.eq_ignore_ascii_case("websocket"));
    (response.code == Some(101) && upgraded).then(|| {
        let extensions = values("Sec-WebSocket-Extensions").collect();
        Agreement::new(None, values("Sec-WebSocket-Protocol").next(), None, extensions)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

    fn told(text: &str) -> Option<(usize, Option<Role>, bool)> {
        let bytes = [text.as_bytes(), b"\x81\x00\x88\x00"].concat();
        let heads = heads(&bytes)?;
        Some((heads.len, heads.sender, heads.agreement.permessage_deflate().is_some()))
    }

    #[test]
    fn heads_of_an_upgrade_are_skipped() {
        assert_eq!(told(REQUEST), Some((REQUEST.len(), Some(Role::Client), false)));
        assert_eq!(told(RESPONSE), Some((RESPONSE.len(), Some(Role::Server), true)));
        let both = format!("{REQUEST}{RESPONSE}");
        assert_eq!(told(&both), Some((both.len(), None, true)));
    }

    #[test]
    fn other_heads_are_not_skipped() {
        assert_eq!(told("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
        assert_eq!(told("HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(told(&REQUEST[..40]), None);
        assert_eq!(told(""), None);
    }
}
