//! The responder, which writes the control frames that an endpoint must reply with.

use core::ffi::c_char;
use core::mem::MaybeUninit;

use super::decoder::wsvet_event;
use super::encode::close_frame;
use super::violation::wsvet_violation;
use super::{bytes, bytes_mut, masking_key};
use crate::{Responder, encode};

/// A responder that writes the replies of an endpoint, and tracks the closing handshake: it writes
/// one Close frame, and no frame after it (sections 5.5, 7.1).
///
/// The responder does no I/O. Each function that writes a frame writes it to `out`, and returns how
/// many bytes of `out` the caller must send. It returns 0 if there is nothing to send. `out` must
/// have `WSVET_MAX_CONTROL_LEN` bytes, and the function may write all of them. `key` is the masking
/// key: a client must pass a fresh key of four bytes, and a server must pass `NULL` (section 5.1).
///
/// A peer that has broken a rule sees the code and the reason only if the Close frame reaches it.
/// After you have sent the Close frame, shut down the sending half of the socket. Then read until
/// the peer ends the stream, but only for some seconds. If you close a socket that has unread
/// bytes, the system resets the connection, and the reset can overtake the Close frame (section
/// 7.1.1).
///
/// The contents are private to the library. You may move and copy the object. It needs no cleanup.
#[repr(C)]
pub struct wsvet_responder {
    opaque: [u64; 1],
}

const _: () = assert!(
    size_of::<Responder>() <= size_of::<wsvet_responder>()
        && align_of::<Responder>() <= align_of::<wsvet_responder>()
);

/// Initialises a responder at the start of a connection: no Close frame was sent or received.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_init(responder: &mut MaybeUninit<Responder>) {
    responder.write(Responder::new());
}

/// Writes the reply to an event, and returns its length in bytes.
///
/// The reply to a Ping is a Pong with the same payload (section 5.5.3). The reply to a Close frame
/// is a Close frame with the same code and no reason (section 5.5.1). Returns 0 for any other
/// event, and for every event after a Close frame was sent. Pass the Close frame of the peer even
/// then: `wsvet_responder_is_done` depends on it. Also returns 0 for a Ping of more than
/// 125 bytes, which `wsvet_decode` never returns.
///
/// # Safety
///
/// - `responder` must point to a responder that `wsvet_responder_init` has initialised.
/// - `event` must point to an event that `wsvet_decode` has written. Its bytes must still be valid.
/// - `key` must be `NULL` or point to four bytes.
/// - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes. They may overlap the bytes of the
///   event, but neither the event itself nor the responder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_reply(
    responder: &mut Responder,
    event: &wsvet_event,
    key: *const u8,
    out: *mut u8,
) -> usize {
    // SAFETY: the event and the key are valid, as the section "Safety" requires.
    match unsafe { (event.read(), masking_key(key)) } {
        (None, _) => 0,
        // SAFETY: `out` is valid for a control frame, as the section "Safety" requires.
        (Some(event), key) => unsafe { put(responder, out, |it, out| it.reply(&event, key, out)) },
    }
}

/// Writes the Close frame to reply to a violation with, and returns its length in bytes.
///
/// The Close frame has the code and the text of the rule. Returns 0 if no rule is broken, if a
/// Close frame was sent before, or if the violation is the end of the stream, to which no reply is
/// possible.
///
/// # Safety
///
/// - `responder` must point to a responder that `wsvet_responder_init` has initialised.
/// - `key` must be `NULL` or point to four bytes.
/// - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes, which must not overlap the
///   responder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_reply_to_violation(
    responder: &mut Responder,
    violation: wsvet_violation,
    key: *const u8,
    out: *mut u8,
) -> usize {
    let Some(violation) = violation.read() else { return 0 };
    // SAFETY: the key is `NULL` or valid, as the section "Safety" requires.
    let key = unsafe { masking_key(key) };
    // SAFETY: `out` is valid for a control frame, as the section "Safety" requires.
    unsafe { put(responder, out, |it, out| it.reply_to_violation(&violation, key, out)) }
}

/// Writes a Close frame that starts the closing handshake, and returns its length in bytes.
///
/// `code`, `reason` and `len` are those of `wsvet_encode_close`: if `code` is 0, the body is empty.
///
/// Returns 0 if a Close frame was sent before. Also returns 0 if the code must not be sent; the
/// responder then does not count a Close frame as sent.
///
/// # Safety
///
/// - `responder` must point to a responder that `wsvet_responder_init` has initialised.
/// - `reason` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `key` must be `NULL` or point to four bytes.
/// - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes, which must not overlap the
///   responder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_responder_close(
    responder: &mut Responder,
    code: u16,
    reason: *const c_char,
    len: usize,
    key: *const u8,
    out: *mut u8,
) -> usize {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
    let (reason, key) = unsafe { (bytes(reason.cast(), len), masking_key(key)) };
    let close = close_frame(code, reason);
    // SAFETY: `out` is valid for a control frame, as the section "Safety" requires.
    unsafe { put(responder, out, |it, out| it.close(close.as_ref(), key, out).unwrap_or_default()) }
}

/// Returns `true` if a Close frame was sent. The endpoint must then send no more data (section
/// 5.5.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_has_sent_close(responder: &Responder) -> bool {
    responder.has_sent_close()
}

/// Returns `true` if both endpoints have sent a Close frame. The closing handshake is then
/// complete, and the server closes the TCP connection (section 7.1.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_responder_is_done(responder: &Responder) -> bool {
    responder.is_done()
}

/// Writes a reply of the responder to `out`, and returns its length in bytes.
///
/// The responder writes to a local buffer first, because the payload that it reads may be in `out`.
///
/// # Safety
///
/// `out` must point to as many writable bytes as a control frame can have.
unsafe fn put(
    responder: &mut Responder,
    out: *mut u8,
    write: impl for<'a> FnOnce(&mut Responder, &'a mut [u8; encode::MAX_CONTROL_LEN]) -> &'a [u8],
) -> usize {
    let mut frame = [0; encode::MAX_CONTROL_LEN];
    let answer = write(responder, &mut frame);
    // SAFETY: the caller ensures that `out` has at least as many bytes as the reply.
    unsafe { bytes_mut(out, answer.len()) }.copy_from_slice(answer);
    answer.len()
}
