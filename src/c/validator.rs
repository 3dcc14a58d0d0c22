//! One direction of a connection, for those who have a parser of their own.

use core::mem::MaybeUninit;

use super::bytes;
use super::header::wsvet_header;
use super::policy::wsvet_policy;
use super::violation::wsvet_violation;
use crate::Validator;

/// Judges one direction of a connection: headers, and plain payloads in pieces of any size. For
/// those who have a parser of their own; a decoder has one inside.
///
/// For each frame call `wsvet_validator_begin` once, `wsvet_validator_payload` for each piece, then
/// `wsvet_validator_finish`; at the end of the stream `wsvet_validator_eof`. Another order is a
/// mistake of the caller's: the verdicts then mean nothing, and a library built with debug
/// assertions aborts. The first violation ends the stream (section 7.1.7): every later call gives it
/// again.
///
/// The storage is the library's. It may be moved and copied, and needs no end.
#[repr(C)]
pub struct wsvet_validator {
    opaque: [u64; 16],
}

const _: () = assert!(
    size_of::<Validator>() <= size_of::<wsvet_validator>()
        && align_of::<Validator>() <= align_of::<wsvet_validator>()
);

/// Starts a stream that is received under this policy: nothing has been judged.
///
/// `false` where the role or what it accepts is none of the constants. The validator then refuses
/// every frame of data.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn wsvet_validator_init(
    validator: &mut MaybeUninit<Validator>,
    policy: &wsvet_policy,
) -> bool {
    let (policy, known) = policy.read();
    validator.write(Validator::new(policy));
    known
}

/// Judges a header, before a byte of its payload is waited for: it breaks no rule, or this one is the
/// first in precedence that it breaks.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_begin(
    validator: &mut Validator,
    header: &wsvet_header,
) -> wsvet_violation {
    validator.begin(&header.read()).into()
}

/// Judges the next piece of the payload: `len` plain bytes, unmasked.
///
/// A frame without a payload needs no call. That the pieces add up to `payload_len` is the caller's
/// business. `plain` may be `NULL` where `len` is 0.
///
/// It can break `WSVET_INVALID_UTF8` and `WSVET_INVALID_CLOSE_REASON`, at the byte that proves it, and
/// `WSVET_INVALID_CLOSE_CODE`, at the first byte of the code.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_validator_payload(
    validator: &mut Validator,
    plain: *const u8,
    len: usize,
) -> wsvet_violation {
    // SAFETY: there are `len` bytes, as the header says.
    validator.payload(unsafe { bytes(plain, len) }).into()
}

/// Ends the frame: its whole payload was given.
///
/// It can break `WSVET_INVALID_UTF8` and `WSVET_INVALID_CLOSE_REASON`, at the last byte of the frame,
/// where the message or the reason ends inside a character.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_finish(validator: &mut Validator) -> wsvet_violation {
    validator.finish().into()
}

/// Judges a whole frame: `wsvet_validator_begin`, `wsvet_validator_payload` and
/// `wsvet_validator_finish` in one, with the first violation that one of them finds.
///
/// `plain` is the whole payload, `len` bytes, unmasked; it may be `NULL` where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_validator_frame(
    validator: &mut Validator,
    header: &wsvet_header,
    plain: *const u8,
    len: usize,
) -> wsvet_violation {
    // SAFETY: there are `len` bytes, as the header says.
    validator.frame(&header.read(), unsafe { bytes(plain, len) }).into()
}

/// Passes over `len` bytes of the payload that nobody has: a capture lacks them, or a log kept the
/// headers alone.
///
/// They count, and are not judged; what text they were a part of is not judged any further.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_skip(validator: &mut Validator, len: u64) {
    validator.skip(len);
}

/// Judges the end of the stream; `unread` is how many bytes came after the last whole header that
/// are too few for another (section 7.1.5).
///
/// It breaks `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`, its offset the length of the stream.
/// After a Close frame the stream may end anywhere.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_eof(validator: &mut Validator, unread: usize) -> wsvet_violation {
    validator.eof(unread).into()
}

/// How many bytes of the stream were judged: the headers begun and the payload given.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_offset(validator: &Validator) -> u64 {
    validator.offset()
}

/// Whether a Close frame has begun: no data may follow (section 5.5.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_is_closed(validator: &Validator) -> bool {
    validator.is_closed()
}
