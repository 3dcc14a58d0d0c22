//! The key of the client and the answer of the server (RFC 6455 §1.3), with SHA-1 (RFC 3174) and
//! base64 (RFC 4648 §4) of its own, so that C and microcontrollers need no other library.

use core::fmt;
use core::str;

/// The string that follows the key in the hashed bytes (§1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of a `Sec-WebSocket-Key` header: 16 random bytes in base64, which are 24 characters
/// (RFC 6455 §4.1).
///
/// Each connection needs a key of its own. The crate has no source of random bytes; the caller
/// provides them.
///
/// ```
/// use wsvet::handshake::Key;
///
/// let key = Key::new(*b"the sample nonce");
/// assert_eq!(key.as_str(), "dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(key.accept().as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 24]);

impl Key {
    /// Creates the key of 16 random bytes.
    ///
    /// ```
    /// # use wsvet::handshake::Key;
    /// assert_eq!(Key::new([0; 16]).as_str(), "AAAAAAAAAAAAAAAAAAAAAA==");
    /// ```
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(base64(&random))
    }

    /// Returns the key with this value, or `None` if the value is not 16 bytes in base64 (§4.2.1).
    ///
    /// Whitespace around the value is ignored. The padding must be there. The 4 unused bits of the
    /// last character may have any value: RFC 4648 §3.5 lets a decoder accept them, and the example
    /// in RFC 6455 §4.1 sets them.
    ///
    /// ```
    /// # use wsvet::handshake::Key;
    /// assert!(Key::parse("dGhlIHNhbXBsZSBub25jZQ==").is_some());
    /// assert!(Key::parse("AQIDBAUGBwgJCgsMDQ4PEC==").is_some()); // the example in §4.1
    /// assert_eq!(Key::parse("dGhlIHNhbXBsZSBub25jZQ"), None); // no padding
    /// assert_eq!(Key::parse("c2hvcnQ="), None); // 5 bytes
    /// ```
    #[must_use]
    pub fn parse(value: impl AsRef<[u8]>) -> Option<Self> {
        let key: [u8; 24] = value.as_ref().trim_ascii().try_into().ok()?;
        let (digits, padding) = key.split_at(22);
        let valid = padding == b"==" && digits.iter().all(|digit| ALPHABET.contains(digit));
        valid.then_some(Self(key))
    }

    /// Returns the value of the header, 24 ASCII characters.
    ///
    /// ```
    /// # use wsvet::handshake::Key;
    /// assert_eq!(Key::new([0; 16]).as_str().len(), 24);
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }

    /// Returns the value of `Sec-WebSocket-Accept` that accepts this key.
    ///
    /// ```
    /// # use wsvet::handshake::{Key, accept_key};
    /// let key = Key::new([0; 16]);
    /// assert_eq!(key.accept(), accept_key(key.as_str()));
    /// ```
    #[must_use]
    pub fn accept(&self) -> AcceptKey {
        accept_key(self.0)
    }
}

/// The value of a `Sec-WebSocket-Accept` header: a SHA-1 hash in base64, which is 28 characters
/// (RFC 6455 §4.2.2).
///
/// [`accept_key`] and [`Key::accept`] return it. It is compared with strings as it is, including
/// upper and lower case.
///
/// ```
/// use wsvet::handshake::accept_key;
///
/// let accept = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, *"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert_eq!(format!("Sec-WebSocket-Accept: {accept}\r\n").len(), 52);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AcceptKey([u8; 28]);

impl AcceptKey {
    /// Returns the value of the header, 28 ASCII characters.
    ///
    /// ```
    /// # use wsvet::handshake::accept_key;
    /// assert_eq!(accept_key("x").as_str().len(), 28);
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

/// Returns the value of `Sec-WebSocket-Accept` that accepts this value of `Sec-WebSocket-Key`
/// (RFC 6455 §4.2.2): the SHA-1 hash of the key and a fixed string, in base64.
///
/// The key is hashed as it is, without whitespace around it, and is not decoded. A server must
/// also check that it is a key, with [`Request::validate`](super::Request::validate) or
/// [`Key::parse`].
///
/// ```
/// use wsvet::handshake::accept_key;
///
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ==").as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: impl AsRef<[u8]>) -> AcceptKey {
    AcceptKey(base64(&sha1([key.as_ref().trim_ascii(), GUID])))
}

macro_rules! text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            /// Writes the value of the header.
            ///
            /// ```
            /// let key = wsvet::handshake::Key::new([0; 16]);
            /// assert_eq!(key.to_string(), key.as_str());
            /// ```
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl AsRef<[u8]> for $name {
            /// Returns the value of the header as bytes.
            ///
            /// ```
            /// let key = wsvet::handshake::Key::new([0; 16]);
            /// assert_eq!(AsRef::<[u8]>::as_ref(&key), key.as_str().as_bytes());
            /// ```
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    )*};
}

text! { Key AcceptKey }

/// Returns base64 as a string. It is ASCII.
fn ascii(base64: &[u8]) -> &str {
    str::from_utf8(base64).unwrap_or_default()
}

