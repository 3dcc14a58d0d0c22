//! The header of a frame, and masking.

use core::mem::MaybeUninit;

use super::{bytes, bytes_mut};
use crate::{Header, OpCode, mask};

/// The most bytes a header has (section 5.2).
pub const WSVET_MAX_HEADER_LEN: usize = 14;

const _: () = assert!(WSVET_MAX_HEADER_LEN == Header::MAX_LEN);

/// The header of a frame: what stands on the wire, bit for bit (section 5.2).
///
/// One that is all 0 but for `opcode`, `fin` and `payload_len` is in its shortest form.
#[repr(C)]
pub struct wsvet_header {
    /// The length of the payload in bytes, as the header says it: up to 2^64 - 1, not judged.
    pub payload_len: u64,
    /// The masking key, where `masked` is not 0 (section 5.3).
    pub masking_key: [u8; 4],
    /// The opcode, one of `enum wsvet_opcode` or a reserved one: 0 to 15. Higher bits do not count.
    pub opcode: u8,
    /// Not 0 where this frame is the last of its message.
    pub fin: u8,
    /// The RSV bits: RSV1 = 4, RSV2 = 2, RSV3 = 1. Higher bits do not count.
    pub rsv: u8,
    /// Not 0 where the mask bit is set.
    pub masked: u8,
    /// The bytes of the extended payload length: 0, 2 or 8. Where `payload_len` does not fit them,
    /// or it is another number, the header has its shortest form.
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
    /// The crate's own.
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

/// Takes a header off the front of `len` bytes, and gives how many bytes more are certainly needed:
/// 0 where the header is whole. Nothing is judged, and there is no error (section 5.2).
///
/// `*header` is written only where 0 is given; `wsvet_header_len` says where the payload starts.
/// `input` may be `NULL` where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_header_decode(
    input: *const u8,
    len: usize,
    header: &mut MaybeUninit<wsvet_header>,
) -> usize {
    // SAFETY: there are `len` bytes, as the header says.
    match Header::decode(unsafe { bytes(input, len) }) {
        Ok((decoded, _)) => {
            header.write((&decoded).into());
            0
        }
        Err(incomplete) => incomplete.needed(),
    }
}

/// Writes the header to `out`, which has room for `WSVET_MAX_HEADER_LEN` bytes, and gives its length
/// in bytes, 2 to 14 (section 5.2).
///
/// All that room is written. What was decoded is encoded to the same bytes, a length that is not in
/// its shortest form included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_header_encode(header: &wsvet_header, out: *mut u8) -> usize {
    let mut wire = [0; Header::MAX_LEN];
    let len = header.read().encode(&mut wire);
    // SAFETY: there is room for a header, as the header says.
    unsafe { bytes_mut(out, Header::MAX_LEN) }.copy_from_slice(&wire);
    len
}

/// The length of the header itself in bytes: 2 to 14 (section 5.2).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_header_len(header: &wsvet_header) -> usize {
    header.read().header_len()
}

/// Masks or unmasks `len` bytes where they lie, and gives the phase at which the payload's next
/// piece goes on (section 5.3).
///
/// `key` has four bytes; `NULL` is no key, and changes nothing. `phase` is the position of `buf` in the
/// payload: 0 for its start, and for a later piece what the call before gave, or the bytes before it;
/// only its value modulo 4 counts. `buf` may be `NULL` where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_mask(
    key: *const u8,
    phase: usize,
    buf: *mut u8,
    len: usize,
) -> usize {
    // SAFETY: there are four bytes and `len` bytes, as the header says.
    let (key, buf) = unsafe { (super::masking_key(key), bytes_mut(buf, len)) };
    // No key is one that changes nothing.
    mask::apply(key.unwrap_or_default(), phase, buf)
}
