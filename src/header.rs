//! The header of a frame: 2 to 14 bytes, decoded and encoded without loss (RFC 6455 §5.2).

use core::fmt;
use core::num::NonZeroUsize;

use crate::OpCode;

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;

/// The header of a frame (RFC 6455 §5.2).
///
/// A header preserves every bit that was on the wire, and takes 16 bytes of memory. Decoding does
/// not validate: every bit pattern is a header. [`decode`](Self::decode) followed by
/// [`encode`](Self::encode) writes the same bytes, even if the length is not in its shortest form.
///
/// ```text
///  byte 0            byte 1           bytes 2-9             then
/// +-+-+-+-+-------+ +-+-------------+ +-------------------+ +-------------+
/// |F|R|R|R| opcode| |M| payload len | | extended length:  | | masking key |
/// |I|S|S|S|  (4)  | |A|     (7)     | | 16 bits after 126 | |  (4 bytes,  |
/// |N|V|V|V|       | |S|             | | 64 bits after 127 | |  if MASK)   |
/// | |1|2|3|       | |K|             | |                   | |             |
/// +-+-+-+-+-------+ +-+-------------+ +-------------------+ +-------------+
/// ```
///
/// ```
/// use wsvet::{Header, OpCode};
///
/// let wire = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, b'x'];
/// let (header, rest) = Header::decode(&wire)?;
/// assert_eq!(header.opcode(), OpCode::Text);
/// assert_eq!(header.payload_len(), 5);
/// assert_eq!(header.masking_key(), Some([0x37, 0xFA, 0x21, 0x3D]));
/// assert_eq!(rest, b"x");
///
/// let mut out = [0; Header::MAX_LEN];
/// let len = header.encode(&mut out);
/// assert_eq!(out[..len], wire[..6]);
/// # Ok::<(), wsvet::Incomplete>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    payload_len: u64,
    /// All zeros if the mask bit is clear, so that equal headers compare equal.
    key: [u8; 4],
    first: u8,
    second: u8,
}

impl Header {
    /// The maximum length of a header in bytes: 14 (§5.2).
    ///
    /// ```
    /// assert_eq!(wsvet::Header::MAX_LEN, 14);
    /// ```
    pub const MAX_LEN: usize = 14;

    /// Creates the header of a final, unmasked frame with `payload_len` bytes of payload (§5.2).
    ///
    /// The length is in its shortest form. The function preserves the top bit of `payload_len`. A
    /// receiver refuses a header with this bit set
    /// ([`Rule::LengthOverflow`](crate::Rule::LengthOverflow)).
    ///
    /// ```
    /// use wsvet::{Header, OpCode};
    ///
    /// let header = Header::new(OpCode::Text, 300).not_final().masked([1, 2, 3, 4]);
    /// assert_eq!(header.header_len(), 8);
    /// assert!(!header.fin());
    /// ```
    #[must_use]
    pub const fn new(opcode: OpCode, payload_len: u64) -> Self {
        let second = match payload_len {
            0..=125 => payload_len as u8,
            126..=0xFFFF => 126,
            _ => 127,
        };
        Self { payload_len, key: [0; 4], first: FIN | opcode as u8, second }
    }

