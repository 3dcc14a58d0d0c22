//! The functions that write frames.

use core::ffi::{c_char, c_void};

use super::{bytes, bytes_mut, masking_key};
use crate::encode;
use crate::{CloseCode, CloseFrame, OpCode};

/// The maximum length of a control frame in bytes: with a masking key and 125 bytes of payload
/// (section 5.5).
pub const WSVET_MAX_CONTROL_LEN: usize = 131;

const _: () = assert!(WSVET_MAX_CONTROL_LEN == encode::MAX_CONTROL_LEN);

/// Writes a message or a control frame as a single frame to `out`, and returns the length of the
/// frame in bytes (section 5.4).
///
/// `payload` is the unmasked payload of `len` bytes. `key` is the masking key: a client must pass a
/// fresh key of four bytes, and a server must pass `NULL` (section 5.1). The function uses the low
/// four bits of `opcode` and ignores the others.
///
/// If the returned length is over `out_len`, the function has written nothing. To ask for the
/// length only, pass `NULL` as `out` and 0 as `out_len`.
///
/// Returns 0 and writes nothing if the frame would be illegal: if the opcode is reserved, if a
/// control frame has more than 125 bytes of payload (section 5.5), or if the body of a Close frame
/// is illegal.
///
/// # Safety
///
/// - `payload` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `key` must be `NULL` or point to four bytes.
/// - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
/// - `payload` and `out` must not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_encode_single(
    opcode: u8,
    payload: *const c_void,
    len: usize,
    key: *const u8,
    out: *mut u8,
    out_len: usize,
) -> usize {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
    let (payload, key, out) =
        unsafe { (bytes(payload.cast(), len), masking_key(key), bytes_mut(out, out_len)) };
    len_of(encode::single(OpCode::from_low_bits(opcode), payload, key, out))
}

/// Writes a whole Close frame to `out`, and returns the length of the frame in bytes: 2 to
/// `WSVET_MAX_CONTROL_LEN` (section 5.5.1).
///
/// If `code` is 0, the body is empty and the function ignores the reason. `reason` is UTF-8 text of
/// `len` bytes. The function cuts it before the first byte that is not UTF-8, and at the end of a
/// character if it is over 123 bytes. `key` is the masking key: a client must pass a fresh key of
/// four bytes, and a server must pass `NULL` (section 5.1).
///
/// If the returned length is over `out_len`, the function has written nothing.
///
/// Returns 0 and writes nothing if `code` is not 0 and must not be sent (see
/// `wsvet_code_is_sendable`).
///
/// # Safety
///
/// - `reason` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `key` must be `NULL` or point to four bytes.
/// - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
/// - `reason` and `out` must not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_encode_close(
    code: u16,
    reason: *const c_char,
    len: usize,
    key: *const u8,
    out: *mut u8,
    out_len: usize,
) -> usize {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
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

/// Returns the body of a Close frame with this code and this reason, or `None` for the code 0,
/// which means an empty body. The reason is cut before the first byte that is not UTF-8.
pub(super) fn close_frame(code: u16, reason: &[u8]) -> Option<CloseFrame<'_>> {
    let text = reason.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    (code != 0).then(|| CloseFrame::new(CloseCode(code), text))
}
