//! Reads the opening handshake: where the frames start, and what the endpoints negotiated.

mod head;
mod side;

use std::time::Duration;

use httparse::{EMPTY_HEADER, ParserConfig, Request, Response, Status};
use wsvet::{Role, handshake};

use head::{Answer, Asked, Headers, agreement, owned, request_body, response_body, values, view};
use side::{Body, Side};

use crate::session::agreement::{Agreement, Uncertain};
use crate::session::unjudged::Unjudged;
use crate::transport::http2::{Fields, Sniffed, sniff};

/// The most bytes that one endpoint may send before the other half of the handshake is seen.
const MAX_AHEAD: usize = 4 << 20;

/// The most HTTP requests that wait for their answers.
const MAX_ASKED: usize = 1024;

/// The most header lines of an HTTP message.
const MAX_HEADERS: usize = 1024;

/// The state of the handshake after some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Waiting,
    /// The upgrade is complete. The bytes after the HTTP headers are frames.
    Upgraded(Agreement),
    /// The bytes that were not processed are HTTP/2, and those that follow.
    Http2 {
        /// Whether the connection was upgraded to it.
        upgraded: bool,
    },
    /// The connection is not a WebSocket connection, for this reason.
    Other(Unjudged),
}

/// Reads both directions of an HTTP/1.1 connection up to the upgrade. Earlier requests, refused
/// upgrades and their bodies are skipped. The bytes may be cut anywhere.
#[derive(Default)]
pub struct Handshake {
    client: Side,
    server: Side,
    /// The requests that wait for an answer. An upgrade request is the last one.
    asked: std::collections::VecDeque<Asked>,
    /// The answer of the server, if it was captured before the request.
    agreed: Option<Answer>,
    /// The last upgrade request that the server refused, its answer, and the time of the answer.
    refused: Option<(Asked, Answer, Duration)>,
    /// The statuses of the upgrade requests that the server refused before, without repetitions.
    refused_before: Vec<u16>,
    /// Where the tunnel leads that the server opened.
    tunnel: Option<String>,
    /// The time of the last bytes.
    now: Duration,
    /// Whether this is a stream of HTTP/2, so that no byte is HTTP/1.1.
    extended: bool,
    /// Whether it is not certain in which order the endpoints sent their bytes.
    is_order_doubted: bool,
}