    /// Creates a header from the fields that another parser has read from the wire (§5.2).
    ///
    /// The header preserves the fields, even a length that is not in its shortest form, so that a
    /// [`Validator`](crate::Validator) can validate it.
    ///
    /// `first` and `second` are the first two bytes of the header, and `payload_len` is the length
    /// of the payload in bytes. If the 7-bit length in `second` is at most 125, it is the length,
    /// and `payload_len` is ignored. If it is 126, the length is the low 16 bits of `payload_len`.
    /// `key` is the masking key. It is ignored if the mask bit of `second` is clear.
    ///
    /// ```
    /// use wsvet::{Header, Policy, Role, Rule, Validator};
    ///
    /// // 82 7E 00 05: five bytes of payload, with their length in 16 bits.
    /// let header = Header::from_wire(0x82, 0x7E, 5, [0; 4]);
    /// assert_eq!(header.header_len(), 4);
    /// let violation = Validator::new(Policy::new(Role::Client)).begin(&header).unwrap_err();
    /// assert_eq!(violation.rule, Rule::NonMinimalLength);
    /// ```
    #[must_use]
    pub const fn from_wire(first: u8, second: u8, payload_len: u64, key: [u8; 4]) -> Self {
        let payload_len = match second & !MASK {
            126 => payload_len & 0xFFFF,
            127 => payload_len,
            len => len as u64,
        };
        let key = if second & MASK == 0 { [0; 4] } else { key };
        Self { payload_len, key, first, second }
    }

    /// Sets the mask bit and the masking key (§5.3).
    ///
    /// Each frame needs a fresh key from a strong source of entropy. This crate has no such source.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// let header = Header::new(OpCode::Ping, 0).masked([1, 2, 3, 4]);
    /// assert_eq!(header.masking_key(), Some([1, 2, 3, 4]));
    /// ```
    #[must_use]
    pub const fn masked(self, key: [u8; 4]) -> Self {
        Self { key, second: self.second | MASK, ..self }
    }

    /// Clears the FIN bit: further fragments of the message follow (§5.4).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert!(!Header::new(OpCode::Text, 0).not_final().fin());
    /// ```
    #[must_use]
    pub const fn not_final(self) -> Self {
        Self { first: self.first & !FIN, ..self }
    }

    /// Sets the three RSV bits to `rsv`: RSV1 = 4, RSV2 = 2, RSV3 = 1 (§5.2).
    ///
    /// Higher bits of `rsv` are ignored.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Text, 0).with_rsv(4).first_byte(), 0xC1);
    /// ```
    #[must_use]
    pub const fn with_rsv(self, rsv: u8) -> Self {
        Self { first: self.first & !0x70 | (rsv & 7) << 4, ..self }
    }

    /// Decodes the header at the front of `input`, and returns it with the bytes after it (§5.2).
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if `input` ends inside the header. [`Incomplete::needed`] returns how many
    /// more bytes are needed at least. There is no other error.
    ///
    /// ```
    /// use wsvet::Header;
    ///
    /// assert_eq!(Header::decode(&[]).unwrap_err().needed(), 2);
    /// assert_eq!(Header::decode(&[0x81, 0xFE]).unwrap_err().needed(), 6);
    /// ```
    #[inline]
    pub fn decode(input: &[u8]) -> Result<(Self, &[u8]), Incomplete> {
        match input.first_chunk() {
            Some(window) => {
                let (header, len) = Self::from_window(window);
                Ok((header, &input[len..]))
            }
            None => Self::decode_short(input),
        }
    }

    /// Decodes a header from fewer than 14 bytes, in a copy that is padded with zeros.
    #[inline(never)]
    fn decode_short(input: &[u8]) -> Result<(Self, &[u8]), Incomplete> {
        if input.len() < 2 {
            return Err(Incomplete::new(2 - input.len()));
        }
        let mut window = [0; Self::MAX_LEN];
        window[..input.len()].copy_from_slice(input);
        let (header, len) = Self::from_window(&window);
        match input.split_at_checked(len) {
            Some((_, rest)) => Ok((header, rest)),
            None => Err(Incomplete::new(len - input.len())),
        }
    }

