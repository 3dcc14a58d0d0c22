//! What the peer has sent, judged as it comes.

use std::collections::VecDeque;

use wsvet::deflate::{self, Parameters};
use wsvet::{CloseCode, End, Event, OpCode, Policy, Reader, Role, StreamDecoder, Violation};

use crate::probe::window::Window;

/// The most bytes of frames, and of what they inflate to, that are taken from a peer in one case. After
/// that, the case is inconclusive.
const MOST: u64 = 256 << 20;

/// The most bytes of a message that are kept, which is more than any case sends.
const MOST_KEPT: usize = 64 << 20;

/// The most masking keys that are kept.
const MOST_KEYS: usize = 64;

/// The approximate memory of a message in addition to its bytes.
const COST: u64 = 64;

enum Decoder {
    Plain(Box<StreamDecoder>),
    Deflate(Box<deflate::StreamDecoder>),
}

/// What the peer has sent after the opening handshake, and what of it was not yet looked at.
pub(super) struct Incoming {
    decoder: Decoder,
    events: Events,
    /// Of a client.
    keys: Option<Keys>,
    /// If a window of less than 32 KiB was agreed on.
    window: Option<Window>,
    taken: u64,
    pub(super) end: Option<End>,
    /// The first rule that the peer broke.
    pub(super) violation: Option<Violation>,
}

#[derive(Default)]
struct Events {
    messages: VecDeque<(OpCode, Vec<u8>)>,
    pongs: VecDeque<Vec<u8>>,
    /// The last Ping that was not answered.
    ping: Option<Vec<u8>>,
    close: Option<Option<CloseCode>>,
    /// The first Ping or Close frame after a Close frame.
    after_close: Option<OpCode>,
    open: Vec<u8>,
    /// The bytes that were kept so far, as far as they take memory.
    kept: u64,
}

impl Events {
    fn take(&mut self, event: &Event<'_>) {
        if self.kept > MOST {
            return;
        }
        match event {
            Event::Data { opcode, bytes, end, .. } => {
                self.kept += bytes.len() as u64 + COST;
                let room = MOST_KEPT.saturating_sub(self.open.len());
                self.open.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if *end {
                    self.messages.push_back((*opcode, std::mem::take(&mut self.open)));
                }
            }
            Event::Ping(_) if self.close.is_some() => {
                self.after_close.get_or_insert(OpCode::Ping);
            }
            Event::Close(_) if self.close.is_some() => {
                self.after_close.get_or_insert(OpCode::Close);
            }
            Event::Ping(payload) => self.ping = Some(payload.to_vec()),
            Event::Pong(payload) => {
                self.kept += payload.len() as u64 + COST;
                self.pongs.push_back(payload.to_vec());
            }
            Event::Close(close) => self.close = Some(close.map(|close| close.code)),
            _ => {}
        }
    }
}

/// The masking keys of frames with a payload. The key of an empty frame masks nothing.
#[derive(Default)]
struct Keys {
    reader: Reader,
    seen: Vec<[u8; 4]>,
}

impl Keys {
    fn take(&mut self, mut bytes: &[u8]) {
        let Self { reader, seen } = self;
        while !bytes.is_empty() && seen.len() < MOST_KEYS {
            let used = match reader.frame() {
                None => {
                    let used = reader.header(bytes);
                    let header = reader.frame().filter(|header| header.payload_len() > 0);
                    seen.extend(header.and_then(|header| header.masking_key()));
                    used
                }
                Some(_) => {
                    let len = reader.available(bytes.len());
                    reader.advance(len as u64);
                    len
                }
            };
            bytes = &bytes[used..];
            if reader.is_whole() {
                reader.finish();
            }
        }
    }
}

impl Incoming {
    /// `prober` is the role in which it is received.
    pub(super) fn new(prober: Role, parameters: Option<Parameters>) -> Self {
        let policy = Policy::new(prober);
        let decoder = match parameters {
            None => Decoder::Plain(Box::new(StreamDecoder::new(policy))),
            Some(parameters) => {
                // What a peer compresses is bounded, as everything else.
                let policy = policy.max_message(MOST_KEPT as u64);
                Decoder::Deflate(Box::new(deflate::StreamDecoder::new(policy, parameters)))
            }
        };
        let (events, keys) = (Events::default(), (prober == Role::Server).then(Keys::default));
        let window = parameters.and_then(|parameters| Window::new(parameters, prober.peer()));
        Self { decoder, events, keys, window, taken: 0, end: None, violation: None }
    }

    /// Takes the next bytes of the peer.
    pub(super) fn take(&mut self, bytes: &mut [u8]) {
        self.taken += bytes.len() as u64;
        if self.violation.is_some() || self.is_too_much() {
            return;
        }
        let Self { decoder, events, keys, window, .. } = self;
        keys.iter_mut().for_each(|keys| keys.take(bytes));
        let copy = window.as_ref().map(|_| bytes.to_vec());
        let judged = match decoder {
            Decoder::Plain(decoder) => {
                let mut rest = bytes;
                loop {
                    if rest.is_empty() {
                        break Ok(());
                    }
                    match decoder.decode(rest) {
                        Ok((used, event)) => {
                            event.iter().for_each(|event| events.take(event));
                            rest = &mut rest[used..];
                        }
                        Err(violation) => break Err(violation),
                    }
                }
            }
            Decoder::Deflate(decoder) => decoder.decode(bytes, |event| events.take(&event)),
        };
        self.violation = judged.err();
        if let (None, Some(window), Some(mut copy)) = (self.violation, window, copy) {
            window.take(&mut copy);
        }
    }

    /// Returns the length of the agreed window in bytes, if the peer compressed with a longer one.
    pub(super) fn exceeded_window(&self) -> Option<usize> {
        self.window.as_ref()?.exceeded()
    }

    /// Returns the masking keys of the first frames.
    pub(super) fn masking_keys(&self) -> &[[u8; 4]] {
        self.keys.as_ref().map_or(&[], |keys| &keys.seen)
    }

    /// Returns whether the peer sent more than any case asks for.
    pub(super) const fn is_too_much(&self) -> bool {
        self.taken > MOST || self.events.kept > MOST
    }

    /// Takes the payload of the peer's last Ping, if it was not taken.
    pub(super) fn take_ping(&mut self) -> Option<Vec<u8>> {
        self.events.ping.take()
    }

    /// Returns the code of the peer's Close frame, if one has come.
    pub(super) const fn close(&self) -> Option<Option<CloseCode>> {
        self.events.close
    }

    /// Returns the type of the first Ping or Close frame that the peer sent after its Close frame.
    pub(super) const fn after_close(&self) -> Option<OpCode> {
        self.events.after_close
    }

    /// Takes the oldest message that was not taken.
    pub(super) fn next_message(&mut self) -> Option<(OpCode, Vec<u8>)> {
        self.events.messages.pop_front()
    }

    /// Takes the oldest Pong that was not taken.
    pub(super) fn next_pong(&mut self) -> Option<Vec<u8>> {
        self.events.pongs.pop_front()
    }

    /// Takes Pongs up to the one with this payload, and returns whether there was one.
    pub(super) fn has_pong(&mut self, payload: &[u8], others: &mut Option<Vec<u8>>) -> bool {
        while let Some(pong) = self.events.pongs.pop_front() {
            if pong == payload {
                return true;
            }
            *others = Some(pong);
        }
        false
    }
}
