//! The interface for C: what `src/c/wsvet.h` declares (feature `c`).
//!
//! cbindgen writes that header from the files of this module, `tests/c.rs` keeps it up to date, and
//! its comments are written for those who read the header. Objects are the crate's own types in
//! memory of the caller's; a reference in a signature is a pointer that is not `NULL` and points to
//! what its type says.
#![allow(unsafe_code)] // C gives pointers and lengths, and finds functions by their names
#![allow(non_camel_case_types, unreachable_pub)] // as C has them; cbindgen takes what is public

mod decoder;
mod encode;
mod header;
mod policy;
mod responder;
pub(crate) mod text;
mod validator;
mod violation;

use core::slice;

/// What C says is `len` bytes; nothing where it is `NULL` and 0.
///
/// # Panics
///
/// Where it is `NULL`, and not 0.
///
/// # Safety
///
/// Where `start` is not null, `len` bytes stand there for as long as `'a`, and nobody writes them.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        assert_eq!(len, 0, "the length of NULL");
        return &[];
    }
    // SAFETY: it is not null, and the caller vouches for the rest.
    unsafe { slice::from_raw_parts(start, len) }
}

/// The same of bytes to write. What C has not written yet is some bytes all the same, once it was
/// passed to a function that the compiler does not see.
///
/// # Panics
///
/// Where it is `NULL`, and not 0.
///
/// # Safety
///
/// Where `start` is not null, `len` bytes stand there for as long as `'a`, and nobody else reads or
/// writes them.
unsafe fn bytes_mut<'a>(start: *mut u8, len: usize) -> &'a mut [u8] {
    if start.is_null() {
        assert_eq!(len, 0, "the length of NULL");
        return &mut [];
    }
    // SAFETY: it is not null, and the caller vouches for the rest.
    unsafe { slice::from_raw_parts_mut(start, len) }
}

/// A masking key, or none where it is `NULL`.
///
/// # Safety
///
/// Where `key` is not null, four bytes stand there.
unsafe fn masking_key(key: *const u8) -> Option<[u8; 4]> {
    // SAFETY: bytes have no alignment, and the caller vouches for four of them.
    (!key.is_null()).then(|| unsafe { key.cast::<[u8; 4]>().read() })
}
