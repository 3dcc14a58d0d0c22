//! The decoder, which decodes chunks of a stream and returns events.

use core::mem::MaybeUninit;

use super::policy::wsvet_policy;
use super::violation::wsvet_violation;
use super::{bytes, bytes_mut};
use crate::{CloseCode, CloseFrame, Event, OpCode, StreamDecoder};

/// The kind of an event. Later versions may add kinds, so a `switch` needs a `default`.
#[repr(C)]
pub enum wsvet_kind {
    /// No event. The decoder has used the whole chunk, and needs more bytes.
    WSVET_NO_EVENT = 0,
    /// The next piece of a text or binary message: the part of a frame's payload that is in the
    /// chunk.
    WSVET_EVENT_DATA = 1,
    /// A Ping. Reply with a Pong that has the same payload (section 5.5.2).
    WSVET_EVENT_PING = 2,
    /// A Pong (section 5.5.3).
    WSVET_EVENT_PONG = 3,
    /// A Close frame. Reply with a Close frame if you have not sent one, and stop decoding (section
    /// 5.5.1).
    WSVET_EVENT_CLOSE = 4,
}

const DATA: u8 = wsvet_kind::WSVET_EVENT_DATA as u8;
const PING: u8 = wsvet_kind::WSVET_EVENT_PING as u8;
const PONG: u8 = wsvet_kind::WSVET_EVENT_PONG as u8;
const CLOSE: u8 = wsvet_kind::WSVET_EVENT_CLOSE as u8;

/// An event that a decoder returns: a piece of a message, or a whole control frame.
#[repr(C)]
pub struct wsvet_event {
    /// The unmasked bytes: the piece of a message, the payload of a Ping or Pong, or the reason of
    /// a Close frame, which is UTF-8. There are `len` bytes, and no NUL follows them. A piece of a
    /// text message may start or end inside a character.
    ///
    /// The bytes are in the chunk. The bytes of a control frame that arrived in several chunks are
    /// in the decoder. They are valid until the next call of the decoder, and only as long as the
    /// chunk is valid. Never `NULL`.
    pub bytes: *const u8,
    /// The number of bytes.
    pub len: usize,
    /// The code of a Close frame. It is 0 if the body of the Close frame is empty, and for all
    /// other events.
    pub close_code: u16,
    /// The kind of the event, one of `enum wsvet_kind`.
    pub kind: u8,
    /// The opcode. For data it is the opcode of the message, `WSVET_TEXT` or `WSVET_BINARY`, also
    /// in the continuation frames of the message.
    pub opcode: u8,
    /// The RSV bits of the first frame of the message. If permessage-deflate is negotiated, the bit
    /// 4 (RSV1) means that the message is compressed. It is 0 for all events but data.
    pub rsv: u8,
    /// Not 0 if the message ends with this piece. The last piece of a message can be empty. It is
    /// never 0 for a control frame.
    pub end: u8,
}

impl From<Option<Event<'_>>> for wsvet_event {
    fn from(event: Option<Event<'_>>) -> Self {
        let control = |kind, opcode: OpCode, bytes| Self {
            kind,
            opcode: opcode as u8,
            end: 1,
            ..Self::of(bytes)
        };
        match event {
            None => Self::of(&[]),
            Some(Event::Data { opcode, bytes, end, rsv }) => {
                Self { kind: DATA, opcode: opcode as u8, end: end.into(), rsv, ..Self::of(bytes) }
            }
            Some(Event::Ping(payload)) => control(PING, OpCode::Ping, payload),
            Some(Event::Pong(payload)) => control(PONG, OpCode::Pong, payload),
            Some(Event::Close(close)) => {
                let reason = close.map_or("", |close| close.reason);
                let close_code = close.map_or(0, |close| close.code.0);
                Self { close_code, ..control(CLOSE, OpCode::Close, reason.as_bytes()) }
            }
        }
    }
}

