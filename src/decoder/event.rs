//! What the decoder finds: events, and events without their bytes.

use core::ops::Range;
use core::str;

use crate::{CloseCode, CloseFrame, OpCode};

/// An event that a [`StreamDecoder`](crate::StreamDecoder) returns: a piece of a message, or a
/// whole control frame.
///
/// ```
/// use wsvet::{StreamDecoder, Event, OpCode, Policy, Role};
///
/// let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
/// let mut chunk = *b"\x81\x02hi";
/// match decoder.decode(&mut chunk)? {
///     (4, Some(Event::Data { opcode: OpCode::Text, bytes: b"hi", end: true, .. })) => {}
///     event => panic!("{event:?}"),
/// }
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next piece of a text or binary message: the part of a frame's payload that is in the
    /// chunk.
    #[non_exhaustive]
    Data {
        /// The opcode of the message, text or binary. Continuation frames have the opcode of their
        /// message too.
        opcode: OpCode,
        /// The unmasked bytes, which lie in the chunk. They may start or end inside a character of
        /// a text message.
        bytes: &'a [u8],
        /// Whether the message ends with this piece. The last piece of a message can be empty.
        end: bool,
        /// The RSV bits of the first frame of the message. If permessage-deflate is negotiated, the
        /// bit 4 (RSV1) means that the message is compressed.
        rsv: u8,
    },
    /// A Ping with its payload. Reply with a Pong that has the same payload (§5.5.2).
    Ping(&'a [u8]),
    /// A Pong with its payload (§5.5.3).
    Pong(&'a [u8]),
    /// A Close frame with its body, or `None` if the body is empty (§5.5.1).
    ///
    /// Reply with a Close frame if you have not sent one, and stop decoding. If you continue, the
    /// decoder also returns the control frames after it, and refuses data
    /// ([`Rule::DataAfterClose`](crate::Rule::DataAfterClose)).
    Close(Option<CloseFrame<'a>>),
}

impl<'a> Event<'a> {
    /// Creates an [`Event::Data`] of a message that is not compressed.
    ///
    /// It is for tests, and for decoders of your own.
    ///
    /// ```
    /// use wsvet::{Event, OpCode};
    ///
    /// let event = Event::data(OpCode::Text, b"hi", true);
    /// assert!(matches!(event, Event::Data { bytes: b"hi", end: true, rsv: 0, .. }));
    /// ```
    #[must_use]
    pub const fn data(opcode: OpCode, bytes: &'a [u8], end: bool) -> Self {
        Self::Data { opcode, bytes, end, rsv: 0 }
    }

    /// Creates the event of a control frame that was validated.
    pub(crate) fn control(opcode: OpCode, body: &'a [u8]) -> Self {
        match opcode {
            OpCode::Ping => Self::Ping(body),
            OpCode::Pong => Self::Pong(body),
            // The validator refuses reserved opcodes, and Close bodies that cannot be decoded.
            _ => {
                let close = CloseFrame::decode(body);
                debug_assert!(close.is_ok(), "{close:?}");
                Self::Close(close.unwrap_or_default())
            }
        }
    }
}

/// An [`Event`] that borrows nothing: it stores the position of its bytes instead of the bytes.
///
/// [`StreamDecoder::find`](crate::StreamDecoder::find) returns it, and [`StreamDecoder::event`](crate::StreamDecoder::event) converts it to the event. This
/// lets a method search for an event in a loop, and return the event after the loop has found one:
///
/// ```
/// use std::io;
///
/// use wsvet::{Event, Policy, Role, StreamDecoder};
///
/// struct Connection<R> {
///     input: R,
///     decoder: StreamDecoder,
///     buffer: [u8; 4096],
///     /// The range of the buffer that was read and not yet decoded.
///     start: usize,
///     end: usize,
/// }
///
/// impl<R: io::Read> Connection<R> {
///     /// Returns the next event, or `None` after the end of the stream.
///     fn next(&mut self) -> io::Result<Option<Event<'_>>> {
///         loop {
///             let chunk = self.start;
///             let found = self.decoder.find(&mut self.buffer[chunk..self.end]);
///             let (used, found) = found.map_err(io::Error::other)?;
///             self.start += used;
///             if let Some(found) = found {
///                 return Ok(Some(self.decoder.event(&found, &self.buffer[chunk..])));
///             }
///             (self.start, self.end) = (0, 0);
///             self.end = self.input.read(&mut self.buffer)?;
///             if self.end == 0 {
///                 self.decoder.eof().map_err(io::Error::other)?;
///                 return Ok(None);
///             }
///         }
///     }
/// }
///
/// let input = &b"\x89\x02hi\x88\x00"[..];
/// let decoder = StreamDecoder::new(Policy::new(Role::Client));
/// let mut connection = Connection { input, decoder, buffer: [0; 4096], start: 0, end: 0 };
/// assert_eq!(connection.next()?, Some(Event::Ping(b"hi")));
/// assert_eq!(connection.next()?, Some(Event::Close(None)));
/// assert_eq!(connection.next()?, None);
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    kind: Kind,
    bytes: Position,
}

/// An event without its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Data {
        opcode: OpCode,
        end: bool,
        rsv: u8,
    },
    Ping,
    Pong,
    /// The bytes are those of the reason.
    Close(Option<CloseCode>),
}

/// The position of the bytes of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Position {
    /// In the chunk.
    Chunk(Range<usize>),
    /// In the decoder's copy of the body of a control frame that arrived in several chunks.
    Body(Range<usize>),
}

impl Found {
    /// Removes the bytes of an event that lie in the chunk or in the body at these addresses.
    pub(super) fn new(event: Event<'_>, chunk: Range<usize>, body: usize) -> Self {
        let (kind, bytes) = match event {
            Event::Data { opcode, bytes, end, rsv } => (Kind::Data { opcode, end, rsv }, bytes),
            Event::Ping(body) => (Kind::Ping, body),
            Event::Pong(body) => (Kind::Pong, body),
            Event::Close(None) => (Kind::Close(None), &[][..]),
            Event::Close(Some(close)) => (Kind::Close(Some(close.code)), close.reason.as_bytes()),
        };
        let from = |start: usize| start..start + bytes.len();
        let address = bytes.as_ptr().addr();
        let bytes = if bytes.is_empty() {
            Position::Chunk(0..0)
        } else if chunk.contains(&address) {
            Position::Chunk(from(address - chunk.start))
        } else {
            Position::Body(from(address.wrapping_sub(body)))
        };
        Self { kind, bytes }
    }

    /// Returns the event with its bytes.
    pub(super) fn event<'a>(&self, chunk: &'a [u8], body: &'a [u8]) -> Event<'a> {
        let bytes = match &self.bytes {
            Position::Chunk(range) => &chunk[range.clone()],
            Position::Body(range) => &body[range.clone()],
        };
        match self.kind {
            Kind::Data { opcode, end, rsv } => Event::Data { opcode, bytes, end, rsv },
            Kind::Ping => Event::Ping(bytes),
            Kind::Pong => Event::Pong(bytes),
            Kind::Close(code) => Event::Close(code.map(|code| CloseFrame {
                code,
                // `find` has validated the reason as UTF-8.
                reason: str::from_utf8(bytes).unwrap_or_default(),
            })),
        }
    }
}
