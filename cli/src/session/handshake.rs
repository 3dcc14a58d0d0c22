//! Reads the opening handshake: where the frames start, and what the endpoints negotiated.

use httparse::{EMPTY_HEADER, Header, ParserConfig, Request, Response, Status};
use wsvet::Role;
use wsvet::deflate::{Fault, InvalidExtension, Parameters};

/// The most bytes of the headers of an HTTP message.
const MAX_HEAD: usize = 64 << 10;

/// The most bytes that one endpoint may send before the other half of the handshake is seen.
const MAX_AHEAD: usize = 4 << 20;

/// The most HTTP requests that wait for their answers.
const MAX_ASKED: usize = 1024;

/// The most header lines of an HTTP message.
const MAX_HEADERS: usize = 1024;

/// The length up to which the headers are parsed again for every new piece, in bytes. This detects
/// early what is not HTTP. Longer headers are parsed again only after a line end, because the cost
/// must not grow with the number of pieces.
const EAGER: usize = 64;

/// The result of the opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The target of the request, if the request was captured.
    pub target: Option<String>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The extensions that the client offered, with their parameters, if known.
    pub offered: Option<Vec<String>>,
    /// The extensions that the server accepted, with their parameters.
    pub extensions: Vec<String>,
    invalid: Option<InvalidExtension>,
    permessage_deflate: Option<Parameters>,
}

impl Agreement {
    /// Parses the extensions in the offer, if it is known, and in the answer.
    pub fn new(
        target: Option<String>,
        subprotocol: Option<String>,
        offered: Option<Vec<String>>,
        extensions: Vec<String>,
    ) -> Self {
        let answer = extensions.join(", ");
        let negotiation = match &offered {
            Some(offered) => Parameters::agreed(&offered.join(", "), &answer),
            None => answered(&answer),
        };
        let permessage_deflate = negotiation.or_else(|_| answered(&answer)).unwrap_or_else(|_| {
            let mut names = answer.split([',', ';']).map(str::trim);
            let named = names.any(|name| name.eq_ignore_ascii_case("permessage-deflate"));
            named.then(Parameters::new)
        });
        let invalid = negotiation.err();
        Self { target, subprotocol, offered, extensions, invalid, permessage_deflate }
    }

    /// Returns how messages may be compressed (RFC 7692). If the answer is invalid, this is the part
    /// of it that can be parsed.
    pub fn permessage_deflate(&self) -> Option<Parameters> {
        self.permessage_deflate
    }

    /// Returns what is wrong with the server's [answer](Self::answer). If something is wrong, the
    /// client must fail the connection (RFC 7692 §7.1).
    pub fn invalid_extension(&self) -> Option<&InvalidExtension> {
        self.invalid.as_ref()
    }

    /// Returns the extensions of the answer as the value of one header.
    pub fn answer(&self) -> String {
        self.extensions.join(", ")
    }
}

/// The negotiated values in the headers of the server's answer.
#[derive(Clone)]
struct Answer {
    subprotocol: Option<String>,
    extensions: Vec<String>,
}

/// Describes what is wrong with a part of Sec-WebSocket-Extensions. `place` says where it is.
pub fn describe(part: &str, place: &str, fault: Fault) -> String {
    let name = part.split('=').next().unwrap_or_default().trim();
    match fault {
        Fault::Syntax => {
            format!("invalid extension `{part}` {place}: must be `name; parameter=value`")
        }
        Fault::Unknown => format!(
            "unknown parameter `{name}` {place}: must be server_no_context_takeover, \
             client_no_context_takeover, server_max_window_bits or client_max_window_bits"
        ),
        Fault::Repeated => format!("`{name}` {place} occurs twice: must occur once"),
        Fault::BadValue if name.to_ascii_lowercase().ends_with("_max_window_bits") => {
            format!("invalid value for `{name}` {place}: must be 8 to 15")
        }
        Fault::BadValue => format!("invalid value for `{name}` {place}: must have no value"),
        Fault::NotOffered => format!("`{part}` {place} was not offered by the client"),
        Fault::InvalidOffer => {
            format!("`{part}` {place} accepts an offer of the client that is invalid")
        }
        Fault::NotAccepted => {
            format!("`{part}` {place} leaves out or exceeds what the client offered")
        }
        _ => format!("`{part}` {place} {fault}"),
    }
}

/// Parses an answer whose offer is unknown.
pub fn answered(answer: &str) -> Result<Option<Parameters>, InvalidExtension> {
    Parameters::agreed(answer, answer)
}

