//! Reads the frames of one direction of an HTTP/2 connection (RFC 9113 §4.1).

use std::borrow::Cow;
use std::fmt;

use crate::transport::http2::malformed::{Fault, Malformed};

/// The most bytes of a header block. Endpoints mostly refuse far fewer.
pub(super) const MAX_BLOCK: usize = 256 << 10;

/// The bytes with which a client starts a connection (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the header of a frame, in bytes.
pub(super) const HEADER: usize = 9;

/// The largest payload of a frame unless the receiver allows more, in bytes (RFC 9113 §6.5.2).
pub const MAX_FRAME: u32 = 1 << 14;

/// The most bytes of a GOAWAY that are kept.
const GOAWAY: u32 = 8 + 128;

/// The most bytes of SETTINGS. There are fewer settings than this.
const SETTINGS: u32 = 16 << 10;

/// The flag of DATA and HEADERS that ends the direction of a stream.
pub const END_STREAM: u8 = 0x1;
/// The flag of SETTINGS that acknowledges those of the peer.
pub const ACK: u8 = 0x1;
/// The flag that ends a header block.
pub const END_HEADERS: u8 = 0x4;
/// The flag of DATA, HEADERS and PUSH_PROMISE with padding.
pub(super) const PADDED: u8 = 0x8;
/// The flag of HEADERS with a priority.
pub(super) const PRIORITY: u8 = 0x20;

/// The type of a frame (RFC 9113 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of a stream.
    Data,
    /// The start of a header block.
    Headers,
    /// The priority of a stream.
    Priority,
    /// The end of a stream.
    RstStream,
    /// Settings of the sender.
    Settings,
    /// The start of the header block of a request that the server answers unasked.
    PushPromise,
    /// A question whether the peer is there.
    Ping,
    /// The end of the connection.
    GoAway,
    /// More bytes that the sender takes.
    WindowUpdate,
    /// More of a header block.
    Continuation,
    /// A type that RFC 9113 does not have. Such a frame is skipped (§4.1).
    Other(u8),
}

impl Kind {
    fn new(byte: u8) -> Self {
        match byte {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::RstStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            byte => Self::Other(byte),
        }
    }

    /// Returns the number on the wire.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Headers => 1,
            Self::Priority => 2,
            Self::RstStream => 3,
            Self::Settings => 4,
            Self::PushPromise => 5,
            Self::Ping => 6,
            Self::GoAway => 7,
            Self::WindowUpdate => 8,
            Self::Continuation => 9,
            Self::Other(byte) => byte,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "DATA",
            Self::Headers => "HEADERS",
            Self::Priority => "PRIORITY",
            Self::RstStream => "RST_STREAM",
            Self::Settings => "SETTINGS",
            Self::PushPromise => "PUSH_PROMISE",
            Self::Ping => "PING",
            Self::GoAway => "GOAWAY",
            Self::WindowUpdate => "WINDOW_UPDATE",
            Self::Continuation => "CONTINUATION",
            Self::Other(_) => "unknown",
        })
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The byte of the direction at which it starts.
    pub(super) offset: u64,
    /// The length of the payload, in bytes.
    pub(super) len: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// The stream, or 0 for the connection.
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn parse(wire: [u8; HEADER], offset: u64) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = wire;
        Self {
            offset,
            len: u32::from_be_bytes([0, l0, l1, l2]),
            kind: Kind::new(kind),
            flags,
            // The highest bit is reserved, and ignored.
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & (u32::MAX >> 1),
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn malformed(&self, fault: Fault) -> Malformed {
        Malformed { offset: self.offset, fault }
    }

    /// Checks what the header alone tells. `most` is the largest payload that the receiver allows, in
    /// bytes.
    pub(super) fn check(&self, most: u32) -> Result<(), Fault> {
        let Self { len, kind, stream, .. } = *self;
        if len > most {
            return Err(Fault::TooLong(kind, len, most));
        }
        let block = matches!(kind, Kind::Headers | Kind::PushPromise | Kind::Continuation);
        if block && len as usize > MAX_BLOCK {
            return Err(Fault::LongBlock(MAX_BLOCK));
        }
        let lengths = match kind {
            Kind::Priority => len == 5,
            Kind::RstStream | Kind::WindowUpdate => len == 4,
            Kind::Settings if self.has(ACK) => len == 0,
            Kind::Settings => len.is_multiple_of(6) && len <= SETTINGS,
            Kind::Ping => len == 8,
            Kind::GoAway => len >= 8,
            Kind::PushPromise => len >= 4,
            _ => true,
        };
        let streams = match kind {
            Kind::Settings | Kind::Ping | Kind::GoAway => stream == 0,
            Kind::WindowUpdate | Kind::Other(_) => true,
            _ => stream != 0,
        };
        match (lengths, streams) {
            (false, _) => Err(Fault::Length(kind, len)),
            (_, false) => Err(Fault::Stream(kind, stream)),
            _ => Ok(()),
        }
    }

    /// Returns the number of bytes of the payload that are kept.
    fn kept(&self) -> u32 {
        match self.kind {
            Kind::Data | Kind::Priority | Kind::Other(_) => 0,
            Kind::GoAway => self.len.min(GOAWAY),
            _ => self.len,
        }
    }
}