impl Handshake {
    /// Returns which endpoint sends a stream that starts with these bytes, if it is HTTP/1, or the
    /// client of HTTP/2.
    pub fn sender(start: [u8; 12]) -> Option<Role> {
        match &start {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'1'..=b'5', ..] => {
                Some(Role::Server)
            }
            [b'G', b'E', b'T', b' ', b'/' | b'h', ..] | b"PRI * HTTP/2" => Some(Role::Client),
            b"\r\n\r\n\0\r\nQUIT\n" => Some(Role::Client),
            start if start.starts_with(b"CONNECT ") || start.starts_with(b"PROXY TCP") => {
                Some(Role::Client)
            }
            _ => None,
        }
    }

    /// Creates the handshake of an HTTP/2 stream, whose request has these field lines.
    pub fn extended(request: Fields, at: Duration) -> Self {
        let text = |name| request.text(name).unwrap_or_default().to_owned();
        let asked = Asked {
            method: text(":method"),
            target: text(":path"),
            version: 1,
            headers: request.0,
            upgrade: true,
            extended: true,
            has_body: false,
            is_answered: false,
            is_followed: false,
            at,
        };
        Self { asked: [asked].into(), now: at, extended: true, ..Self::default() }
    }

    /// Takes the response on an HTTP/2 stream, with its status and field lines.
    pub fn respond(&mut self, status: u16, response: Fields, at: Duration) -> Progress {
        self.now = at;
        if self.asked.is_empty() {
            return Progress::Waiting;
        }
        self.answered(Answer { status, headers: response.0 }, Body::UntilEof)
    }

    /// Takes the next bytes of one endpoint.
    pub fn feed(&mut self, sender: Role, bytes: &[u8], at: Duration) -> Progress {
        self.now = at;
        self.side(sender).push(bytes);
        let progress = self.read();
        if sender == Role::Client {
            self.note_early();
        }
        for side in [&mut self.client, &mut self.server] {
            side.bytes.drain(..std::mem::take(&mut side.done));
        }
        progress
    }

    /// Notes that it is not certain any more in which order the endpoints sent their bytes.
    pub fn doubt_order(&mut self) {
        self.is_order_doubted = true;
    }

    /// Notes that the client has sent data after its upgrade request, if nothing of the answer has come
    /// (§4.1).
    fn note_early(&mut self) {
        let is_next = self.asked.len() == 1;
        let is_answered = is_next && self.server.has_begun_message();
        if self.is_order_doubted || is_answered || self.client.rest().is_empty() {
            return;
        }
        if let Some(asked) = self.asked.back_mut()
            && !asked.is_answered
            && !asked.has_body
        {
            asked.is_followed |= asked.upgrade;
        }
    }

    fn read(&mut self) -> Progress {
        if self.extended {
            let ahead = self.client.bytes.len().max(self.server.bytes.len());
            return match ahead > MAX_AHEAD {
                true => Progress::Other(Unjudged::NoAnswer),
                false => Progress::Waiting,
            };
        }
        // Progress in one direction can unblock the other one.
        loop {
            let before = (self.client.done, self.server.done);
            for progress in [self.read_client(), self.read_server()] {
                if progress != Progress::Waiting {
                    return progress;
                }
            }
            if before == (self.client.done, self.server.done) {
                return Progress::Waiting;
            }
        }
    }

    /// Returns why there was no upgrade, as far as it is known.
    pub fn why_not(&self) -> Unjudged {
        if self.agreed.is_some() {
            Unjudged::NoRequest
        } else if self.waits() {
            Unjudged::NoAnswer
        } else {
            Unjudged::Http
        }
    }

    /// Returns whether an upgrade request waits for its answer.
    pub fn waits(&self) -> bool {
        self.asked.back().is_some_and(|asked| asked.upgrade)
    }

    /// Returns the last upgrade request without an upgrade: one that waits for its answer, or one that
    /// the server refused.
    pub fn unopened(&self) -> Option<Agreement> {
        match (self.asked.back(), &self.refused) {
            (Some(asked), _) if asked.upgrade => Some(self.after_refused(agreement(asked, None))),
            (_, Some((asked, answer, _))) => {
                let mut agreement = agreement(asked, Some(answer));
                agreement.add_refused_before(&self.refused_before);
                Some(agreement)
            }
            _ => None,
        }
    }

    fn upgraded(&self, asked: &Asked, answer: &Answer) -> Progress {
        Progress::Upgraded(self.after_refused(agreement(asked, Some(answer))))
    }

    /// Adds that the server refused requests before this one.
    fn after_refused(&self, mut agreement: Agreement) -> Agreement {
        let last = self.refused.as_ref().map(|(_, answer, _)| answer.status);
        agreement.add_refused_before(&self.refused_before);
        agreement.add_refused_before(last.as_slice());
        agreement
    }

    fn note_refused(&mut self, status: u16) {
        if !self.refused_before.contains(&status) {
            self.refused_before.push(status);
        }
    }

    /// Returns the time at which the server refused the last upgrade request.
    pub fn refused_at(&self) -> Option<Duration> {
        self.refused.as_ref().filter(|_| !self.waits()).map(|(.., at)| *at)
    }

    /// Returns what was agreed as far as the client's request tells, if it waits for its answer.
    fn asked(&self) -> Option<Agreement> {
        self.asked.back().filter(|asked| asked.upgrade).map(|asked| agreement(asked, None))
    }

    /// Returns what the server agreed to with 101, if its answer was captured without the request.
    pub fn agreed(&self) -> Option<Agreement> {
        let headers = &self.agreed.as_ref()?.headers;
        let subprotocol = values(Some(headers), "Sec-WebSocket-Protocol").next();
        let upgrade = values(Some(headers), "Upgrade").next()?;
        let extensions = values(Some(headers), "Sec-WebSocket-Extensions").collect();
        upgrade
            .eq_ignore_ascii_case("websocket")
            .then(|| Agreement::new(None, subprotocol, None, extensions))
    }

    /// Returns whether the request or the response of the upgrade is missing, whose sender this is,
    /// although the other one was captured.
    pub fn lacks_part_of(&self, sender: Role) -> bool {
        let other = match sender {
            Role::Client => self.agreed.is_some(),
            Role::Server => self.waits(),
        };
        other && self.rest(sender).is_empty()
    }

    /// Returns whether nothing of it was captured.
    pub fn is_blank(&self) -> bool {
        let any = [Role::Client, Role::Server].iter().any(|sender| !self.rest(*sender).is_empty());
        !any && self.asked.is_empty() && self.agreed.is_none() && self.refused.is_none()
    }

    /// Returns what was agreed as far as it is known without the message of the upgrade that this endpoint
    /// sent. `skipped` is that of [`Uncertain`].
    pub fn without(&self, missing: Role, skipped: [Option<u64>; 2]) -> Option<Agreement> {
        let (why, agreement) = match missing {
            Role::Client => (Unjudged::NoRequest, self.agreed()),
            Role::Server => (Unjudged::NoAnswer, self.asked()),
        };
        let mut agreement = agreement?;
        agreement.opened = true;
        agreement.uncertain = Some(Uncertain { why, skipped });
        Some(agreement)
    }

    /// Returns the target of the tunnel that the server opened.
    pub fn tunnel(&self) -> Option<&str> {
        self.tunnel.as_deref()
    }

    /// Returns the bytes of this endpoint that were not processed.
    pub fn rest(&self, sender: Role) -> &[u8] {
        match sender {
            Role::Client => self.client.rest(),
            Role::Server => self.server.rest(),
        }
    }

    /// Returns the approximate memory that the bytes take.
    pub fn memory(&self) -> usize {
        self.client.bytes.capacity() + self.server.bytes.capacity()
    }

    /// Takes the bytes that this endpoint sent after the HTTP headers.
    pub fn take(&mut self, sender: Role) -> Vec<u8> {
        std::mem::take(&mut self.side(sender).bytes)
    }

    fn side(&mut self, sender: Role) -> &mut Side {
        match sender {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    fn read_client(&mut self) -> Progress {
        if self.waits() || self.asked.back().is_some_and(Asked::is_tunnel) {
            return if self.client.bytes.len() > MAX_AHEAD {
                Progress::Other(Unjudged::NoAnswer)
            } else {
                Progress::Waiting
            };
        }
        if !self.client.skip_body() || !self.client.look() {
            return Progress::Waiting;
        }
        if let Some(progress) = http2(Role::Client, self.client.rest()) {
            return progress;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(self.client.rest()) {
            Ok(Status::Partial) if self.client.may_grow() => Progress::Waiting,
            Ok(Status::Complete(len)) => {
                let (method, path) = (request.method.unwrap_or(""), request.path.unwrap_or(""));
                let version = request.version.unwrap_or_default();
                let headers = owned(request.headers);
                let upgrade = handshake::Request::new(method, path, (1, version), view(&headers))
                    .is_upgrade();
                let body = request_body(&headers);
                let has_body = !matches!(body, Body::None | Body::Length(0));
                let body = if upgrade { Body::None } else { body };
                let asked = Asked {
                    method: method.to_owned(),
                    target: path.to_owned(),
                    version,
                    headers: if upgrade { headers } else { Headers::new() },
                    upgrade,
                    extended: false,
                    has_body,
                    is_answered: false,
                    is_followed: false,
                    at: self.now,
                };
                self.client.drop_front(len, body);
                if let (true, Some(answer)) = (upgrade, self.agreed.take()) {
                    return self.upgraded(&asked, &answer);
                }
                self.asked.push_back(asked);
                if self.asked.len() > MAX_ASKED {
                    return Progress::Other(Unjudged::Http);
                }
                Progress::Waiting
            }
            // The parser unfolds the lines of responses alone.
            Err(_) if self.client.unfold() => self.read_client(),
            _ => Progress::Other(Unjudged::of_start(self.client.rest())),
        }
    }

    fn read_server(&mut self) -> Progress {
        if self.agreed.is_some() && self.server.rest().len() > MAX_AHEAD {
            return Progress::Other(Unjudged::NoRequest);
        }
        if self.agreed.is_some() || !self.server.skip_body() || !self.server.look() {
            return Progress::Waiting;
        }
        if let Some(progress) = http2(Role::Server, self.server.rest()) {
            return progress;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let mut config = ParserConfig::default();
        config
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true);
        match config.parse_response(&mut response, self.server.rest()) {
            Ok(Status::Partial) if self.server.may_grow() => Progress::Waiting,
            Ok(Status::Complete(len)) => {
                let status = response.code.unwrap_or_default();
                let headers = owned(response.headers);
                let body = response_body(&headers);
                let answer = Answer { status, headers };
                self.server.drop_front(len, Body::None);
                self.answered(answer, body)
            }
            _ => Progress::Other(match Unjudged::of_start(self.server.rest()) {
                Unjudged::Tls if !self.asked.is_empty() => Unjudged::HttpToTls,
                why => why,
            }),
        }
    }

    fn answered(&mut self, answer: Answer, body: Body) -> Progress {
        let status = answer.status;
        if matches!(status, 100 | 102..=199) {
            if let Some(asked) = self.asked.front_mut() {
                asked.is_answered = true;
            }
            return Progress::Waiting;
        }
        let asked = self.asked.pop_front();
        if let Some(asked) = asked.as_ref().filter(|asked| asked.extended && answer.accepts(asked))
        {
            return self.upgraded(asked, &answer);
        }
        if status == 101 {
            return match asked {
                Some(asked) if !asked.upgrade => {
                    let to = values(Some(&answer.headers), "Upgrade").next();
                    match to.is_some_and(|to| to.eq_ignore_ascii_case("h2c")) {
                        true => Progress::Http2 { upgraded: true },
                        false => Progress::Other(Unjudged::OtherUpgrade),
                    }
                }
                Some(asked) => self.upgraded(&asked, &answer),
                None => {
                    self.agreed = Some(answer);
                    Progress::Waiting
                }
            };
        }
        if let Some(asked) = asked.as_ref().filter(|asked| asked.is_tunnel())
            && matches!(status, 200..=299)
        {
            // What follows the head is no body (RFC 9110 §9.3.6).
            self.tunnel = Some(asked.target.clone());
            return Progress::Other(Unjudged::Tunnel);
        }
        let head = asked.as_ref().is_some_and(|asked| asked.method == "HEAD");
        let bodiless = matches!(status, 204 | 304) || head;
        self.server.body = if bodiless { Body::None } else { body };
        if let Some(asked) = asked.filter(|asked| asked.upgrade)
            && let Some((_, before, _)) = self.refused.replace((asked, answer, self.now))
        {
            self.note_refused(before.status);
        }
        Progress::Waiting
    }
}

/// Returns what follows if this is the start of HTTP/2, or may be.
fn http2(from: Role, start: &[u8]) -> Option<Progress> {
    match sniff(from, start) {
        Sniffed::No => None,
        Sniffed::Perhaps => Some(Progress::Waiting),
        Sniffed::Yes => Some(Progress::Http2 { upgraded: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::agreement::HandshakeFinding;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
        Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: x-other\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: x-other, permessage-deflate; server_no_context_takeover\r\n\r\n";

    /// Feeds the conversation in pieces of this size. Returns the result and the bytes after it.
    fn run(turns: &[(Role, &[u8])], size: usize) -> (Progress, Vec<u8>, Vec<u8>) {
        let mut handshake = Handshake::default();
        let mut result = Progress::Waiting;
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for (sender, bytes) in turns {
            for piece in bytes.chunks(size) {
                if let Progress::Waiting = result {
                    result = handshake.feed(*sender, piece, Duration::ZERO);
                } else {
                    handshake.side(*sender).bytes.extend_from_slice(piece);
                }
            }
        }
        client.extend(handshake.take(Role::Client));
        server.extend(handshake.take(Role::Server));
        (result, client, server)
    }

    fn agreed() -> Agreement {
        let (target, subprotocol) = (Some("/chat".to_owned()), Some("mqtt".to_owned()));
        let mut agreement = Agreement::new(target, subprotocol, Some(both()), both());
        agreement.asked = Some(Duration::ZERO);
        agreement
    }

    /// Returns the extensions of the offer and of the answer.
    fn both() -> Vec<String> {
        ["x-other", "permessage-deflate; server_no_context_takeover"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_headers_may_be_cut_anywhere_and_frames_may_follow_at_once() {
        let client = [REQUEST, b"\x89\x80abcd"].concat();
        let server = [ANSWER, b"\x89\x00"].concat();
        for size in 1..client.len() + 1 {
            for turns in [
                [(Role::Client, &client[..]), (Role::Server, &server[..])],
                [(Role::Server, &server[..]), (Role::Client, &client[..])],
            ] {
                let mut agreed = agreed();
                // All of the client came before the response.
                if turns[0].0 == Role::Client {
                    agreed.add(HandshakeFinding::Broken(handshake::Rule::DataBeforeResponse));
                }
                let progress = Progress::Upgraded(agreed);
                let expected = (progress, b"\x89\x80abcd".to_vec(), b"\x89\x00".to_vec());
                assert_eq!(run(&turns, size), expected, "by {size}");
            }
        }
    }

    #[test]
    fn requests_before_the_upgrade_are_skipped() {
        let turns: &[(Role, &[u8])] = &[
            (Role::Client, b"POST /login HTTP/1.1\r\nContent-Length: 3\r\n\r\nGETHEAD / HTTP/1.1\r\n\r\n"),
            (Role::Server, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP"),
            (Role::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
            (Role::Client, REQUEST),
            (
                Role::Server,
                b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n4;x=1\r\nHTTP\r\n0\r\nT: 1\r\n\r\n",
            ),
            (Role::Client, REQUEST),
            (Role::Server, ANSWER),
        ];
        let mut expected = agreed();
        expected.add_refused_before(&[401]);
        let expected = (Progress::Upgraded(expected), vec![], vec![]);
        for size in 1..100 {
            assert_eq!(run(turns, size), expected, "by {size}");
        }
    }

    #[test]
    fn a_folded_line_of_a_request_is_read() {
        let folded = [
            &b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection:\r\n\tUpgrade\r\nX-Long: a\r\n  b\r\n"[..],
            &REQUEST[REQUEST.windows(8).position(|part| part == b"Upgrade:").unwrap()..],
            b"\x89\x80abcd",
        ];
        let turns = [(Role::Client, &folded.concat()[..]), (Role::Server, ANSWER)];
        for size in 1..400 {
            let mut agreed = agreed();
            agreed.add(HandshakeFinding::Broken(handshake::Rule::DataBeforeResponse));
            let progress = Progress::Upgraded(agreed);
            let expected = (progress, b"\x89\x80abcd".to_vec(), vec![]);
            assert_eq!(run(&turns, size), expected, "by {size}");
        }
        let broken: &[(Role, &[u8])] = &[(Role::Client, b"GET / HTTP/1.1\r\n Host: x\r\n\r\n")];
        assert!(matches!(run(broken, 100).0, Progress::Other(_)));
    }

    /// Quadratic cost would take minutes here.
    #[test]
    fn a_body_of_many_small_pieces_costs_no_more_than_its_bytes() {
        let mut handshake = Handshake::default();
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(handshake.feed(Role::Server, head, Duration::ZERO), Progress::Waiting);
        let chunks = b"1\r\nx\r\n".repeat(1 << 20);
        assert_eq!(handshake.feed(Role::Server, &chunks, Duration::ZERO), Progress::Waiting);
        let trailers = [&b"0\r\n"[..], &b"t:1\r\n".repeat(1 << 20), b"\r\n"].concat();
        assert_eq!(handshake.feed(Role::Server, &trailers, Duration::ZERO), Progress::Waiting);
        assert_eq!(handshake.feed(Role::Client, REQUEST, Duration::ZERO), Progress::Waiting);
        handshake.asked.push_front(Asked {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            version: 1,
            headers: Headers::new(),
            upgrade: false,
            extended: false,
            has_body: false,
            is_answered: false,
            is_followed: false,
            at: Duration::ZERO,
        });
        handshake.asked.pop_front();
        assert!(matches!(
            handshake.feed(Role::Server, ANSWER, Duration::ZERO),
            Progress::Upgraded(_)
        ));
    }

    #[test]
    fn the_reason_for_no_upgrade_is_reported() {
        let (progress, ..) = run(&[(Role::Client, b"\x16\x03\x01\x02\x00\x01")], 100);
        assert_eq!(progress, Progress::Other(Unjudged::Tls));
        let other: &[(Role, &[u8])] = &[
            (Role::Client, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
            (Role::Server, b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n"),
        ];
        assert_eq!(run(other, 1).0, Progress::Http2 { upgraded: true });
        let refused: &[(Role, &[u8])] =
            &[(Role::Client, REQUEST), (Role::Server, b"HTTP/1.1 403 No\r\n\r\n")];
        assert_eq!(run(refused, 100).0, Progress::Waiting);
    }
}
