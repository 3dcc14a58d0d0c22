//! permessage-deflate: its negotiation, and a decoder that inflates (RFC 7692).

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use std::boxed::Box;
use std::string::ToString;

use super::decoder::wsvet_event;
use super::policy::wsvet_policy;
use super::text::put_text;
use super::violation::wsvet_violation;
use super::{bytes, bytes_mut};
use crate::Role;
use crate::deflate::{Parameters, StreamDecoder};

/// The parameters of permessage-deflate, negotiated or wanted (RFC 7692 section 7.1).
///
/// If all fields are 0, both endpoints take over the context, and both windows have 15 bits.
#[repr(C)]
pub struct wsvet_deflate {
    /// Not 0 if no message of the server refers to earlier messages.
    pub server_no_context_takeover: u8,
    /// Not 0 if no message of the client refers to earlier messages.
    pub client_no_context_takeover: u8,
    /// The bits of the window of the server, 8 to 15, or 0 if they are not stated.
    pub server_max_window_bits: u8,
    /// The bits of the window of the client, 8 to 15, or 0 if they are not stated.
    pub client_max_window_bits: u8,
}

impl From<Parameters> for wsvet_deflate {
    fn from(parameters: Parameters) -> Self {
        Self {
            server_no_context_takeover: (!parameters.context_takeover(Role::Server)).into(),
            client_no_context_takeover: (!parameters.context_takeover(Role::Client)).into(),
            server_max_window_bits: parameters.max_window_bits(Role::Server).unwrap_or(0),
            client_max_window_bits: parameters.max_window_bits(Role::Client).unwrap_or(0),
        }
    }
}

impl wsvet_deflate {
    /// Returns the parameters as the type of the crate, or `None` if bits are out of range.
    pub(super) fn read(&self) -> Option<Parameters> {
        let mut parameters = Parameters::new()
            .server_no_context_takeover(self.server_no_context_takeover != 0)
            .client_no_context_takeover(self.client_no_context_takeover != 0);
        parameters = match self.server_max_window_bits {
            0 => parameters,
            bits @ 8..=15 => parameters.server_max_window_bits(bits),
            _ => return None,
        };
        match self.client_max_window_bits {
            0 => Some(parameters),
            bits @ 8..=15 => Some(parameters.client_max_window_bits(bits)),
            _ => None,
        }
    }
}

/// Accepts the first valid offer of permessage-deflate in the header `Sec-WebSocket-Extensions` of a
/// client, for a server that wants these parameters (RFC 7692 section 7.1).
///
/// `offers` is the value of the header, of `len` bytes. If there are several such headers, join their
/// values with commas. The function writes what was negotiated to `*agreed`.
///
/// Returns `false` and writes nothing if no offer is valid, or if a field of `wanted` is out of range.
/// The connection is then not compressed.
///
/// # Safety
///
/// - `wanted` must point to an initialised `wsvet_deflate`. `agreed` may be the same object.
/// - `offers` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `agreed` must point to a `wsvet_deflate`, which need not be initialised.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_deflate_accept(
    wanted: *const wsvet_deflate,
    offers: *const c_char,
    len: usize,
    agreed: *mut wsvet_deflate,
) -> bool {
    // SAFETY: `wanted` and `offers` are valid, as the section "Safety" requires.
    let (wanted, offers) = unsafe { ((*wanted).read(), text(offers, len)) };
    let accepted = wanted.zip(offers).and_then(|(wanted, offers)| wanted.accept(offers));
    if let Some(accepted) = accepted {
        // SAFETY: `agreed` can be written, as the section "Safety" requires.
        unsafe { agreed.write(accepted.into()) };
    }
    accepted.is_some()
}

/// Writes the value of the header `Sec-WebSocket-Extensions` that accepts these parameters to `out`,
/// as a string that ends with a NUL, and returns its length without the NUL.
///
/// If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 160 bytes
/// always suffice. Returns 0 and writes nothing if a field is out of range.
///
/// # Safety
///
/// - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_deflate_answer(
    agreed: &wsvet_deflate,
    out: *mut c_char,
    out_len: usize,
) -> usize {
    let Some(agreed) = agreed.read() else { return 0 };
    // SAFETY: `out` is valid for its length, as the section "Safety" requires.
    unsafe { put_text(&agreed.to_string(), out, out_len) }
}

/// What the answer of a server says about permessage-deflate.
#[repr(C)]
pub enum wsvet_agreed {
    /// It is not in use. No message may be compressed.
    WSVET_NOT_AGREED = 0,
    /// It is in use.
    WSVET_AGREED = 1,
    /// The answer does not fit the offer. The client must fail the connection (RFC 7692 section 7.1).
    WSVET_WRONG_ANSWER = 2,
}

