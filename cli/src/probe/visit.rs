//! One connection with the peer: the opening handshake, and what is sent and received after it.

use std::time::Duration;

use wsvet::generate::Case;
use wsvet::{CloseCode, End, OpCode, Role, encode};

use crate::probe::connect::Connect;
use crate::probe::hello::{self, Agreed, Response};
use crate::probe::incoming::Incoming;
use crate::probe::link::{Link, Received};
use crate::probe::outcome::Log;

/// The masking key of the prober's own frames.
const KEY: [u8; 4] = *b"vets";

/// How the peer closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// By a Close frame with this code, or without one.
    With(Option<CloseCode>),
    /// By the end of the TCP connection.
    Without(End),
}

/// Why there is no response.
pub(super) enum NoResponse {
    Late,
    End(End),
    /// It is no response of HTTP.
    Invalid(String),
}

/// One connection with the peer.
pub(super) struct Visit<'a> {
    link: &'a mut dyn Link,
    /// The role of the peer.
    peer: Role,
    pub(super) incoming: Incoming,
    /// What was received and not yet taken.
    buffer: Vec<u8>,
    pub(super) sent: Log,
    pub(super) received: Log,
    /// Whether sending failed. What the peer has sent says why.
    stalled: bool,
    pings: u32,
}

impl<'a> Visit<'a> {
    pub(super) fn new(link: &'a mut dyn Link, peer: Role) -> Self {
        Self {
            link,
            peer,
            incoming: Incoming::new(peer.peer(), None),
            buffer: Vec::new(),
            sent: Log::default(),
            received: Log::default(),
            stalled: false,
            pings: 0,
        }
    }

    /// Sends the request of a case, and waits for the response.
    pub(super) fn open(&mut self, case: &Case, limit: Duration) -> Result<Response, NoResponse> {
        let Some(tunnel) = self.link.tunnel() else { return self.upgrade(&case.request, limit) };
        let connect = Connect::of(case).map_err(NoResponse::Invalid)?;
        let answered = tunnel.connect(&connect, limit);
        let (status, fields) = answered.map_err(|received| match received {
            Received::End(end) => NoResponse::End(end),
            _ => NoResponse::Late,
        })?;
        let response = hello::over_http2(&connect, status, &fields);
        self.incoming = Incoming::new(self.peer.peer(), response.agreed.parameters);
        Ok(response)
    }

    /// Sends the request of HTTP/1.1, and waits for the response.
    fn upgrade(&mut self, request: &[Vec<u8>], limit: Duration) -> Result<Response, NoResponse> {
        self.send_segments(request);
        let request = request.concat();
        let end = self.link.elapsed() + limit;
        loop {
            match hello::response(&request, &self.buffer).map_err(NoResponse::Invalid)? {
                // Another response follows (RFC 9110 §15.2).
                Some(response) if matches!(response.status, 100 | 102..=199) => {
                    self.buffer.drain(..response.len);
                    continue;
                }
                Some(response) => {
                    let mut frames = self.buffer.split_off(response.len);
                    self.buffer.clear();
                    self.incoming = Incoming::new(self.peer.peer(), response.agreed.parameters);
                    // The body of a refusal is not frames.
                    if response.accepted {
                        self.received.add(&frames);
                        self.incoming.take(&mut frames);
                    }
                    return Ok(response);
                }
                None if self.buffer.len() > hello::MOST => {
                    return Err(NoResponse::Invalid("a head of more than 64 KiB".to_owned()));
                }
                None => {}
            }
            let left = end.saturating_sub(self.link.elapsed());
            if left.is_zero() {
                return Err(NoResponse::Late);
            }
            match self.link.receive(&mut self.buffer, left) {
                Received::Bytes => {}
                Received::Late => return Err(NoResponse::Late),
                Received::End(end) => return Err(NoResponse::End(end)),
            }
        }
    }

