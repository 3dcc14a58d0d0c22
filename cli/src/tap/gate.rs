//! Refuses what breaks a rule (`--enforce`): the opening handshake passes as it is, and the frames after it
//! pass a gateway of the library.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use wsvet::endpoint::gateway::{Gateway, Refused};
use wsvet::{CloseCode, End, Role};

use crate::session::agreement::Agreement;
use crate::session::handshake::{Handshake, Progress};
use crate::session::limits::Limits;

/// How long both connections may take to end after the gate has begun to end them.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What stands between two endpoints, and refuses frames.
pub(super) struct Gate {
    limits: Limits,
    stage: Stage,
    /// What the client sent after its request, and waits for the answer: it may be frames.
    early: Vec<u8>,
    /// How many of these bytes may pass.
    released: usize,
    /// Whether people were told what was refused, or that nothing is.
    told: bool,
}

enum Stage {
    /// HTTP up to the upgrade.
    Http(Box<Handshake>),
    Frames(Box<Gateway>),
    /// This is no WebSocket connection, so everything passes.
    Open,
    /// The gateway does not know the streams of HTTP/2, so everything passes.
    Http2,
}

impl Gate {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stage: Stage::Http(Box::default()),
            early: Vec::new(),
            released: 0,
            told: false,
        }
    }

    /// Takes the next bytes of an endpoint. Those to be passed are in `held`, and then the first bytes of
    /// the chunk, whose number is returned.
    pub(super) fn receive(
        &mut self,
        from: Role,
        chunk: &[u8],
        held: &mut Vec<u8>,
        at: Duration,
    ) -> usize {
        match &mut self.stage {
            Stage::Open | Stage::Http2 => chunk.len(),
            Stage::Frames(gateway) => {
                gateway.at(at);
                let [before, now] = gateway.receive(from, chunk).parts();
                held.extend_from_slice(before);
                now.len()
            }
            Stage::Http(handshake) => match handshake.feed(from, chunk, at) {
                Progress::Waiting if from == Role::Client && handshake.waits() => {
                    let ahead = handshake.rest(Role::Client).len().min(chunk.len());
                    let passed = chunk.len() - ahead;
                    self.early.extend_from_slice(&chunk[passed..]);
                    passed
                }
                Progress::Waiting => {
                    // The server refused, and what has waited may be another request.
                    let ahead = match handshake.waits() {
                        true => handshake.rest(Role::Client).len(),
                        false => 0,
                    };
                    self.released = self.early.len().saturating_sub(ahead);
                    chunk.len()
                }
                // The server answers after the request. Whoever does otherwise is passed as it is.
                Progress::Upgraded(agreement) if from == Role::Server => {
                    let frames = handshake.take(Role::Server);
                    let passed = chunk.len() - frames.len();
                    held.extend_from_slice(&chunk[..passed]);
                    let mut gateway = self.gateway(&agreement);
                    gateway.at(at);
                    held.extend(gateway.receive(Role::Server, &frames).to_vec());
                    self.stage = Stage::Frames(Box::new(gateway));
                    self.released = self.early.len();
                    0
                }
                progress
                @ (Progress::Upgraded(_) | Progress::Http2 { .. } | Progress::Other(_)) => {
                    self.stage = match progress {
                        Progress::Http2 { .. } => Stage::Http2,
                        _ => Stage::Open,
                    };
                    self.released = self.early.len();
                    chunk.len()
                }
            },
        }
    }

    /// Returns the bytes of the client that have waited for the answer of the server, as far as they pass
    /// now, in `held`.
    pub(super) fn release(&mut self, held: &mut Vec<u8>) {
        let bytes: Vec<_> = self.early.drain(..std::mem::take(&mut self.released)).collect();
        match &mut self.stage {
            Stage::Frames(gateway) if !bytes.is_empty() => {
                held.extend(gateway.receive(Role::Client, &bytes).to_vec());
            }
            _ => held.extend(bytes),
        }
    }

    /// Returns whether nothing more is to be read from this endpoint for now.
    pub(super) fn holds(&self, from: Role) -> bool {
        from == Role::Client && !self.early.is_empty()
    }

    /// Ends the stream of an endpoint.
    pub(super) fn end(&mut self, from: Role, how: End) {
        if let Stage::Frames(gateway) = &mut self.stage {
            gateway.end(from, how);
        }
    }

    /// Moves the gate's own bytes for an endpoint.
    pub(super) fn take_own(&mut self, to: Role, own: &mut Vec<u8>) {
        if let Stage::Frames(gateway) = &mut self.stage {
            let due = gateway.to_send(to);
            own.extend_from_slice(due);
            due.clear();
        }
    }

    /// Returns whether this endpoint is sent nothing more.
    pub(super) fn is_over(&self, to: Role) -> bool {
        self.gateway_there().is_some_and(|gateway| gateway.is_over(to))
    }

    /// Returns whether the connections end.
    pub(super) fn is_closing(&self) -> bool {
        self.refused().is_some() || self.is_over(Role::Client) || self.is_over(Role::Server)
    }

    /// Returns what was refused.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.gateway_there().and_then(Gateway::refused)
    }

    /// Returns whether only what passes from this endpoint is judged, because the other one has broken a
    /// rule and receives nothing else.
    pub(super) fn is_silenced(&self, from: Role) -> bool {
        self.refused().is_some_and(|refused| refused.from != from)
    }

    /// Returns what people must be told, once.
    pub(super) fn news(&mut self) -> Option<String> {
        if matches!(self.stage, Stage::Http2) && !std::mem::replace(&mut self.told, true) {
            return Some(
                "--enforce refuses nothing in HTTP/2, which passes and is judged".to_owned(),
            );
        }
        let refused = self.refused().filter(|_| !self.told)?;
        self.told = true;
        let other = match refused.cut {
            true => String::new(),
            false => {
                format!("; the {} was sent {}", refused.from.peer(), CloseCode::GOING_AWAY.0)
            }
        };
        Some(format!("{refused}{other}"))
    }

    fn gateway_there(&self) -> Option<&Gateway> {
        match &self.stage {
            Stage::Frames(gateway) => Some(gateway),
            _ => None,
        }
    }

    fn gateway(&self, agreement: &Agreement) -> Gateway {
        let [client, server] =
            [Role::Client, Role::Server].map(|role| self.limits.policy(role, agreement));
        // The standard library makes its hashes unpredictable.
        let key = (RandomState::new().hash_one(()) as u32).to_be_bytes();
        match agreement.permessage_deflate() {
            Some(parameters) => Gateway::deflate(client, server, parameters, key),
            None => Gateway::new(client, server, key),
        }
    }
}
