//! Bytes out.

use core::ffi::{c_char, c_void};

use super::{bytes, bytes_mut, masking_key};
use crate::encode;
use crate::{CloseCode, CloseFrame, OpCode};

/// The most bytes a control frame has: with a masking key and 125 bytes of payload (section 5.5).
pub const WSVET_MAX_CONTROL_LEN: usize = 131;

const _: () = assert!(WSVET_MAX_CONTROL_LEN == encode::MAX_CONTROL_LEN);

/// Writes a message or a control frame as a single frame to `out`, which has room for `out_len`
/// bytes, and gives how many bytes the frame has (section 5.4).
///
/// Where that is over `out_len` nothing was written; `out` may be `NULL` where `out_len` is 0, to ask
/// for the length. `payload` is plain, `len` bytes; it may be `NULL` where `len` is 0. A client gives
/// a fresh masking key of four bytes, a server `NULL` (section 5.1). The two must not overlap.
///
/// The low four bits of `opcode` count. Returns 0 and writes nothing if the frame would be illegal: a
/// reserved opcode, a control frame with more than 125 bytes of payload (section 5.5), or a Close whose
/// body is illegal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_encode_single(
    opcode: u8,
    payload: *const c_void,
    len: usize,
    key: *const u8,
    out: *mut u8,
    out_len: usize,
) -> usize {
    // SAFETY: the bytes and the room are there, as the header says.
    let (payload, key, out) =
        unsafe { (bytes(payload.cast(), len), masking_key(key), bytes_mut(out, out_len)) };
    len_of(encode::single(OpCode::from_low_bits(opcode), payload, key, out))
}

/// Writes a whole Close frame to `out`, which has room for `out_len` bytes, and gives how many bytes
/// it has, 2 to `WSVET_MAX_CONTROL_LEN` (section 5.5.1).
///
/// Where that is over `out_len` nothing was written. With the code 0 the body is empty, and the
/// reason does not count. Returns 0 and writes nothing if another code must not be sent
/// (`wsvet_code_is_sendable`). `reason` is UTF-8, `len` bytes, and may be `NULL` where `len` is 0: it is cut before what is not UTF-8, and
/// at a character where it is over 123 bytes. A client gives a fresh masking key of four bytes, a
/// server `NULL` (section 5.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_encode_close(
    code: u16,
    reason: *const c_char,
    len: usize,
    key: *const u8,
    out: *mut u8,
    out_len: usize,
) -> usize {
    // SAFETY: the bytes and the room are there, as the header says.
    let (reason, key, out) =
        unsafe { (bytes(reason.cast(), len), masking_key(key), bytes_mut(out, out_len)) };
    len_of(match close_frame(code, reason) {
        Some(close) => encode::close(&close, key, out),
        None => encode::single(OpCode::Close, &[], key, out),
    })
}

fn len_of(encoded: Result<usize, encode::Error>) -> usize {
    match encoded {
        Ok(len) | Err(encode::Error::BufferTooSmall { needed: len }) => len,
        Err(_) => 0,
    }
}

/// What C says of a Close; the code 0 is an empty body.
pub(super) fn close_frame(code: u16, reason: &[u8]) -> Option<CloseFrame<'_>> {
    let text = reason.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    (code != 0).then(|| CloseFrame::new(CloseCode(code), text))
}