    /// Responds to the request of a client, and returns what was agreed on. `rest` is what came after
    /// the request.
    pub(super) fn respond(&mut self, request: &[u8], response: &[Vec<u8>], rest: &[u8]) -> Agreed {
        self.send_segments(response);
        let response = response.concat();
        let mut bytes = &response[..];
        let mut agreed = Agreed::default();
        // The last response is the one that counts.
        while let Ok(Some(response)) = hello::response(request, bytes) {
            agreed = response.agreed;
            bytes = &bytes[response.len..];
            if !matches!(response.status, 102..=199) {
                break;
            }
        }
        self.sent.add(bytes);
        self.incoming = Incoming::new(self.peer.peer(), agreed.parameters);
        self.received.add(rest);
        self.incoming.take(&mut rest.to_vec());
        agreed
    }

    fn send_segments(&mut self, segments: &[Vec<u8>]) {
        for (index, segment) in segments.iter().enumerate() {
            if index > 0 {
                self.link.pause();
            }
            if !self.stalled && self.link.send(segment).is_err() {
                self.stalled = true;
            }
        }
    }

    /// Sends the bytes of a case.
    pub(super) fn send(&mut self, segments: &[Vec<u8>]) {
        segments.iter().for_each(|segment| self.sent.add(segment));
        self.send_segments(segments);
    }

    /// Sends a frame that is not a part of a case.
    pub(super) fn send_frame(&mut self, opcode: OpCode, payload: &[u8]) {
        let key = (self.peer == Role::Server).then_some(KEY);
        let mut frame = Vec::new();
        let written = encode::append_single(opcode, payload, key, &mut frame);
        debug_assert!(written.is_ok(), "{written:?}");
        self.send_segments(&[frame]);
    }

    pub(super) fn send_close(&mut self, code: Option<CloseCode>) {
        let body = code.map(|code| code.0.to_be_bytes());
        self.send_frame(OpCode::Close, body.as_ref().map_or(&[], |body| body));
    }

    /// Sends a Ping, and returns its payload, which no other Ping has.
    pub(super) fn ping(&mut self) -> Vec<u8> {
        self.pings += 1;
        let payload = format!("wsvet-{}", self.pings).into_bytes();
        self.send_frame(OpCode::Ping, &payload);
        payload
    }

    /// Answers the last Ping of the peer, if it was not answered (RFC 6455 §5.5.3).
    pub(super) fn answer_ping(&mut self) {
        if let Some(payload) = self.incoming.take_ping() {
            self.send_frame(OpCode::Pong, &payload);
        }
    }

    pub(super) fn end_sending(&mut self) {
        // If the peer has left already, this is told when something is received.
        let _ = self.link.end_sending();
    }

    /// Waits until `found` returns something. Returns `None` if the time is over, or if nothing more can
    /// come.
    pub(super) fn wait<T>(
        &mut self,
        limit: Duration,
        mut found: impl FnMut(&mut Incoming) -> Option<T>,
    ) -> Option<T> {
        let end = self.link.elapsed() + limit;
        loop {
            if let Some(found) = found(&mut self.incoming) {
                return Some(found);
            }
            let left = end.saturating_sub(self.link.elapsed());
            if self.incoming.end.is_some() || left.is_zero() {
                return None;
            }
            match self.link.receive(&mut self.buffer, left) {
                Received::Bytes => {
                    self.received.add(&self.buffer);
                    self.incoming.take(&mut self.buffer);
                    self.buffer.clear();
                }
                Received::Late => return None,
                Received::End(end) => self.incoming.end = Some(end),
            }
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.link.elapsed()
    }

    /// Returns how the server ended the stream of HTTP/2, if there is more to say than that it did.
    pub(super) fn ending(&mut self) -> Option<&str> {
        self.link.tunnel().and_then(|tunnel| tunnel.ending())
    }
}

/// Returns how the peer closed, if it did. A Close frame counts before the end of TCP.
pub(super) fn closed(incoming: &Incoming) -> Option<Closed> {
    let close = incoming.close().map(Closed::With);
    close.or_else(|| incoming.end.map(Closed::Without))
}
