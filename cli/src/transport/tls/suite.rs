//! The cipher suites: what a record is encrypted with.

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

/// The suites that can be decrypted, by their numbers in the registry of IANA.
const SUITES: &[(Suite, &[u16])] = {
    use Cipher::{Cbc, Ccm, Ccm8, ChaCha20Poly1305, Gcm};
    use Hash::{Sha256, Sha384};
    &[
        (
            Suite { cipher: Gcm, hash: Sha256, key: 16 },
            &[
                0x009C, 0x009E, 0x00A0, 0x00A2, 0x00A4, 0x00A6, 0x00A8, 0x00AA, 0x00AC, 0x1301,
                0xC02B, 0xC02D, 0xC02F, 0xC031, 0xC0B0, 0xD001,
            ],
        ),
        (
            Suite { cipher: Gcm, hash: Sha384, key: 32 },
            &[
                0x009D, 0x009F, 0x00A1, 0x00A3, 0x00A5, 0x00A7, 0x00A9, 0x00AB, 0x00AD, 0x1302,
                0xC02C, 0xC02E, 0xC030, 0xC032, 0xC0B1, 0xD002,
            ],
        ),
        (
            Suite { cipher: ChaCha20Poly1305, hash: Sha256, key: 32 },
            &[0x1303, 0xCCA8, 0xCCA9, 0xCCAA, 0xCCAB, 0xCCAC, 0xCCAD, 0xCCAE],
        ),
        (
            Suite { cipher: Ccm, hash: Sha256, key: 16 },
            &[0x1304, 0xC09C, 0xC09E, 0xC0A4, 0xC0A6, 0xC0AC, 0xC0B2, 0xD005],
        ),
        (Suite { cipher: Ccm, hash: Sha256, key: 32 }, &[0xC09D, 0xC09F, 0xC0A5, 0xC0A7, 0xC0AD]),
        (Suite { cipher: Ccm, hash: Sha384, key: 32 }, &[0xC0B3]),
        (
            Suite { cipher: Ccm8, hash: Sha256, key: 16 },
            &[0x1305, 0xC0A0, 0xC0A2, 0xC0A8, 0xC0AA, 0xC0AE, 0xD003],
        ),
        (Suite { cipher: Ccm8, hash: Sha256, key: 32 }, &[0xC0A1, 0xC0A3, 0xC0A9, 0xC0AB, 0xC0AF]),
        (
            Suite { cipher: Cbc(Mac::Sha1), hash: Sha256, key: 16 },
            &[
                0x002F, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x008C, 0x0090, 0x0094, 0xC004,
                0xC009, 0xC00E, 0xC013, 0xC018, 0xC01D, 0xC01E, 0xC01F, 0xC035,
            ],
        ),
        (
            Suite { cipher: Cbc(Mac::Sha1), hash: Sha256, key: 32 },
            &[
                0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003A, 0x008D, 0x0091, 0x0095, 0xC005,
                0xC00A, 0xC00F, 0xC014, 0xC019, 0xC020, 0xC021, 0xC022, 0xC036,
            ],
        ),
        (
            Suite { cipher: Cbc(Mac::Sha256), hash: Sha256, key: 16 },
            &[
                0x003C, 0x003E, 0x003F, 0x0040, 0x0067, 0x006C, 0x00AE, 0x00B2, 0x00B6, 0xC023,
                0xC025, 0xC027, 0xC029, 0xC037,
            ],
        ),
        (
            Suite { cipher: Cbc(Mac::Sha256), hash: Sha256, key: 32 },
            &[0x003D, 0x0068, 0x0069, 0x006A, 0x006B, 0x006D],
        ),
        (
            Suite { cipher: Cbc(Mac::Sha384), hash: Sha384, key: 32 },
            &[0x00AF, 0x00B3, 0x00B7, 0xC024, 0xC026, 0xC028, 0xC02A, 0xC038],
        ),
    ]
};

/// The names of others that are met.
const NAMES: &[(u16, &str)] = &[
    (0x0001, "TLS_RSA_WITH_NULL_MD5"),
    (0x0002, "TLS_RSA_WITH_NULL_SHA"),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0009, "TLS_RSA_WITH_DES_CBC_SHA"),
    (0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x003B, "TLS_RSA_WITH_NULL_SHA256"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x00C6, "TLS_SM4_GCM_SM3"),
    (0x00C7, "TLS_SM4_CCM_SM3"),
    (0x1306, "TLS_AEGIS_256_SHA512"),
    (0x1307, "TLS_AEGIS_128L_SHA256"),
    (0xC006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA"),
    (0xC007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"),
    (0xC008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xC010, "TLS_ECDHE_RSA_WITH_NULL_SHA"),
    (0xC011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    (0xC012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xC0B4, "TLS_SHA256_SHA256"),
    (0xC0B5, "TLS_SHA384_SHA384"),
];

impl Suite {
    /// The suites of TLS 1.3, the usual ones first.
    pub(super) const TLS13: [u16; 5] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

    /// Returns the suite with this number, if it is one that can be decrypted.
    pub(super) fn of(id: u16, is_tls13: bool) -> Option<Self> {
        let of_version = Self::TLS13.contains(&id) == is_tls13;
        let (suite, _) = SUITES.iter().find(|(_, ids)| of_version && ids.contains(&id))?;
        Some(*suite)
    }

    /// Returns the name of a suite that cannot be decrypted.
    pub(super) fn name(id: u16) -> String {
        let name = NAMES.iter().find(|(number, _)| *number == id).map(|(_, name)| *name);
        name.map_or_else(|| format!("cipher suite 0x{id:04X}"), str::to_owned)
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
        assert_eq!(Suite::name(0x0005), "TLS_RSA_WITH_RC4_128_SHA");
        assert_eq!(Suite::name(0x0A0A), "cipher suite 0x0A0A");
    }
}
