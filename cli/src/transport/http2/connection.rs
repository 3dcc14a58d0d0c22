//! Follows both directions of an HTTP/2 connection, and tells of its WebSocket streams.

use std::collections::BTreeMap;

use wsvet::Role;

use crate::transport::http2::code::ErrorCode;
use crate::transport::http2::fields::{Decompressor, Fields};
use crate::transport::http2::frame::{
    ACK, END_HEADERS, END_STREAM, Frames, Head, Kind, MAX_BLOCK, MAX_FRAME, PADDED, PRIORITY, Piece,
};
use crate::transport::http2::malformed::{Fault, Malformed};

/// The approximate memory of an entry of the streams, in bytes.
const STREAM_COST: usize = 64;

/// What happened on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The client asks for a WebSocket connection on this stream (RFC 8441 §5).
    Request(u32, Fields),
    /// The server answers it with this status. After a status 1xx comes another answer.
    Response(u32, u16, Fields),
    /// The next bytes of an endpoint on this stream. They are not empty. The body of a refusal is left
    /// out.
    Data(u32, Role, &'a [u8]),
    /// The capture lacks this number of bytes of an endpoint on this stream.
    Lack(u32, Role, u64),
    /// An endpoint sends nothing more on this stream.
    End(u32, Role),
    /// An endpoint reset this stream, perhaps after its end.
    Reset(u32, Role, ErrorCode),
    /// An endpoint ends the connection. It did not process streams with a higher number than this.
    GoAway(Role, u32, ErrorCode, String),
    /// What the peer of this endpoint must obey or answer.
    Control(Role, Control<'a>),
}

/// A frame that the peer of its sender must obey or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// SETTINGS, as [`settings`] reads them. They must be acknowledged (RFC 9113 §6.5.3).
    Settings(&'a [u8]),
    /// A PING, which must be sent back (§6.7).
    Ping([u8; 8]),
    /// The sender takes this many more bytes on this stream, or on the connection if it is 0 (§6.9).
    Window(u32, u32),
}

/// Returns the number and the value of each setting.
pub fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    payload.chunks_exact(6).filter_map(|setting| {
        let (number, value) = setting.split_first_chunk()?;
        Some((u16::from_be_bytes(*number), u32::from_be_bytes(*value.first_chunk()?)))
    })
}

/// What was seen of a connection as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The number of requests that do not ask for a tunnel.
    pub requests: u64,
    /// The number of requests that ask for a tunnel of another protocol than WebSocket.
    pub other_tunnels: u64,
    /// The number of requests that ask for a WebSocket connection.
    pub websockets: u64,
    /// Whether the server allows an extended CONNECT (RFC 8441 §3), if it has sent its settings.
    pub connect_protocol: Option<bool>,
}

/// An HTTP/2 connection.
pub struct Http2 {
    /// The client and the server.
    ends: [End; 2],
    /// The WebSocket streams that are not over.
    streams: BTreeMap<u32, Stream>,
    /// The highest stream that the client has opened.
    last: u32,
    seen: Seen,
}

/// The direction of one endpoint.
struct End {
    frames: Frames,
    fields: Decompressor,
    block: Option<Block>,
}

/// A header block that is not complete.
struct Block {
    head: Head,
    bytes: Vec<u8>,
}

/// A WebSocket stream.
#[derive(Default)]
struct Stream {
    /// The final status of the server, if it has answered.
    status: Option<u16>,
    /// Whether the client and the server send nothing more.
    ended: [bool; 2],
    /// Whether the client and the server reset the stream.
    reset: [bool; 2],
}

impl Default for Http2 {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Http2 {
    /// Creates a connection. `last` is the highest stream that is open at the start: 0, or 1 if the
    /// connection was upgraded from HTTP/1.1.
    pub fn new(last: u32) -> Self {
        let end = |preface| End {
            frames: Frames::new(preface),
            fields: Decompressor::new(),
            block: None,
        };
        Self {
            ends: [end(true), end(false)],
            streams: BTreeMap::new(),
            last,
            seen: Seen::default(),
        }
    }

    /// Returns what was seen of the connection as a whole.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub fn memory(&self) -> usize {
        let end = |end: &End| {
            let block = end.block.as_ref().map_or(0, |block| block.bytes.capacity());
            end.frames.memory() + end.fields.memory() + block
        };
        self.ends.iter().map(end).sum::<usize>() + self.streams.len() * STREAM_COST
    }

