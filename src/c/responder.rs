//! What an endpoint must answer.

use core::ffi::c_char;
use core::mem::MaybeUninit;

use super::decoder::wsvet_event;
use super::encode::close_frame;
use super::violation::wsvet_violation;
use super::{bytes, bytes_mut, masking_key};
use crate::{Responder, encode};

/// Writes the answers that an endpoint owes, and keeps the closing handshake: one Close is sent, and
/// nothing behind it (sections 5.5, 7.1).
///
/// It does no I/O: what a function writes is to be sent. Each takes `out`, with room for
/// `WSVET_MAX_CONTROL_LEN` bytes, all of which may be written, and gives how many bytes are to be
/// sent: 0 where there is nothing to send. A client gives a fresh masking key of four bytes, a server
/// `NULL` (section 5.1).
///
/// A peer that has broken a rule sees the code and the reason only if the Close reaches it. After
/// sending it, shut the sending half down and read on until the peer's end comes, for some seconds at
/// most: a socket that is closed with bytes unread is reset, and a reset can overtake the Close
/// (section 7.1.1).
///
/// The storage is the library's. It may be moved and copied, and needs no end.
#[repr(C)]
pub struct wsvet_responder {
    opaque: [u64; 1],
}

const _: () = assert!(
    size_of::<Responder>() <= size_of::<wsvet_responder>()
        && align_of::<Responder>() <= align_of::<wsvet_responder>()
);

/// Starts a connection: no Close was sent or received.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_init(responder: &mut MaybeUninit<Responder>) {
    responder.write(Responder::new());
}

/// Writes the answer to what was received: a Pong with the payload of a Ping (section 5.5.3), a Close
/// with the code of a Close (section 5.5.1), and nothing to all else, or once a Close was sent.
///
/// A Ping of over 125 bytes, which `wsvet_decode` never gives, has no answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_reply(
    responder: &mut Responder,
    event: &wsvet_event,
    key: *const u8,
    out: *mut u8,
) -> usize {
    // SAFETY: the event is as it was given, and the key has four bytes, as the header says.
    match unsafe { (event.read(), masking_key(key)) } {
        (None, _) => 0,
        // SAFETY: there is room for a control frame, as the header says.
        (Some(event), key) => unsafe { put(responder, out, |it, out| it.reply(&event, key, out)) },
    }
}

/// Writes the Close that a violation must be answered with: with the code and the text of its rule;
/// nothing for an end of the stream, which nobody is left to hear of, and where no rule is broken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_reply_to_violation(
    responder: &mut Responder,
    violation: wsvet_violation,
    key: *const u8,
    out: *mut u8,
) -> usize {
    let Some(violation) = violation.read() else { return 0 };
    // SAFETY: the key has four bytes, as the header says.
    let key = unsafe { masking_key(key) };
    // SAFETY: there is room for a control frame, as the header says.
    unsafe { put(responder, out, |it, out| it.reply_to_violation(&violation, key, out)) }
}

/// Writes a Close of one's own; nothing, where one was sent before.
///
/// Code and reason are as in `wsvet_encode_close`: with the code 0 the body is empty. Returns 0 if the code
/// must not be sent; no Close counts as sent then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_close(
    responder: &mut Responder,
    code: u16,
    reason: *const c_char,
    len: usize,
    key: *const u8,
    out: *mut u8,
) -> usize {
    // SAFETY: the bytes are there, and the key has four, as the header says.
    let (reason, key) = unsafe { (bytes(reason.cast(), len), masking_key(key)) };
    let close = close_frame(code, reason);
    // SAFETY: there is room for a control frame, as the header says.
    unsafe { put(responder, out, |it, out| it.close(close.as_ref(), key, out).unwrap_or_default()) }
}

/// Whether a Close was sent: no data may follow (section 5.5.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_has_sent_close(responder: &Responder) -> bool {
    responder.has_sent_close()
}

/// Whether both ends have sent a Close: the closing handshake is over, and the server closes the TCP
/// connection (section 7.1.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_is_done(responder: &Responder) -> bool {
    responder.is_done()
}

/// Lets it write an answer, first here, because the payload may lie where C wants the answer.
///
/// # Safety
///
/// There is room for a control frame at `out`.
unsafe fn put(
    responder: &mut Responder,
    out: *mut u8,
    write: impl for<'a> FnOnce(&mut Responder, &'a mut [u8; encode::MAX_CONTROL_LEN]) -> &'a [u8],
) -> usize {
    let mut frame = [0; encode::MAX_CONTROL_LEN];
    let answer = write(responder, &mut frame);
    // SAFETY: the caller vouches for more than the answer needs.
    unsafe { bytes_mut(out, answer.len()) }.copy_from_slice(answer);
    answer.len()
}