/// A frame, or a part of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A complete frame, other than DATA, and what is kept of its payload.
    Frame(Head, Cow<'a, [u8]>),
    /// The start of a DATA frame.
    DataStart(Head),
    /// The next bytes of the DATA frame, without padding. They are not empty.
    Data(Head, &'a [u8]),
    /// The end of the DATA frame.
    DataEnd(Head),
}

/// Reads the frames of one direction. The bytes may be cut anywhere. The payload of DATA is not
/// copied.
pub(super) struct Frames {
    /// The number of bytes that were read.
    offset: u64,
    /// The start of what is not complete.
    cut: Vec<u8>,
    state: State,
    /// The largest payload that the receiver allows, in bytes.
    pub(super) most: u32,
}

#[derive(Clone, Copy)]
enum State {
    Preface,
    Head,
    Payload(Head),
    /// The length of the padding of a DATA frame comes next.
    PadLength(Head),
    /// The bytes of a DATA frame that come next, and the padding after them.
    Data(Head, u32, u32),
    /// Bytes that are not kept.
    Skip(u32),
}

impl Frames {
    /// Creates a reader. `preface` says whether the direction starts with the preface of a client.
    pub(super) fn new(preface: bool) -> Self {
        let state = if preface { State::Preface } else { State::Head };
        Self { offset: 0, cut: Vec::new(), state, most: MAX_FRAME }
    }

    /// Returns the number of bytes that were read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.cut.capacity()
    }

    /// Returns the next piece, and removes its bytes from `bytes`. If there is none, no byte is left.
    pub(super) fn next<'a>(
        &mut self,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Piece<'a>>, Malformed> {
        loop {
            match self.state {
                State::Preface => {
                    let expected = PREFACE.get(self.offset as usize..).unwrap_or_default();
                    let len = expected.len().min(bytes.len());
                    let same = expected.iter().zip(*bytes).take_while(|(a, b)| a == b).count();
                    if same < len {
                        let offset = self.offset + same as u64;
                        return Err(Malformed { offset, fault: Fault::Preface });
                    }
                    self.take(bytes, len);
                    if len < expected.len() {
                        return Ok(None);
                    }
                    self.state = State::Head;
                }
                State::Head => {
                    let offset = self.offset - self.cut.len() as u64;
                    let Some(wire) = self.collect(bytes, HEADER) else { return Ok(None) };
                    let Some(wire) = wire.first_chunk() else { return Ok(None) };
                    let head = Head::parse(*wire, offset);
                    head.check(self.most).map_err(|fault| head.malformed(fault))?;
                    if head.kind != Kind::Data {
                        self.state = State::Payload(head);
                        continue;
                    }
                    let padded = head.has(PADDED);
                    if padded && head.len == 0 {
                        return Err(head.malformed(Fault::Padding(head.kind)));
                    }
                    self.state = match padded {
                        true => State::PadLength(head),
                        false => State::Data(head, head.len, 0),
                    };
                    return Ok(Some(Piece::DataStart(head)));
                }
                State::Payload(head) => {
                    let kept = head.kept();
                    let Some(payload) = self.collect(bytes, kept as usize) else {
                        return Ok(None);
                    };
                    self.state = State::Skip(head.len - kept);
                    return Ok(Some(Piece::Frame(head, payload)));
                }
                State::PadLength(head) => {
                    let Some((pad, _)) = bytes.split_first() else { return Ok(None) };
                    let pad = u32::from(*pad);
                    let Some(len) = (head.len - 1).checked_sub(pad) else {
                        return Err(head.malformed(Fault::Padding(head.kind)));
                    };
                    self.take(bytes, 1);
                    self.state = State::Data(head, len, pad);
                }
                State::Data(head, 0, pad) => {
                    self.state = State::Skip(pad);
                    return Ok(Some(Piece::DataEnd(head)));
                }
                State::Data(head, left, pad) => {
                    let len = bytes.len().min(left as usize);
                    if len == 0 {
                        return Ok(None);
                    }
                    let data = self.take(bytes, len);
                    self.state = State::Data(head, left - len as u32, pad);
                    return Ok(Some(Piece::Data(head, data)));
                }
                State::Skip(0) => self.state = State::Head,
                State::Skip(left) => {
                    let len = bytes.len().min(left as usize);
                    if len == 0 {
                        return Ok(None);
                    }
                    self.take(bytes, len);
                    self.state = State::Skip(left - len as u32);
                }
            }
        }
    }

    /// Skips bytes that are missing, if all of them are DATA of one frame, or are skipped anyway.
    /// Returns the header of the DATA frame, if they are DATA, or `Err` if they cannot be skipped.
    pub(super) fn skip(&mut self, missing: u64) -> Result<Option<Head>, ()> {
        let fits = u32::try_from(missing).map_err(|_| ())?;
        let data = match self.state {
            State::Data(head, left, pad) if fits <= left => {
                self.state = State::Data(head, left - fits, pad);
                Some(head)
            }
            State::Skip(left) if fits <= left => {
                self.state = State::Skip(left - fits);
                None
            }
            _ => return Err(()),
        };
        self.offset += missing;
        Ok(data)
    }

    fn take<'a>(&mut self, bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(len);
        *bytes = rest;
        self.offset += len as u64;
        taken
    }

    /// Returns the next `len` bytes, if they have come. Memory grows only for bytes that have.
    fn collect<'a>(&mut self, bytes: &mut &'a [u8], len: usize) -> Option<Cow<'a, [u8]>> {
        if self.cut.is_empty() && bytes.len() >= len {
            return Some(Cow::Borrowed(self.take(bytes, len)));
        }
        let more = self.take(bytes, bytes.len().min(len - self.cut.len()));
        self.cut.extend_from_slice(more);
        (self.cut.len() == len).then(|| Cow::Owned(std::mem::take(&mut self.cut)))
    }
}
