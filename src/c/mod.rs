//! The C interface that the header `include/wsvet.h` declares (feature `c`).
//!
//! cbindgen generates the header from the files of this module, and `tests/c.rs` checks that it is
//! up to date. The comments of the items in the header are written for C programmers.
//!
//! An object is a type of the crate in the memory of the caller. A reference in a signature is a C
//! pointer that must not be `NULL`, and must point to an object of its type.
#![allow(unsafe_code)] // C passes pointers and lengths, and finds functions by name
#![allow(non_camel_case_types, unreachable_pub)] // names as in C; cbindgen reads only public items

mod conversation;
mod decoder;
mod deflate;
mod encode;
mod handshake;
mod header;
mod policy;
mod responder;
pub(crate) mod text;
mod validator;
mod violation;

use core::slice;

/// Returns the `len` bytes at `start`. Returns an empty slice if `start` is null and `len` is 0.
///
/// # Panics
///
/// Panics if `start` is null and `len` is not 0.
///
/// # Safety
///
/// If `start` is not null, it must point to `len` initialised bytes that are valid for `'a`, and
/// that are not written during `'a`.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        assert_eq!(len, 0, "the length of NULL");
        return &[];
    }
    // SAFETY: `start` is not null, and the caller ensures that the bytes are valid.
    unsafe { slice::from_raw_parts(start, len) }
}

/// Returns the `len` bytes at `start` to write to. Returns an empty slice if `start` is null and
/// `len` is 0.
///
/// The C program need not have written the bytes. The compiler cannot see what the C program did
/// with the memory, so it must assume that the bytes have some value.
///
/// # Panics
///
/// Panics if `start` is null and `len` is not 0.
///
/// # Safety
///
/// If `start` is not null, it must point to `len` bytes that are valid for `'a`, and that are not
/// read or written through another pointer during `'a`.
unsafe fn bytes_mut<'a>(start: *mut u8, len: usize) -> &'a mut [u8] {
    if start.is_null() {
        assert_eq!(len, 0, "the length of NULL");
        return &mut [];
    }
    // SAFETY: `start` is not null, and the caller ensures that the bytes are valid.
    unsafe { slice::from_raw_parts_mut(start, len) }
}

/// Returns the masking key at `key`, or `None` if `key` is null.
///
/// # Safety
///
/// If `key` is not null, it must point to four bytes.
unsafe fn masking_key(key: *const u8) -> Option<[u8; 4]> {
    // SAFETY: an array of bytes needs no alignment, and the caller ensures that there are four.
    (!key.is_null()).then(|| unsafe { key.cast::<[u8; 4]>().read() })
}
