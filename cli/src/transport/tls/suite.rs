//! The cipher suites: what a record is encrypted with.

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite};

/// The hash function of the key derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

/// The hash function of the authentication of a CBC suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mac {
    Sha1,
    Sha256,
    Sha384,
}

/// How records are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    Gcm,
    Ccm,
    /// CCM with a tag of 8 bytes.
    Ccm8,
    ChaCha20Poly1305,
    Cbc(Mac),
}

/// A cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) cipher: Cipher,
    pub(super) hash: Hash,
    /// The length of a key, in bytes: 16 or 32.
    pub(super) key: usize,
}

impl Suite {
    /// The suites of TLS 1.3, the usual ones first.
    pub(super) const TLS13: [u16; 5] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

    /// Returns the suite with this number, if it is one that can be decrypted.
    pub(super) fn of(id: u16, is_tls13: bool) -> Option<Self> {
        let suite = TlsCipherSuite::from_id(id)?;
        if is_tls13 != (suite.kx == TlsCipherKx::Tls13) {
            return None;
        }
        let cipher = match (suite.enc, suite.enc_mode, suite.mac) {
            (TlsCipherEnc::Chacha20_Poly1305, ..) => Cipher::ChaCha20Poly1305,
            (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm, _) => Cipher::Gcm,
            (TlsCipherEnc::Aes, TlsCipherEncMode::Ccm, _) if suite.name.contains("CCM_8") => {
                Cipher::Ccm8
            }
            (TlsCipherEnc::Aes, TlsCipherEncMode::Ccm, _) => Cipher::Ccm,
            (TlsCipherEnc::Aes, TlsCipherEncMode::Cbc, mac) => Cipher::Cbc(match mac {
                TlsCipherMac::HmacSha1 => Mac::Sha1,
                TlsCipherMac::HmacSha256 => Mac::Sha256,
                TlsCipherMac::HmacSha384 => Mac::Sha384,
                _ => return None,
            }),
            _ => return None,
        };
        let hash = if suite.name.ends_with("SHA384") { Hash::Sha384 } else { Hash::Sha256 };
        let is_128 = suite.enc_size == 128 && cipher != Cipher::ChaCha20Poly1305;
        Some(Self { cipher, hash, key: if is_128 { 16 } else { 32 } })
    }

    /// Returns the name of the suite with this number.
    pub(super) fn name(id: u16) -> String {
        TlsCipherSuite::from_id(id)
            .map_or_else(|| format!("cipher suite 0x{id:04X}"), |suite| suite.name.to_owned())
    }
}

impl Hash {
    /// Returns the length of its values, in bytes.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

impl Mac {
    /// Returns the length of its values, in bytes.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8446 §B.4, RFC 5288, RFC 5289, RFC 6655, RFC 7251, RFC 7905 and RFC 5246 §A.5.
    #[test]
    fn the_suites_are_those_of_the_registry() {
        use Cipher::{Cbc, Ccm, Ccm8, ChaCha20Poly1305, Gcm};
        use Hash::{Sha256, Sha384};
        for (id, cipher, hash, key) in [
            (0x1301, Gcm, Sha256, 16),
            (0x1302, Gcm, Sha384, 32),
            (0x1303, ChaCha20Poly1305, Sha256, 32),
            (0x1304, Ccm, Sha256, 16),
            (0x1305, Ccm8, Sha256, 16),
            (0x009C, Gcm, Sha256, 16),
            (0x009D, Gcm, Sha384, 32),
            (0xC02B, Gcm, Sha256, 16),
            (0xC030, Gcm, Sha384, 32),
            (0xCCA8, ChaCha20Poly1305, Sha256, 32),
            (0xCCAA, ChaCha20Poly1305, Sha256, 32),
            (0xC09D, Ccm, Sha256, 32),
            (0xC0A0, Ccm8, Sha256, 16),
            (0xC0AC, Ccm, Sha256, 16),
            (0xC0AF, Ccm8, Sha256, 32),
            (0x002F, Cbc(Mac::Sha1), Sha256, 16),
            (0x003D, Cbc(Mac::Sha256), Sha256, 32),
            (0xC014, Cbc(Mac::Sha1), Sha256, 32),
            (0xC027, Cbc(Mac::Sha256), Sha256, 16),
            (0xC028, Cbc(Mac::Sha384), Sha384, 32),
        ] {
            let is_tls13 = Suite::TLS13.contains(&id);
            assert_eq!(Suite::of(id, is_tls13), Some(Suite { cipher, hash, key }), "{id:04X}");
            assert_eq!(Suite::of(id, !is_tls13), None, "{id:04X}");
        }
        // RC4, 3DES, Camellia, ARIA, NULL, and no suite at all.
        for id in [0x0005, 0x000A, 0x0041, 0xC050, 0x0002, 0x0A0A] {
            assert_eq!(Suite::of(id, false), None, "{id:04X}");
        }
        assert_eq!(Suite::name(0xC02F), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(Suite::name(0x0A0A), "cipher suite 0x0A0A");
    }
}
