//! The validator, for programs that have their own parser.

use core::mem::MaybeUninit;

use super::bytes;
use super::header::wsvet_header;
use super::policy::wsvet_policy;
use super::violation::wsvet_violation;
use crate::Validator;

/// A validator of one direction of a connection. It validates headers, and unmasked payloads in
/// pieces of any size.
///
/// It is for programs that have their own parser. A `wsvet_decoder` contains a validator.
///
/// For each frame call `wsvet_validator_begin` once, then `wsvet_validator_payload` for each piece,
/// then `wsvet_validator_finish`. At the end of the stream call `wsvet_validator_eof`. In another
/// order the results are meaningless, and a library that is built with debug assertions aborts.
///
/// The first violation ends the stream (section 7.1.7). Every later call returns it again.
///
/// The contents are private to the library. You may move and copy the object. It needs no cleanup.
#[repr(C)]
pub struct wsvet_validator {
    opaque: [u64; 16],
}

const _: () = assert!(
    size_of::<Validator>() <= size_of::<wsvet_validator>()
        && align_of::<Validator>() <= align_of::<wsvet_validator>()
);

/// Initialises a validator at the start of a stream that is received under this policy.
///
/// Returns `false` if `role` or `accepts` of the policy is not one of the constants. The validator
/// then refuses every data frame.
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

/// Validates a header, and returns the violation, if any.
///
/// Call it before you wait for the payload. If the header breaks several rules, the violation names
/// the first in the order of `enum wsvet_rule`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_begin(
    validator: &mut Validator,
    header: &wsvet_header,
) -> wsvet_violation {
    validator.begin(&header.read()).into()
}

/// Validates the first bytes of a header whose rest has not arrived, `len` bytes, and returns the
/// violation, if any.
///
/// A rule is broken as soon as every possible rest of the header breaks it. For example, the first
/// byte shows a type of data that the endpoint does not accept. Pass the whole header to
/// `wsvet_validator_begin` when it has arrived.
///
/// # Safety
///
/// - `validator` must point to a validator that `wsvet_validator_init` has initialised.
/// - `start` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_validator_cut_header(
    validator: &mut Validator,
    start: *const u8,
    len: usize,
) -> wsvet_violation {
    // SAFETY: `start` is valid for `len` bytes, as the section "Safety" requires.
    validator.cut_header(unsafe { bytes(start, len) }).into()
}

/// Validates the next piece of the payload, `len` unmasked bytes, and returns the violation, if
/// any.
///
/// A frame without a payload needs no call. The caller must ensure that the lengths of the pieces
/// add up to `payload_len`.
///
/// The piece can break `WSVET_INVALID_UTF8` or `WSVET_INVALID_CLOSE_REASON`, at the byte that
/// proves it, or `WSVET_INVALID_CLOSE_CODE`, at the first byte of the code.
///
/// # Safety
///
/// - `validator` must point to a validator that `wsvet_validator_init` has initialised.
/// - `plain` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_validator_payload(
    validator: &mut Validator,
    plain: *const u8,
    len: usize,
) -> wsvet_violation {
    // SAFETY: `plain` is valid for `len` bytes, as the section "Safety" requires.
    validator.payload(unsafe { bytes(plain, len) }).into()
}

/// Validates the end of the frame, and returns the violation, if any. Call it after the whole
/// payload.
///
/// If the message or the reason of a Close frame ends inside a character, the frame breaks
/// `WSVET_INVALID_UTF8` or `WSVET_INVALID_CLOSE_REASON` at its last byte.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_finish(validator: &mut Validator) -> wsvet_violation {
    validator.finish().into()
}

/// Validates a whole frame, and returns the violation, if any.
///
/// The function calls `wsvet_validator_begin`, `wsvet_validator_payload` and
/// `wsvet_validator_finish`, and returns the first violation that one of them returns. `plain` is
/// the whole unmasked payload of `len` bytes.
///
/// # Safety
///
/// - `validator` must point to a validator that `wsvet_validator_init` has initialised.
/// - `header` must point to an initialised `wsvet_header`.
/// - `plain` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_validator_frame(
    validator: &mut Validator,
    header: &wsvet_header,
    plain: *const u8,
    len: usize,
) -> wsvet_violation {
    // SAFETY: `plain` is valid for `len` bytes, as the section "Safety" requires.
    validator.frame(&header.read(), unsafe { bytes(plain, len) }).into()
}

/// Skips `len` bytes of the payload that the caller does not have, for example because a capture
/// lacks them, or because a log contains only the headers.
///
/// The bytes count in the offset, but are not validated. Neither is the rest of the text message or
/// of the Close frame that they belong to.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_skip(validator: &mut Validator, len: u64) {
    validator.skip(len);
}

/// Validates the end of the stream, and returns the violation, if any (section 7.1.5).
///
/// `unread` is the number of bytes at the end of the stream that are the start of an incomplete
/// header. The end can break `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`. The offset of the
/// violation is then the length of the stream. After a whole Close frame the stream may end anywhere.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_eof(validator: &mut Validator, unread: usize) -> wsvet_violation {
    validator.eof(unread).into()
}

/// Returns the number of bytes of the stream so far: headers that were begun, and payload bytes that
/// were passed or skipped.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_offset(validator: &Validator) -> u64 {
    validator.offset()
}

/// Returns `true` if a whole Close frame has arrived. The peer must then send no more data (section 5.5.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_validator_is_closed(validator: &Validator) -> bool {
    validator.is_closed()
}