/// The state of the handshake after some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Waiting,
    /// The upgrade is complete. The bytes after the HTTP headers are frames.
    Upgraded(Agreement),
    /// The connection is not a WebSocket connection, for this reason.
    Other(&'static str),
}

/// The bytes of one endpoint.
#[derive(Default)]
struct Side {
    bytes: Vec<u8>,
    /// The number of bytes that are processed.
    done: usize,
    body: Body,
    /// Whether the rest was parsed, and no line has ended since.
    looked: bool,
}

/// The rest of the body of the last HTTP message.
#[derive(Clone, Copy, Default)]
enum Body {
    #[default]
    None,
    Length(u64),
    /// The line with the size of a chunk comes next.
    ChunkSize,
    Chunk(u64),
    /// The lines after the last chunk.
    Trailers,
    UntilEof,
}

/// An HTTP request without its answer.
struct Asked {
    target: String,
    offered: Vec<String>,
    upgrade: bool,
    /// Whether this is a HEAD request, whose answer has no body.
    head: bool,
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
    /// The status code with which the server refused an upgrade.
    refused: Option<u16>,
}

impl Handshake {
    /// Returns which endpoint sends a stream that starts with these bytes, if it is HTTP/1.
    pub fn sender(start: [u8; 12]) -> Option<Role> {
        match &start {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', b'1'..=b'5', ..] => {
                Some(Role::Server)
            }
            [b'G', b'E', b'T', b' ', b'/' | b'h', ..] => Some(Role::Client),
            _ => None,
        }
    }

    /// Takes the next bytes of one endpoint.
    pub fn feed(&mut self, sender: Role, bytes: &[u8]) -> Progress {
        self.side(sender).push(bytes);
        let progress = self.read();
        for side in [&mut self.client, &mut self.server] {
            side.bytes.drain(..std::mem::take(&mut side.done));
        }
        progress
    }

    fn read(&mut self) -> Progress {
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
    pub fn why_not(&self) -> String {
        let waits = self.asked.back().is_some_and(|asked| asked.upgrade);
        match self.refused {
            Some(code) => format!("the server answered the upgrade request with HTTP {code}"),
            None if self.agreed.is_some() => "the upgrade request was not captured".to_owned(),
            None if waits => "the answer to the upgrade request was not captured".to_owned(),
            None => "no WebSocket upgrade was captured".to_owned(),
        }
    }

    /// Returns whether the server refused an upgrade.
    pub fn was_refused(&self) -> bool {
        self.refused.is_some()
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
        if self.asked.back().is_some_and(|asked| asked.upgrade) {
            return if self.client.bytes.len() > MAX_AHEAD {
                Progress::Other("the server never answered the upgrade request")
            } else {
                Progress::Waiting
            };
        }
        if !self.client.skip_body() || !self.client.look() {
            return Progress::Waiting;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(self.client.rest()) {
            Ok(Status::Partial) if self.client.may_grow() => Progress::Waiting,
            Ok(Status::Complete(len)) => {
                let upgrade = is_upgrade(request.headers);
                let target = request.path.unwrap_or_default().to_owned();
                let offered = extensions(request.headers);
                let body = if upgrade { Body::None } else { request_body(request.headers) };
                let head = request.method == Some("HEAD");
                self.client.drop_front(len, body);
                if let (true, Some(answer)) = (upgrade, self.agreed.take()) {
                    return upgraded(target, offered, answer);
                }
                self.asked.push_back(Asked { target, offered, upgrade, head });
                if self.asked.len() > MAX_ASKED {
                    return Progress::Other("the capture has no answers to the HTTP requests");
                }
                Progress::Waiting
            }
            _ => Progress::Other("the client does not send HTTP/1.1"),
        }
    }

    fn read_server(&mut self) -> Progress {
        if self.agreed.is_some() && self.server.rest().len() > MAX_AHEAD {
            return Progress::Other("the upgrade request was not captured");
        }
        if self.agreed.is_some() || !self.server.skip_body() || !self.server.look() {
            return Progress::Waiting;
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
                let code = response.code.unwrap_or_default();
                let answer = Answer {
                    subprotocol: values(response.headers, "Sec-WebSocket-Protocol")
                        .next()
                        .map(str::to_owned),
                    extensions: extensions(response.headers),
                };
                let body = response_body(response.headers);
                self.server.drop_front(len, Body::None);
                self.answered(code, answer, body)
            }
            _ => Progress::Other("the server does not send HTTP/1.1"),
        }
    }

    fn answered(&mut self, code: u16, answer: Answer, body: Body) -> Progress {
        if matches!(code, 100 | 102..=199) {
            return Progress::Waiting;
        }
        let asked = self.asked.pop_front();
        if code == 101 {
            return match asked {
                Some(Asked { upgrade: false, .. }) => {
                    Progress::Other("the connection was upgraded to another protocol")
                }
                Some(Asked { target, offered, .. }) => upgraded(target, offered, answer),
                None => {
                    self.agreed = Some(answer);
                    Progress::Waiting
                }
            };
        }
        if asked.as_ref().is_some_and(|asked| asked.upgrade) {
            self.refused = Some(code);
        }
        let bodiless = matches!(code, 204 | 304) || asked.is_some_and(|asked| asked.head);
        self.server.body = if bodiless { Body::None } else { body };
        Progress::Waiting
    }
}

