//! Frame headers, and the masking of payloads.

use core::mem::MaybeUninit;

use super::{bytes, bytes_mut};
use crate::{Header, OpCode, mask};

/// The maximum length of a header in bytes (section 5.2).
pub const WSVET_MAX_HEADER_LEN: usize = 14;

const _: () = assert!(WSVET_MAX_HEADER_LEN == Header::MAX_LEN);

/// The header of a frame: every bit that is on the wire (section 5.2).
///
/// If you create a header, you need to set only `opcode`, `fin` and `payload_len`. If all other
/// fields are 0, the header is unmasked and in its shortest form.
#[repr(C)]
pub struct wsvet_header {
    /// The length of the payload in bytes that the header states. It is not checked: it may be up
    /// to 2^64 - 1.
    pub payload_len: u64,
    /// The masking key if `masked` is not 0 (section 5.3).
    pub masking_key: [u8; 4],
    /// The opcode, one of `enum wsvet_opcode` or a reserved one: 0 to 15. Higher bits are ignored.
    pub opcode: u8,
    /// Not 0 if this frame is the last of its message.
    pub fin: u8,
    /// The RSV bits: RSV1 = 4, RSV2 = 2, RSV3 = 1. Higher bits are ignored.
    pub rsv: u8,
    /// Not 0 if the mask bit is set.
    pub masked: u8,
    /// The length of the extended payload length in bytes: 0, 2 or 8. If `payload_len` does not fit
    /// into it, or if it is another number, the header is in its shortest form.
    pub extended_len: u8,
}

impl From<&Header> for wsvet_header {
    fn from(header: &Header) -> Self {
        Self {
            payload_len: header.payload_len(),
            masking_key: header.masking_key().unwrap_or_default(),
            opcode: header.opcode() as u8,
            fin: header.fin().into(),
            rsv: header.rsv(),
            masked: header.is_masked().into(),
            extended_len: match header.second_byte() & 0x7F {
                126 => 2,
                127 => 8,
                _ => 0,
            },
        }
    }
}

impl wsvet_header {
    /// Returns the header as the type of the crate.
    pub(super) fn read(&self) -> Header {
        let shortest = Header::new(OpCode::from_low_bits(self.opcode), self.payload_len);
        let shortest = if self.fin == 0 { shortest.not_final() } else { shortest };
        let first = shortest.with_rsv(self.rsv).first_byte();
        let len = match (self.extended_len, self.payload_len) {
            (8, _) => 127,
            (2, 0..=0xFFFF) => 126,
            _ => shortest.second_byte(),
        };
        let mask = if self.masked == 0 { 0 } else { 0x80 };
        Header::from_wire(first, mask | len, self.payload_len, self.masking_key)
    }
}

/// Decodes the header at the start of `len` bytes (section 5.2).
///
/// Returns 0 if the header is complete, and writes it to `*header`. `wsvet_header_len` then returns
/// the index at which the payload starts. Otherwise returns how many more bytes are needed at
/// least, and does not write `*header`.
///
/// The function does not validate the header, so there is no error.
///
/// # Safety
///
/// - `input` must point to `len` bytes. It may be `NULL` if `len` is 0.
/// - `header` must point to a `wsvet_header`, which need not be initialised. It must not overlap
///   the input.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_header_decode(
    input: *const u8,
    len: usize,
    header: &mut MaybeUninit<wsvet_header>,
) -> usize {
    // SAFETY: `input` is valid for `len` bytes, as the section "Safety" requires.
    match Header::decode(unsafe { bytes(input, len) }) {
        Ok((decoded, _)) => {
            header.write((&decoded).into());
            0
        }
        Err(incomplete) => incomplete.needed(),
    }
}

/// Writes a header to `out`, and returns its length in bytes: 2 to 14 (section 5.2).
///
/// The function always writes `WSVET_MAX_HEADER_LEN` bytes: zeros follow the header. A header that
/// `wsvet_header_decode` has decoded is encoded to the same bytes, even if its length is not in its
/// shortest form.
///
/// # Safety
///
/// - `header` must point to an initialised `wsvet_header`.
/// - `out` must point to `WSVET_MAX_HEADER_LEN` writable bytes, which must not overlap the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_header_encode(header: &wsvet_header, out: *mut u8) -> usize {
    let mut wire = [0; Header::MAX_LEN];
    let len = header.read().encode(&mut wire);
    // SAFETY: `out` is valid for that many bytes, as the section "Safety" requires.
    unsafe { bytes_mut(out, Header::MAX_LEN) }.copy_from_slice(&wire);
    len
}

/// Returns the length of the header itself in bytes: 2 to 14 (section 5.2).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_header_len(header: &wsvet_header) -> usize {
    header.read().header_len()
}

/// Masks or unmasks `len` bytes in place, and returns the phase of the next piece of the payload
/// (section 5.3).
///
/// `key` is the masking key. If it is `NULL`, the bytes do not change. `phase` is the position of
/// `buf` in the payload in bytes. Pass 0 for the start of the payload. For a later piece pass the
/// phase that the previous call returned, or the number of payload bytes before the piece. Only
/// `phase` modulo 4 matters.
///
/// # Safety
///
/// - `key` must be `NULL` or point to four bytes.
/// - `buf` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_mask(
    key: *const u8,
    phase: usize,
    buf: *mut u8,
    len: usize,
) -> usize {
    // SAFETY: the pointers are valid for their lengths, as the section "Safety" requires.
    let (key, buf) = unsafe { (super::masking_key(key), bytes_mut(buf, len)) };
    // A key of zeros changes nothing.
    mask::apply(key.unwrap_or_default(), phase, buf)
}
