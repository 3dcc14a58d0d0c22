//! The state of an endpoint of a gateway.

use bytes::BytesMut;

use crate::{Observed, OpCode, encode};

/// An endpoint of a gateway: what it sends, and what it is sent.
#[derive(Debug)]
pub(super) struct Side {
    /// The bytes that have arrived from it and are not forwarded.
    pub(super) held: Held,
    /// The bytes that were held until the current call.
    pub(super) released: Held,
    /// The number of its bytes that were forwarded.
    pub(super) forwarded: u64,
    /// The offset at which its current frame starts.
    frame: u64,
    /// The opcode of its current frame.
    opcode: OpCode,
    /// Whether the other endpoint has received a part of its current frame.
    pub(super) inside: bool,
    /// Whether its Close frame was forwarded.
    pub(super) closed: bool,
    pub(super) flow: Flow,
    /// The bytes of the gateway's own Close frame for it.
    pub(super) to_send: BytesMut,
    /// The Close frame that it is sent after the frame of which it has a part.
    pub(super) due: BytesMut,
    /// Whether it is sent nothing more.
    pub(super) over: bool,
}

/// What happens to the bytes of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// They are forwarded.
    Open,
    /// They are forwarded to the end of the current frame.
    Finishing,
    /// They are discarded.
    Stopped,
}

/// The bytes of a cut header or of a control frame that is not whole.
#[derive(Clone, Debug)]
pub(super) struct Held {
    bytes: [u8; encode::MAX_CONTROL_LEN],
    pub(super) len: u8,
}

impl Held {
    const EMPTY: Self = Self { bytes: [0; encode::MAX_CONTROL_LEN], len: 0 };

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub(super) fn push(&mut self, more: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + more.len()].copy_from_slice(more);
        self.len += more.len() as u8;
    }
}

impl Side {
    pub(super) fn new() -> Self {
        Self {
            held: Held::EMPTY,
            released: Held::EMPTY,
            forwarded: 0,
            frame: 0,
            opcode: OpCode::Continuation,
            inside: false,
            closed: false,
            flow: Flow::Open,
            to_send: BytesMut::new(),
            due: BytesMut::new(),
            over: false,
        }
    }

    /// Takes what the conversation saw in the next bytes of this endpoint, until it returns `false`.
    pub(super) fn saw(
        &mut self,
        seen: &Observed<'_>,
        start: u64,
        pending: &mut Option<u64>,
    ) -> bool {
        // A header and a piece are forwarded if no violation follows them.
        if !matches!(seen, Observed::Violation { .. } | Observed::Inflated(_))
            && let Some(end) = pending.take()
        {
            self.forwarded = end;
            self.inside = true;
        }
        match seen {
            Observed::Header(sent) => {
                self.opcode = sent.header.opcode();
                let end = sent.offset + sent.header.header_len() as u64;
                *pending = self.opcode.is_data().then_some(end);
            }
            Observed::Payload { plain, offset } if self.opcode.is_data() => {
                *pending = Some(offset + plain.len() as u64);
            }
            Observed::End { offset } => {
                self.frame = *offset;
                self.forwarded = *offset;
                self.inside = false;
                self.closed |= self.opcode == OpCode::Close;
                return self.flow == Flow::Open;
            }
            Observed::Violation { .. } => {
                *pending = None;
                if self.frame >= start {
                    // No byte of the frame was forwarded before.
                    self.forwarded = self.frame;
                    self.inside = false;
                }
                return false;
            }
            _ => {}
        }
        true
    }
}
