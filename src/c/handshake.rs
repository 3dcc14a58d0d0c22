//! The functions for the keys of the opening handshake.

use core::ffi::c_char;

use super::{bytes, bytes_mut};
use crate::handshake::Key;

/// The size of the string that `wsvet_key` writes, in bytes: 24 characters and a NUL.
pub const WSVET_KEY_SIZE: usize = 25;

/// The size of the string that `wsvet_accept_key` writes, in bytes: 28 characters and a NUL.
pub const WSVET_ACCEPT_KEY_SIZE: usize = 29;

/// Writes the value of the header `Sec-WebSocket-Key` to `out`, as a string that ends with a NUL
/// (section 4.1).
///
/// `random` is 16 random bytes, new for each connection.
///
/// # Safety
///
/// - `random` must point to 16 bytes.
/// - `out` must point to `WSVET_KEY_SIZE` writable bytes.
/// - `random` and `out` must not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_key(random: *const u8, out: *mut c_char) {
    // SAFETY: an array of bytes needs no alignment, and the caller ensures that there are 16.
    let key = Key::new(unsafe { random.cast::<[u8; 16]>().read() });
    // SAFETY: `out` points to so many bytes, as the section "Safety" requires.
    write(key.as_str(), unsafe { bytes_mut(out.cast(), WSVET_KEY_SIZE) });
}

/// Writes the value of the header `Sec-WebSocket-Accept` that accepts a key to `out`, as a string
/// that ends with a NUL (section 4.2.2).
///
/// `key` is the value of the header `Sec-WebSocket-Key`, of `len` bytes. Whitespace around it is
/// ignored.
///
/// Returns `false` and writes an empty string if `key` is not 16 bytes in base64. The server then
/// refuses the request with the HTTP status 400.
///
/// # Safety
///
/// - `key` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `out` must point to `WSVET_ACCEPT_KEY_SIZE` writable bytes.
/// - `key` and `out` must not overlap.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_accept_key(
    key: *const c_char,
    len: usize,
    out: *mut c_char,
) -> bool {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
    let (key, out) =
        unsafe { (bytes(key.cast(), len), bytes_mut(out.cast(), WSVET_ACCEPT_KEY_SIZE)) };
    let key = Key::parse(key);
    match key {
        Some(key) => write(key.accept().as_str(), out),
        None => write("", out),
    }
    key.is_some()
}

/// Writes the text, which is shorter than `out`, and a NUL.
fn write(text: &str, out: &mut [u8]) {
    for (to, from) in out.iter_mut().zip(text.bytes().chain([0])) {
        *to = from;
    }
}