impl Side {
    fn push(&mut self, bytes: &[u8]) {
        self.looked &= self.bytes.len() > EAGER && !bytes.contains(&b'\n');
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the bytes that are not processed yet.
    fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    /// Returns whether parsing again may find more than the last time.
    fn look(&mut self) -> bool {
        !std::mem::replace(&mut self.looked, true)
    }

    /// Returns whether the rest may still be an incomplete header or line.
    fn may_grow(&self) -> bool {
        self.rest().len() <= MAX_HEAD
    }

    /// Drops the bytes of the body. Returns whether the body is complete.
    fn skip_body(&mut self) -> bool {
        loop {
            let there = self.rest().len();
            let body = self.body;
            match body {
                Body::None => return true,
                Body::UntilEof => {
                    self.drop_front(there, Body::UntilEof);
                    return false;
                }
                Body::Length(left) if left > there as u64 => {
                    self.drop_front(there, Body::Length(left - there as u64));
                    return false;
                }
                Body::Chunk(left) if left > there as u64 => {
                    self.drop_front(there, Body::Chunk(left - there as u64));
                    return false;
                }
                Body::Length(left) => self.drop_front(left as usize, Body::None),
                Body::Chunk(left) => self.drop_front(left as usize, Body::ChunkSize),
                Body::ChunkSize | Body::Trailers if !self.look() => return false,
                Body::ChunkSize => match httparse::parse_chunk_size(self.rest()) {
                    Ok(Status::Complete((line, 0))) => self.drop_front(line, Body::Trailers),
                    // The chunk, and the line end after it.
                    Ok(Status::Complete((line, size))) => {
                        self.drop_front(line, Body::Chunk(size.saturating_add(2)));
                    }
                    Ok(Status::Partial) if self.may_grow() => return false,
                    _ => self.body = Body::UntilEof,
                },
                Body::Trailers => match self.rest().iter().position(|byte| *byte == b'\n') {
                    Some(end) if self.rest()[..end].trim_ascii().is_empty() => {
                        self.drop_front(end + 1, Body::None);
                    }
                    Some(end) => self.drop_front(end + 1, Body::Trailers),
                    None if self.may_grow() => return false,
                    None => self.body = Body::UntilEof,
                },
            }
        }
    }

    fn drop_front(&mut self, len: usize, next: Body) {
        self.done += len;
        self.looked = false;
        self.body = next;
    }
}

fn values<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .filter_map(|header| std::str::from_utf8(header.value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn extensions(headers: &[Header<'_>]) -> Vec<String> {
    values(headers, "Sec-WebSocket-Extensions").map(str::to_owned).collect()
}

/// Returns the progress after the request and the answer of the upgrade.
fn upgraded(target: String, offered: Vec<String>, answer: Answer) -> Progress {
    let Answer { subprotocol, extensions } = answer;
    Progress::Upgraded(Agreement::new(Some(target), subprotocol, Some(offered), extensions))
}

fn is_upgrade(headers: &[Header<'_>]) -> bool {
    values(headers, "Upgrade").any(|value| value.eq_ignore_ascii_case("websocket"))
}

fn request_body(headers: &[Header<'_>]) -> Body {
    match response_body(headers) {
        Body::UntilEof => Body::None,
        body => body,
    }
}

fn response_body(headers: &[Header<'_>]) -> Body {
    if values(headers, "Transfer-Encoding").any(|value| value.eq_ignore_ascii_case("chunked")) {
        return Body::ChunkSize;
    }
    match values(headers, "Content-Length").next().and_then(|value| value.parse().ok()) {
        Some(len) => Body::Length(len),
        None => Body::UntilEof,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
        Upgrade: WebSocket\r\nSec-WebSocket-Extensions: x-other\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: x-other, permessage-deflate; server_no_context_takeover\r\n\r\n";

    /// Feeds the conversation in pieces of this size. Returns the result and the bytes after it.
    fn run(turns: &[(Role, &[u8])], size: usize) -> (Progress, Vec<u8>, Vec<u8>) {
        let mut handshake = Handshake::default();
        let mut result = Progress::Waiting;
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for (sender, bytes) in turns {
            for piece in bytes.chunks(size) {
                if let Progress::Waiting = result {
                    result = handshake.feed(*sender, piece);
                } else {
                    handshake.side(*sender).bytes.extend_from_slice(piece);
                }
            }
        }
        client.extend(handshake.take(Role::Client));
        server.extend(handshake.take(Role::Server));
        (result, client, server)
    }

    fn agreement() -> Progress {
        let (target, subprotocol) = (Some("/chat".to_owned()), Some("mqtt".to_owned()));
        Progress::Upgraded(Agreement::new(target, subprotocol, Some(both()), both()))
    }

    /// Returns the extensions of the offer and of the answer.
    fn both() -> Vec<String> {
        ["x-other", "permessage-deflate; server_no_context_takeover"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_valid_part_of_an_invalid_answer_is_used() {
        let agreement = |offered: Option<&str>, answer: &str| {
            let offered = offered.map(|offered| vec![offered.to_owned()]);
            Agreement::new(None, None, offered, vec![answer.to_owned()])
        };
        let bits = "permessage-deflate; client_max_window_bits=9";
        let told = agreement(Some("permessage-deflate"), bits);
        assert_eq!(told.invalid_extension().unwrap().offset, 20);
        assert_eq!(told.permessage_deflate().unwrap().max_window_bits(Role::Client), Some(9));
        let told = agreement(None, "permessage-deflate; x");
        assert_eq!(told.invalid_extension().unwrap().offset, 20);
        assert_eq!(told.permessage_deflate(), Some(Parameters::new()));
        let told = agreement(None, bits);
        assert_eq!((told.invalid_extension(), told.permessage_deflate()), (None, told_by(bits)));
        let told = agreement(Some("permessage-deflate"), "x-other");
        assert!(told.invalid_extension().is_some());
        assert_eq!(told.permessage_deflate(), None);
    }

    fn told_by(answer: &str) -> Option<Parameters> {
        answered(answer).unwrap()
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
                let expected = (agreement(), b"\x89\x80abcd".to_vec(), b"\x89\x00".to_vec());
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
        for size in 1..100 {
            assert_eq!(run(turns, size), (agreement(), vec![], vec![]), "by {size}");
        }
    }

    /// Quadratic cost would take minutes here.
    #[test]
    fn a_body_of_many_small_pieces_costs_no_more_than_its_bytes() {
        let mut handshake = Handshake::default();
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(handshake.feed(Role::Server, head), Progress::Waiting);
        let chunks = b"1\r\nx\r\n".repeat(1 << 20);
        assert_eq!(handshake.feed(Role::Server, &chunks), Progress::Waiting);
        let trailers = [&b"0\r\n"[..], &b"t:1\r\n".repeat(1 << 20), b"\r\n"].concat();
        assert_eq!(handshake.feed(Role::Server, &trailers), Progress::Waiting);
        assert_eq!(handshake.feed(Role::Client, REQUEST), Progress::Waiting);
        handshake.asked.push_front(Asked {
            target: "/".to_owned(),
            offered: Vec::new(),
            upgrade: false,
            head: false,
        });
        handshake.asked.pop_front();
        assert!(matches!(handshake.feed(Role::Server, ANSWER), Progress::Upgraded(_)));
    }

    #[test]
    fn the_reason_for_no_upgrade_is_reported() {
        let (progress, ..) = run(&[(Role::Client, b"\x16\x03\x01\x02\x00\x01")], 100);
        assert_eq!(progress, Progress::Other("the client does not send HTTP/1.1"));
        let other: &[(Role, &[u8])] = &[
            (Role::Client, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
            (Role::Server, b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n"),
        ];
        assert_eq!(
            run(other, 1).0,
            Progress::Other("the connection was upgraded to another protocol")
        );
        let refused: &[(Role, &[u8])] =
            &[(Role::Client, REQUEST), (Role::Server, b"HTTP/1.1 403 No\r\n\r\n")];
        assert_eq!(run(refused, 100).0, Progress::Waiting);
    }
}