/// Checks the answer of a server to the offer of a client: the values of their headers
/// `Sec-WebSocket-Extensions` (RFC 7692 section 7.1).
///
/// Returns one of `enum wsvet_agreed`. Only if it is `WSVET_AGREED`, the function writes the
/// parameters to `*agreed`.
///
/// # Safety
///
/// - `offers` must point to `offers_len` bytes, and `answer` to `answer_len` bytes. They may be `NULL`
///   if their length is 0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_deflate_agreed(
    offers: *const c_char,
    offers_len: usize,
    answer: *const c_char,
    answer_len: usize,
    agreed: &mut MaybeUninit<wsvet_deflate>,
) -> u8 {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
    let (offers, answer) = unsafe { (text(offers, offers_len), text(answer, answer_len)) };
    let found = offers.zip(answer).map(|(offers, answer)| Parameters::agreed(offers, answer));
    match found {
        Some(Ok(Some(parameters))) => {
            agreed.write(parameters.into());
            wsvet_agreed::WSVET_AGREED as u8
        }
        Some(Ok(None)) => wsvet_agreed::WSVET_NOT_AGREED as u8,
        Some(Err(_)) | None => wsvet_agreed::WSVET_WRONG_ANSWER as u8,
    }
}

/// Returns the text, or `None` if it is not UTF-8.
///
/// # Safety
///
/// The safety conditions of [`bytes`].
unsafe fn text<'a>(start: *const c_char, len: usize) -> Option<&'a str> {
    // SAFETY: the caller ensures that the bytes are valid.
    str::from_utf8(unsafe { bytes(start.cast(), len) }).ok()
}

/// A decoder that parses, unmasks, inflates and validates one direction of a connection with
/// permessage-deflate, from chunks of any size (RFC 7692 section 6).
///
/// It is a `wsvet_decoder` for compressed messages. It validates the inflated text, and `max_message`
/// of the policy counts the inflated bytes. The offset of a violation in a compressed message is that
/// of the first byte of the frame's payload.
///
/// It allocates memory. `wsvet_inflating_decoder_free` frees it.
pub struct wsvet_inflating_decoder(StreamDecoder);

/// A function of the caller that receives the events of a chunk, one after the other.
///
/// `context` is the pointer that was passed to `wsvet_inflating_decode`. The event and its bytes are
/// valid only during the call. The function must return: it must not call `longjmp` or throw an
/// exception, and must not use the decoder.
pub type wsvet_each = extern "C" fn(context: *mut c_void, event: &wsvet_event);

/// Creates a decoder at the start of a stream that is received under this policy, if permessage-deflate
/// was negotiated with these parameters.
///
/// The field `permessage_deflate` of the policy is ignored.
///
/// Returns `NULL` if `role` or `accepts` of the policy is not one of the constants, or if a field of
/// `parameters` is out of range.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_inflating_decoder_new(
    policy: &wsvet_policy,
    parameters: &wsvet_deflate,
) -> Option<Box<wsvet_inflating_decoder>> {
    let (policy, known) = policy.read();
    let parameters = parameters.read()?;
    known.then(|| Box::new(wsvet_inflating_decoder(StreamDecoder::new(policy, parameters))))
}

/// Frees a decoder. Does nothing if it is `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_inflating_decoder_free(decoder: Option<Box<wsvet_inflating_decoder>>) {
    drop(decoder);
}

/// Decodes the whole chunk, and calls `each` with each event. Returns the violation, if any.
///
/// The function unmasks the bytes in place. A piece of a message has at most 16 KiB if the message is
/// compressed. Each message ends with an event of data whose `end` is not 0, and which has no bytes.
///
/// The first violation ends the stream (section 7.1.7). Every later call returns it again.
///
/// # Safety
///
/// - `decoder` must point to a decoder that `wsvet_inflating_decoder_new` has returned.
/// - `chunk` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_inflating_decode(
    decoder: &mut wsvet_inflating_decoder,
    chunk: *mut u8,
    len: usize,
    each: wsvet_each,
    context: *mut c_void,
) -> wsvet_violation {
    // SAFETY: `chunk` is valid for `len` bytes, as the section "Safety" requires.
    let chunk = unsafe { bytes_mut(chunk, len) };
    decoder.0.decode(chunk, |event| each(context, &Some(event).into())).into()
}

/// Validates the end of the stream, and returns the violation, if any (section 7.1.5).
///
/// It is what `wsvet_decoder_eof` returns.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_inflating_decoder_eof(
    decoder: &mut wsvet_inflating_decoder,
) -> wsvet_violation {
    decoder.0.eof().into()
}

/// Returns the number of bytes of the stream that were validated, as on the wire.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_inflating_decoder_offset(decoder: &wsvet_inflating_decoder) -> u64 {
    decoder.0.validator().frames().offset()
}