    /// Takes the next bytes of an endpoint, and passes to `out` what happens.
    ///
    /// # Errors
    ///
    /// The first malformed frame. The bytes of this endpoint after it cannot be read. The outer error is
    /// that of `out`.
    pub fn feed<E>(
        &mut self,
        from: Role,
        mut bytes: &[u8],
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<Result<(), Malformed>, E> {
        loop {
            let piece = match self.ends[from as usize].frames.next(&mut bytes) {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(Ok(())),
                Err(malformed) => return Ok(Err(malformed)),
            };
            let (Piece::Frame(head, _)
            | Piece::DataStart(head)
            | Piece::Data(head, _)
            | Piece::DataEnd(head)) = piece;
            let fault = match piece {
                Piece::Frame(head, payload) => self.frame(from, head, &payload, out)?,
                Piece::DataStart(head) => self.data_start(from, head),
                Piece::Data(head, data) => {
                    if self.carries(from, head.stream) {
                        out(Event::Data(head.stream, from, data))?;
                    }
                    Ok(())
                }
                Piece::DataEnd(head) => {
                    if head.has(END_STREAM) {
                        self.end(from, head.stream, out)?;
                    }
                    Ok(())
                }
            };
            if let Err(fault) = fault {
                return Ok(Err(head.malformed(fault)));
            }
        }
    }

    /// Skips bytes of an endpoint that the capture lacks. Returns whether they can be skipped: whether
    /// all of them are in one DATA frame, or in a frame that does not matter.
    pub fn lack<E>(
        &mut self,
        from: Role,
        missing: u64,
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Ok(data) = self.ends[from as usize].frames.skip(missing) else { return Ok(false) };
        if let Some(head) = data.filter(|head| self.carries(from, head.stream)) {
            out(Event::Lack(head.stream, from, missing))?;
        }
        Ok(true)
    }

    /// Returns the number of bytes of this endpoint that were read.
    pub fn offset(&self, from: Role) -> u64 {
        self.ends[from as usize].frames.offset()
    }

    /// Returns whether the bytes that this endpoint sends on a stream are those of a WebSocket connection.
    /// After a refusal they are the body of the response.
    fn carries(&self, from: Role, stream: u32) -> bool {
        let refused = |stream: &Stream| stream.status.is_some_and(|status| status >= 300);
        self.sends(from, stream) && !self.streams.get(&stream).is_some_and(refused)
    }

    /// Returns whether this endpoint may still send on a WebSocket stream.
    fn sends(&self, from: Role, stream: u32) -> bool {
        self.streams.get(&stream).is_some_and(|stream| !stream.ended[from as usize])
    }

    fn end<E>(
        &mut self,
        from: Role,
        id: u32,
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.sends(from, id) {
            return Ok(());
        }
        self.close(from, id);
        out(Event::End(id, from))
    }

    fn close(&mut self, from: Role, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.ended[from as usize] = true;
        if stream.ended == [true; 2] {
            self.streams.remove(&id);
        }
    }

    fn data_start(&self, from: Role, head: Head) -> Result<(), Fault> {
        let End { block, .. } = &self.ends[from as usize];
        match block {
            Some(block) => Err(Fault::InsideBlock(head.kind, block.head.stream)),
            None if head.stream % 2 == 1 && head.stream > self.last => {
                Err(Fault::Idle(head.stream))
            }
            None => Ok(()),
        }
    }

    /// Processes a frame other than DATA.
    fn frame<E>(
        &mut self,
        from: Role,
        head: Head,
        payload: &[u8],
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<Result<(), Fault>, E> {
        let end = &mut self.ends[from as usize];
        let inside = end.block.as_ref().map(|block| block.head.stream);
        match (head.kind, inside) {
            (Kind::Continuation, Some(stream)) if stream == head.stream => {}
            (Kind::Continuation, None) => return Ok(Err(Fault::NoBlock)),
            (_, None) => {}
            (kind, Some(stream)) => return Ok(Err(Fault::InsideBlock(kind, stream))),
        }
        match head.kind {
            Kind::Headers | Kind::PushPromise => {
                let Some(fragment) = fragment(head, payload) else {
                    return Ok(Err(Fault::Padding(head.kind)));
                };
                if head.has(END_HEADERS) {
                    return self.block(from, head, fragment, out);
                }
                end.block = Some(Block { head, bytes: fragment.to_vec() });
                Ok(Ok(()))
            }
            Kind::Continuation => {
                let Some(mut block) = end.block.take() else { return Ok(Err(Fault::NoBlock)) };
                if block.bytes.len() + payload.len() > MAX_BLOCK {
                    return Ok(Err(Fault::LongBlock(MAX_BLOCK)));
                }
                block.bytes.extend_from_slice(payload);
                if head.has(END_HEADERS) {
                    return self.block(from, block.head, &block.bytes, out);
                }
                end.block = Some(block);
                Ok(Ok(()))
            }
            Kind::RstStream => {
                let id = head.stream;
                // An endpoint may reset a stream that the peer has not ended, after its own END_STREAM.
                let reset =
                    self.streams.get_mut(&id).map(|stream| &mut stream.reset[from as usize]);
                if reset.is_some_and(|reset| !std::mem::replace(reset, true)) {
                    self.close(from, id);
                    let code = payload.first_chunk().map_or(0, |code| u32::from_be_bytes(*code));
                    out(Event::Reset(id, from, ErrorCode(code)))?;
                }
                Ok(Ok(()))
            }
            Kind::Settings if !head.has(ACK) => {
                if let Err(fault) = self.settings(from, payload) {
                    return Ok(Err(fault));
                }
                out(Event::Control(from, Control::Settings(payload)))?;
                Ok(Ok(()))
            }
            Kind::Ping if !head.has(ACK) => {
                if let Some(payload) = payload.first_chunk() {
                    out(Event::Control(from, Control::Ping(*payload)))?;
                }
                Ok(Ok(()))
            }
            Kind::WindowUpdate => {
                if let Some(more) = payload.first_chunk() {
                    let more = u32::from_be_bytes(*more) & (u32::MAX >> 1);
                    out(Event::Control(from, Control::Window(head.stream, more)))?;
                }
                Ok(Ok(()))
            }
            Kind::GoAway => {
                let Some((start, debug)) = payload.split_first_chunk::<8>() else {
                    return Ok(Ok(()));
                };
                let [l0, l1, l2, l3, c0, c1, c2, c3] = *start;
                let last = u32::from_be_bytes([l0, l1, l2, l3]) & (u32::MAX >> 1);
                let code = ErrorCode(u32::from_be_bytes([c0, c1, c2, c3]));
                let debug = String::from_utf8_lossy(debug).into_owned();
                out(Event::GoAway(from, last, code, debug))?;
                Ok(Ok(()))
            }
            _ => Ok(Ok(())),
        }
    }

    /// Processes a complete header block. `head` is that of its first frame.
    fn block<E>(
        &mut self,
        from: Role,
        head: Head,
        block: &[u8],
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<Result<(), Fault>, E> {
        let fields = match self.ends[from as usize].fields.fields(block) {
            Ok(fields) => fields,
            Err(fault) => return Ok(Err(fault)),
        };
        if head.kind == Kind::PushPromise {
            return Ok(Ok(()));
        }
        let id = head.stream;
        match (from, self.streams.get_mut(&id)) {
            (Role::Client, _) if fields.get(":method").is_some() => {
                if id <= self.last {
                    return Ok(Err(Fault::Reopened(id)));
                }
                self.last = id;
                self.request(id, fields, out)?;
            }
            (Role::Server, Some(stream)) if stream.status.is_none() => {
                // A switch of protocols is none of HTTP/2 (RFC 9113 §8.6).
                let Some(status) = fields.status().filter(|status| *status != 101) else {
                    return Ok(Err(Fault::Status(id)));
                };
                stream.status = Some(status).filter(|status| *status >= 200);
                out(Event::Response(id, status, fields))?;
            }
            // Trailers, or a stream that does not matter.
            _ => {}
        }
        if head.has(END_STREAM) {
            self.end(from, id, out)?;
        }
        Ok(Ok(()))
    }

    fn request<E>(
        &mut self,
        id: u32,
        fields: Fields,
        out: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match fields.protocol() {
            Some(protocol) if protocol.eq_ignore_ascii_case("websocket") => {
                self.seen.websockets += 1;
                self.streams.insert(id, Stream::default());
                out(Event::Request(id, fields))
            }
            protocol => {
                let count = match protocol {
                    Some(_) => &mut self.seen.other_tunnels,
                    None => &mut self.seen.requests,
                };
                *count += 1;
                Ok(())
            }
        }
    }

    fn settings(&mut self, from: Role, payload: &[u8]) -> Result<(), Fault> {
        let peer = &mut self.ends[from.peer() as usize];
        for (id, value) in settings(payload) {
            match id {
                1 => peer.fields.allow(value),
                5 if !(MAX_FRAME..1 << 24).contains(&value) => {
                    return Err(Fault::Setting(id, value));
                }
                // The sender may not know yet that less is allowed.
                5 => peer.frames.most = peer.frames.most.max(value),
                8 if value > 1 => return Err(Fault::Setting(id, value)),
                8 if from == Role::Server => self.seen.connect_protocol = Some(value == 1),
                _ => {}
            }
        }
        if from == Role::Server {
            self.seen.connect_protocol.get_or_insert(false);
        }
        Ok(())
    }
}

/// Returns the part of a header block in a HEADERS or PUSH_PROMISE frame: without padding, and without
/// what stands before it. There is none if the padding exceeds the frame.
fn fragment(head: Head, payload: &[u8]) -> Option<&[u8]> {
    let (pad, rest) = match head.has(PADDED) {
        true => payload.split_first().map(|(pad, rest)| (usize::from(*pad), rest))?,
        false => (0, payload),
    };
    let before = match head.kind {
        Kind::PushPromise => 4,
        _ if head.has(PRIORITY) => 5,
        _ => 0,
    };
    let end = rest.len().checked_sub(pad)?;
    rest.get(before..end)
}