impl wsvet_event {
    fn of(bytes: &[u8]) -> Self {
        // The pointer of an empty slice may dangle. C must not pass such a pointer to `memcpy`, not
        // even for 0 bytes.
        let start = if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr() };
        Self {
            bytes: start,
            len: bytes.len(),
            close_code: 0,
            kind: wsvet_kind::WSVET_NO_EVENT as u8,
            opcode: 0,
            rsv: 0,
            end: 0,
        }
    }

    /// Returns the event as the type of the crate if it is a Ping or a Close frame, which may need
    /// a reply. The Close frame has no reason.
    ///
    /// # Safety
    ///
    /// If the event is a Ping, `bytes` must point to `len` bytes that are valid as long as the
    /// event.
    pub(super) unsafe fn read(&self) -> Option<Event<'_>> {
        match self.kind {
            // SAFETY: the caller ensures that the bytes are valid.
            PING => Some(Event::Ping(unsafe { bytes(self.bytes, self.len) })),
            CLOSE if self.close_code == 0 => Some(Event::Close(None)),
            CLOSE => Some(Event::Close(Some(CloseFrame::new(CloseCode(self.close_code), "")))),
            _ => None,
        }
    }
}

/// A decoder that parses, unmasks and validates one direction of a connection, from chunks of any
/// size.
///
/// The decoder unmasks data in place in the chunk, and never copies it. Between chunks it holds at
/// most a cut header or the body of a cut control frame, inside this object. It never allocates
/// memory, whatever length a header states.
///
/// The contents are private to the library. You may move and copy the object. It needs no cleanup.
#[repr(C)]
pub struct wsvet_decoder {
    opaque: [u64; 32],
}

const _: () = assert!(
    size_of::<StreamDecoder>() <= size_of::<wsvet_decoder>()
        && align_of::<StreamDecoder>() <= align_of::<wsvet_decoder>()
);

/// Initialises a decoder at the start of a stream that is received under this policy.
///
/// Returns `false` if `role` or `accepts` of the policy is not one of the constants. The decoder
/// then refuses every data frame.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn wsvet_decoder_init(
    decoder: &mut MaybeUninit<StreamDecoder>,
    policy: &wsvet_policy,
) -> bool {
    let (policy, known) = policy.read();
    decoder.write(StreamDecoder::new(policy));
    known
}

/// Decodes the chunk up to the end of the next event, and returns the violation, if any.
///
/// The function writes the event to `*event`, and the number of bytes that it has used to `*used`.
/// Call it again with the rest of the chunk until the rest is empty. If there is no event, the
/// function has used the whole chunk. It unmasks the bytes in place.
///
/// The first violation ends the stream (section 7.1.7). Every later call returns it again. With a
/// violation, `*event` is no event and `*used` is 0. The decoder returns no more of the frame that
/// breaks a rule, but may have unmasked more of the chunk.
///
/// # Safety
///
/// - `decoder` must point to a decoder that `wsvet_decoder_init` has initialised.
/// - `chunk` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
/// - `used` and `event` must point to objects of their types, which need not be initialised.
/// - None of these objects may overlap another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_decode(
    decoder: &mut StreamDecoder,
    chunk: *mut u8,
    len: usize,
    used: &mut MaybeUninit<usize>,
    event: &mut MaybeUninit<wsvet_event>,
) -> wsvet_violation {
    // SAFETY: `chunk` is valid for `len` bytes, as the section "Safety" requires.
    let decoded = decoder.decode(unsafe { bytes_mut(chunk, len) });
    let (len, found) = decoded.unwrap_or_default();
    used.write(len);
    event.write(found.into());
    decoded.map(|_| ()).into()
}

/// Validates the end of the stream, and returns the violation, if any (section 7.1.5).
///
/// Call it when no byte will follow. The end can break `WSVET_EOF_IN_FRAME` or
/// `WSVET_EOF_WITHOUT_CLOSE`. The offset of the violation is then the length of the stream, and no
/// reply is possible. After a Close frame the stream may end anywhere.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_decoder_eof(decoder: &mut StreamDecoder) -> wsvet_violation {
    decoder.eof().into()
}

/// Returns the number of bytes of the stream that were validated: complete headers, and the payload
/// bytes after them.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_decoder_offset(decoder: &StreamDecoder) -> u64 {
    decoder.validator().offset()
}
