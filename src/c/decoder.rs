//! Chunks in, events out.

use core::mem::MaybeUninit;

use super::policy::wsvet_policy;
use super::violation::wsvet_violation;
use super::{bytes, bytes_mut};
use crate::{CloseCode, CloseFrame, Event, OpCode, StreamDecoder};

/// What an event is. More kinds may come: a `switch` needs a `default`.
#[repr(C)]
pub enum wsvet_kind {
    /// No event: all of the chunk was used, and more is needed.
    WSVET_NO_EVENT = 0,
    /// The next piece of a text or binary message: as much of a frame as the chunk has.
    WSVET_EVENT_DATA = 1,
    /// A Ping: to be answered with a Pong that has the same payload (section 5.5.2).
    WSVET_EVENT_PING = 2,
    /// A Pong (section 5.5.3).
    WSVET_EVENT_PONG = 3,
    /// A Close: to be answered with a Close, if none was sent yet; read no further (section 5.5.1).
    WSVET_EVENT_CLOSE = 4,
}

const DATA: u8 = wsvet_kind::WSVET_EVENT_DATA as u8;
const PING: u8 = wsvet_kind::WSVET_EVENT_PING as u8;
const PONG: u8 = wsvet_kind::WSVET_EVENT_PONG as u8;
const CLOSE: u8 = wsvet_kind::WSVET_EVENT_CLOSE as u8;

/// What a decoder found: a piece of a message, or a whole control frame.
#[repr(C)]
pub struct wsvet_event {
    /// The plain bytes of the piece; the payload of a Ping or Pong; the reason of a Close, which is
    /// UTF-8. There are `len` of them and no NUL behind. Of a text a character may be cut.
    ///
    /// They lie in the chunk, but for a control frame that came in several chunks, which lies in the
    /// decoder: they are there until the decoder is called again and while the chunk is. Never
    /// `NULL`.
    pub bytes: *const u8,
    /// How many bytes there are.
    pub len: usize,
    /// The code of a Close; 0 where its body is empty, and of all other events.
    pub close_code: u16,
    /// What it is: one of `enum wsvet_kind`.
    pub kind: u8,
    /// The opcode: of data that of the message, `WSVET_TEXT` or `WSVET_BINARY`, for its continuation
    /// frames too.
    pub opcode: u8,
    /// Of data, the RSV bits of the message's first frame: 4 where permessage-deflate is negotiated
    /// and has compressed the message. 0 of all other events.
    pub rsv: u8,
    /// Not 0 where the message ends with this piece; a message can end with an empty one. A control
    /// frame is whole.
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
        // An empty slice may lie nowhere, and C may not even copy no bytes from there.
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

    /// The crate's own, if it is one that may have to be answered; a Close without its reason.
    ///
    /// # Safety
    ///
    /// A Ping has `len` bytes.
    pub(super) unsafe fn read(&self) -> Option<Event<'_>> {
        match self.kind {
            // SAFETY: the caller vouches for them.
            PING => Some(Event::Ping(unsafe { bytes(self.bytes, self.len) })),
            CLOSE if self.close_code == 0 => Some(Event::Close(None)),
            CLOSE => Some(Event::Close(Some(CloseFrame::new(CloseCode(self.close_code), "")))),
            _ => None,
        }
    }
}

/// Decodes one direction of a connection from chunks of any size, and judges all of it.
///
/// Data is unmasked where it lies in the chunk and never copied. What is kept between chunks is at
/// most a cut header or the body of a cut control frame, in here: nothing is allocated, whatever a
/// header says.
///
/// The storage is the library's. It may be moved and copied, and needs no end.
#[repr(C)]
pub struct wsvet_decoder {
    opaque: [u64; 32],
}

const _: () = assert!(
    size_of::<StreamDecoder>() <= size_of::<wsvet_decoder>()
        && align_of::<StreamDecoder>() <= align_of::<wsvet_decoder>()
);

/// Starts a stream that is received under this policy.
///
/// `false` where the role or what it accepts is none of the constants. The decoder then refuses
/// every frame of data.
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

/// Decodes up to the next event, and says in `*used` how many bytes of the chunk were used with it.
///
/// Call it again with the rest of the chunk until that is empty: without an event all of it was
/// used. The bytes used are overwritten with plain ones. `chunk` may be `NULL` where `len` is 0.
///
/// The first violation ends the stream and is given again by every later call (section 7.1.7), with
/// no event and nothing used. Of the frame that breaks a rule nothing more is given, though the chunk
/// may have been unmasked further.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_decode(
    decoder: &mut StreamDecoder,
    chunk: *mut u8,
    len: usize,
    used: &mut MaybeUninit<usize>,
    event: &mut MaybeUninit<wsvet_event>,
) -> wsvet_violation {
    // SAFETY: there are `len` bytes to write, as the header says.
    let decoded = decoder.decode(unsafe { bytes_mut(chunk, len) });
    let (len, found) = decoded.unwrap_or_default();
    used.write(len);
    event.write(found.into());
    decoded.map(|_| ()).into()
}

/// Ends the stream: no byte will follow (section 7.1.5).
///
/// It breaks `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`, its offset the length of the stream,
/// and there is nobody left to tell. After a Close frame the stream may end anywhere.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_decoder_eof(decoder: &mut StreamDecoder) -> wsvet_violation {
    decoder.eof().into()
}

/// How many bytes of the stream were judged: the headers begun and the payload given.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_decoder_offset(decoder: &StreamDecoder) -> u64 {
    decoder.validator().offset()
}