/// Encodes bytes in base64, with padding (RFC 4648 §4).
///
/// `OUT` must be 4 for each 3 bytes, rounded up.
const fn base64<const OUT: usize>(bytes: &[u8]) -> [u8; OUT] {
    assert!(OUT == bytes.len().div_ceil(3) * 4);
    let mut out = [b'='; OUT];
    let mut at = 0;
    while at < OUT {
        let first = at / 4 * 3;
        let here = if bytes.len() - first < 3 { bytes.len() - first } else { 3 };
        // 24 bits; those of missing bytes are 0.
        let mut bits = 0;
        let mut byte = 0;
        while byte < 3 {
            bits = bits << 8 | if byte < here { bytes[first + byte] as usize } else { 0 };
            byte += 1;
        }
        let mut digit = 0;
        while digit <= here {
            out[at + digit] = ALPHABET[bits >> (18 - 6 * digit) & 63];
            digit += 1;
        }
        at += 4;
    }
    out
}

/// Returns the SHA-1 hash of these parts, one after the other (RFC 3174 §6.1).
fn sha1<const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; 20] {
    let mut state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut block = [0; 64];
    let mut len: usize = 0;
    for byte in parts.into_iter().flatten() {
        block[len % 64] = *byte;
        len += 1;
        if len.is_multiple_of(64) {
            compress(&mut state, &block);
        }
    }
    // The padding: a 1 bit, then 0 bits up to the length in bits, which ends the last block (§4).
    let used = len % 64;
    block[used] = 0x80;
    block[used + 1..].fill(0);
    if used >= 56 {
        compress(&mut state, &block);
        block.fill(0);
    }
    block[56..].copy_from_slice(&(len as u64).wrapping_mul(8).to_be_bytes());
    compress(&mut state, &block);
    let mut hash = [0; 20];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// Mixes a block into the state (RFC 3174 §6.1).
fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
    let mut words = [0; 80];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for t in 16..80 {
        words[t] = (words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (t, word) in words.into_iter().enumerate() {
        let (f, constant) = match t / 20 {
            0 => (b & c | !b & d, 0x5A82_7999),
            1 => (b ^ c ^ d, 0x6ED9_EBA1),
            2 => (b & c | b & d | c & d, 0x8F1B_BCDC),
            _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(f)
            .wrapping_add(e)
            .wrapping_add(word)
            .wrapping_add(constant);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: [u8; 20]) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 3174 §7.3, which has those of FIPS 180; the empty message.
    #[test]
    fn sha1_hashes_the_vectors_of_the_standard() {
        let million = vec![b'a'; 1_000_000];
        let digits = b"0123456701234567012345670123456701234567012345670123456701234567".repeat(10);
        for (message, hash) in [
            (&b"abc"[..], "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
            (&million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (&digits, "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
            (b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ] {
            assert_eq!(hex(sha1([message])), hash);
        }
    }

    #[test]
    fn sha1_and_base64_agree_with_others_at_every_length() {
        use base64::Engine as _;
        use sha1::Digest as _;
        let bytes: Vec<u8> = (0..300_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for len in 0..bytes.len() {
            let (left, right) = bytes[..len].split_at(len / 3);
            let theirs = sha1::Sha1::digest(&bytes[..len]);
            assert_eq!(sha1([left, right])[..], theirs[..], "{len}");
            let ours = AcceptKey(super::base64(&sha1([left, right])));
            assert_eq!(ours, *base64::prelude::BASE64_STANDARD.encode(theirs), "{len}");
        }
    }

    /// RFC 4648 §10.
    #[test]
    fn base64_encodes_the_vectors_of_the_standard() {
        assert_eq!(base64::<0>(b""), *b"");
        assert_eq!(base64(b"f"), *b"Zg==");
        assert_eq!(base64(b"fo"), *b"Zm8=");
        assert_eq!(base64(b"foo"), *b"Zm9v");
        assert_eq!(base64(b"foob"), *b"Zm9vYg==");
        assert_eq!(base64(b"fooba"), *b"Zm9vYmE=");
        assert_eq!(base64(b"foobar"), *b"Zm9vYmFy");
    }

    /// RFC 6455 §1.3 and §4.2.2.
    #[test]
    fn the_key_of_the_rfc_is_accepted() {
        let key = Key::new(*b"the sample nonce");
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(key.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accept_key(" dGhlIHNhbXBsZSBub25jZQ==\t"), key.accept());
    }

    /// Every byte at every place.
    #[test]
    fn a_key_is_16_bytes_in_base64_and_nothing_else() {
        use base64::Engine as _;
        use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
        let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        let theirs = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
        for at in 0..24 {
            for byte in 0..=u8::MAX {
                let mut key = *b"dGhlIHNhbXBsZSBub25jZQ==";
                key[at] = byte;
                let decoded = theirs.decode(key.trim_ascii());
                let valid = decoded.is_ok_and(|bytes| bytes.len() == 16);
                assert_eq!(Key::parse(key).is_some(), valid, "{byte} at {at}");
            }
        }
        for len in 0..24 {
            assert_eq!(Key::parse(&"dGhlIHNhbXBsZSBub25jZQ=="[..len]), None);
        }
        assert_eq!(Key::parse("dGhlIHNhbXBsZSBub25jZQ===="), None);
        assert_eq!(Key::parse("dGhlIHNhbXBs ZSBub25jZQ=="), None);
    }
}