    /// Returns the header at the front of `window`, which contains all of it, and its length in
    /// bytes.
    #[inline(always)]
    pub(crate) fn from_window(window: &[u8; Self::MAX_LEN]) -> (Self, usize) {
        let [first, second, a, b, c, d, e, f, g, h, i, j, k, l] = *window;
        // The key becomes a number here, so that it stays in a register. The length of the header
        // is computed here, where its form is known, because decoding the next header waits for it.
        let number = u32::from_ne_bytes;
        let (payload_len, key, len) = match second & !MASK {
            126 => (u64::from(u16::from_be_bytes([a, b])), number([c, d, e, f]), 4),
            127 => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), number([i, j, k, l]), 10),
            len => (u64::from(len), number([a, b, c, d]), 2),
        };
        let masked = u32::from(second >> 7).wrapping_neg();
        let header = Self { payload_len, key: (key & masked).to_ne_bytes(), first, second };
        (header, len + usize::from(second >> 5 & 4))
    }

    /// Writes the header to the front of `out`, and returns its length in bytes, 2 to 14 (§5.2).
    ///
    /// The bytes of `out` after the header are overwritten with zeros.
    ///
    /// ```
    /// use wsvet::{Header, OpCode};
    ///
    /// let mut out = [0; Header::MAX_LEN];
    /// let len = Header::new(OpCode::Binary, 256).encode(&mut out);
    /// assert_eq!(out[..len], [0x82, 0x7E, 0x01, 0x00]);
    /// ```
    #[inline]
    pub fn encode(&self, out: &mut [u8; Self::MAX_LEN]) -> usize {
        let start = u64::from(self.first) | u64::from(self.second) << 8;
        let key = u32::from_le_bytes(self.key);
        let wire = match self.length_bytes() {
            0 => u128::from(start | u64::from(key) << 16),
            2 => {
                let len = u64::from((self.payload_len as u16).swap_bytes());
                u128::from(start | len << 16 | u64::from(key) << 32)
            }
            _ => {
                let len = u128::from(self.payload_len.swap_bytes());
                u128::from(start) | len << 16 | u128::from(key) << 80
            }
        };
        out.copy_from_slice(&wire.to_le_bytes()[..Self::MAX_LEN]);
        self.header_len()
    }

    /// Returns whether the FIN bit is set: the frame is the last of its message (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert!(Header::new(OpCode::Text, 0).fin());
    /// ```
    #[inline]
    #[must_use]
    pub const fn fin(&self) -> bool {
        self.first & FIN != 0
    }

    /// Returns the three RSV bits as a number: RSV1 = 4, RSV2 = 2, RSV3 = 1 (§5.2).
    ///
    /// ```
    /// # use wsvet::Header;
    /// assert_eq!(Header::decode(&[0xC1, 0x00])?.0.rsv(), 4);
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn rsv(&self) -> u8 {
        self.first >> 4 & 7
    }

    /// Returns the opcode (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::decode(&[0x8A, 0x00])?.0.opcode(), OpCode::Pong);
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn opcode(&self) -> OpCode {
        OpCode::from_low_bits(self.first)
    }

    /// Returns whether the mask bit is set (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert!(!Header::new(OpCode::Text, 0).is_masked());
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_masked(&self) -> bool {
        self.second & MASK != 0
    }

    /// Returns the masking key, or `None` if the mask bit is clear (§5.3).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Text, 0).masking_key(), None);
    /// ```
    #[inline]
    #[must_use]
    pub const fn masking_key(&self) -> Option<[u8; 4]> {
        if self.is_masked() { Some(self.key) } else { None }
    }

    /// Returns the length of the payload in bytes that the header states (§5.2).
    ///
    /// The length is not validated and can be up to 2^64 - 1. Compare it with a limit before you
    /// cast it to `usize`. A [`Validator`](crate::Validator) compares it with
    /// [`Policy::max_frame`](crate::Policy::max_frame).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Binary, 1 << 40).payload_len(), 1 << 40);
    /// ```
    #[inline]
    #[must_use]
    pub const fn payload_len(&self) -> u64 {
        self.payload_len
    }

    /// Returns the length of the header itself in bytes, 2 to 14 (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Binary, 125).header_len(), 2);
    /// assert_eq!(Header::new(OpCode::Binary, 65_536).masked([0; 4]).header_len(), 14);
    /// ```
    #[inline]
    #[must_use]
    pub const fn header_len(&self) -> usize {
        2 + self.length_bytes() + (self.second >> 5 & 4) as usize
    }

    /// Returns whether the payload length is in its shortest form, as §5.2 requires.
    ///
    /// ```
    /// # use wsvet::Header;
    /// let (header, _) = Header::decode(&[0x82, 0x7E, 0x00, 0x05])?;
    /// assert_eq!(header.payload_len(), 5);
    /// assert!(!header.is_minimal());
    /// # Ok::<(), wsvet::Incomplete>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_minimal(&self) -> bool {
        is_minimal(self.second, self.payload_len)
    }

    /// Returns the first byte of the header on the wire: FIN, RSV1-3, opcode (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Binary, 0).first_byte(), 0x82);
    /// ```
    #[inline]
    #[must_use]
    pub const fn first_byte(&self) -> u8 {
        self.first
    }

    /// Returns the second byte of the header on the wire: MASK and the 7-bit length (§5.2).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode};
    /// assert_eq!(Header::new(OpCode::Binary, 300).masked([0; 4]).second_byte(), 0xFE);
    /// ```
    #[inline]
    #[must_use]
    pub const fn second_byte(&self) -> u8 {
        self.second
    }

    /// Returns the size of the extended length in bytes: 0, 2 or 8.
    #[inline]
    const fn length_bytes(&self) -> usize {
        match self.second & !MASK {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }
}

/// Returns whether the form of the length in the second byte of a header is the shortest for `len`
/// bytes.
#[inline]
pub(crate) const fn is_minimal(second: u8, len: u64) -> bool {
    match second & !MASK {
        126 => len > 125,
        127 => len > 0xFFFF,
        _ => true,
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("fin", &self.fin())
            .field("rsv", &self.rsv())
            .field("opcode", &self.opcode())
            .field("masking_key", &self.masking_key())
            .field("payload_len", &self.payload_len)
            .field("header_len", &self.header_len())
            .finish()
    }
}

/// The input ends inside a header or a frame, and more bytes are needed.
///
/// It is not an error of the peer. [`needed`](Self::needed) returns how many more bytes are needed.
/// This number is never too large. If the exact number depends on bytes that have not arrived, it
/// is the minimum.
///
/// ```
/// let incomplete = wsvet::Header::decode(&[0x81]).unwrap_err();
/// assert_eq!(incomplete.needed(), 1);
/// assert_eq!(incomplete.to_string(), "incomplete: 1 byte more needed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Incomplete(NonZeroUsize);

impl Incomplete {
    /// Creates the error. A `needed` of 0 becomes 1, so that the caller always reads at least one
    /// byte.
    pub(crate) const fn new(needed: usize) -> Self {
        match NonZeroUsize::new(needed) {
            Some(needed) => Self(needed),
            None => Self(NonZeroUsize::MIN),
        }
    }

    /// Returns how many more bytes are needed at least. It is never 0.
    ///
    /// For a frame, the number comes from the header that the peer sent. Validate the header, or
    /// compare the number with a limit, before you reserve memory for that many bytes.
    ///
    /// ```
    /// assert_eq!(wsvet::Header::decode(&[]).unwrap_err().needed(), 2);
    /// ```
    #[must_use]
    pub const fn needed(self) -> usize {
        self.0.get()
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed = self.needed();
        let s = if needed == 1 { "" } else { "s" };
        write!(f, "incomplete: {needed} byte{s} more needed")
    }
}

impl core::error::Error for Incomplete {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_wire_keeps_what_decode_keeps() {
        for start in 0..=u16::MAX {
            let [first, second] = start.to_be_bytes();
            let wire = [first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
            let (header, _) = Header::decode(&wire).unwrap();
            let key = header.masking_key().unwrap_or([1; 4]);
            assert_eq!(Header::from_wire(first, second, header.payload_len(), key), header);
        }
    }
}
