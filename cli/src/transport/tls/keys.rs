//! Derives keys from secrets (RFC 8446 §7.1, RFC 5246 §5 and §6.3).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384};

use crate::transport::tls::keylog::Secret;
use crate::transport::tls::suite::Hash;

/// Fills `out` with HKDF-Expand-Label of a secret, without a context.
pub(super) fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) {
    let len = (out.len() as u16).to_be_bytes();
    let label_len = [(6 + label.len()) as u8];
    let info = [&len[..], &label_len, b"tls13 ", label.as_bytes(), &[0]];
    // Fails for a secret that is too short, or for more than 255 hash values.
    let done = match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret)
            .is_ok_and(|hkdf| hkdf.expand_multi_info(&info, out).is_ok()),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret)
            .is_ok_and(|hkdf| hkdf.expand_multi_info(&info, out).is_ok()),
    };
    if !done {
        out.fill(0);
    }
}

/// Returns the secret after a KeyUpdate.
pub(super) fn updated(hash: Hash, secret: &Secret) -> Option<Secret> {
    let mut next = [0; 48];
    let next = &mut next[..hash.len()];
    expand_label(hash, secret.bytes(), "traffic upd", next);
    Secret::new(next)
}

/// Fills `out` with the PRF of TLS 1.2.
pub(super) fn prf(hash: Hash, secret: &[u8], label: &str, seed: [&[u8]; 2], out: &mut [u8]) {
    match hash {
        Hash::Sha256 => p_hash::<Hmac<Sha256>>(secret, label, seed, out),
        Hash::Sha384 => p_hash::<Hmac<Sha384>>(secret, label, seed, out),
    }
}

fn p_hash<M: Mac + KeyInit>(secret: &[u8], label: &str, seed: [&[u8]; 2], out: &mut [u8]) {
    let mac = |pieces: &[&[u8]]| {
        // HMAC takes keys of any length.
        let mut mac = <M as KeyInit>::new_from_slice(secret).ok()?;
        pieces.iter().for_each(|piece| mac.update(piece));
        Some(mac.finalize().into_bytes())
    };
    let [one, two] = seed;
    let mut a = mac(&[label.as_bytes(), one, two]);
    for piece in out.chunks_mut(<M as hmac::digest::OutputSizeUser>::output_size()) {
        let Some(now) = &a else { return };
        let Some(value) = mac(&[now, label.as_bytes(), one, two]) else { return };
        piece.copy_from_slice(&value[..piece.len()]);
        a = mac(&[now]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digits: &str) -> Vec<u8> {
        let digits: String = digits.split_whitespace().collect();
        (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    }

    /// RFC 8448 §3: the keys of the server and of the client.
    #[test]
    fn keys_are_those_of_rfc_8448() {
        for (secret, key, iv) in [
            (
                "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
                "3fce516009c21727d0f2e4e86ee403bc",
                "5d313eb2671276ee13000b30",
            ),
            (
                "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
                "dbfaa693d1762c5b666af5d950258d01",
                "5bd3c71b836e0b76bb73265f",
            ),
            (
                "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
                "9f02283b6c9c07efc26bb9f2ac92e356",
                "cf782b88dd83549aadf1e984",
            ),
            (
                "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
                "17422dda596ed5d9acd890e3c63f5051",
                "5b78923dee08579033e523d9",
            ),
        ] {
            let mut out = [[0; 16], [0; 16]];
            expand_label(Hash::Sha256, &hex(secret), "key", &mut out[0]);
            expand_label(Hash::Sha256, &hex(secret), "iv", &mut out[1][..12]);
            assert_eq!((&out[0][..], &out[1][..12]), (&hex(key)[..], &hex(iv)[..]));
        }
    }

    /// The vectors of the TLS 1.2 PRF that the working group's mailing list published for SHA-256 and
    /// SHA-384.
    #[test]
    fn the_prf_is_that_of_tls_1_2() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let mut out = [0; 100];
        prf(Hash::Sha256, &secret, "test label", [&seed, b""], &mut out);
        let expected = hex(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e\
             14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5\
             a72e5a5110fff70187347b66",
        );
        assert_eq!(out[..], expected[..]);
        let (one, two) = seed.split_at(5);
        let mut again = [0; 100];
        prf(Hash::Sha256, &secret, "test label", [one, two], &mut again);
        assert_eq!(out, again);
        let secret = hex("b80b733d6ceefcdc71566ea48e5567df");
        let seed = hex("cd665cf6a8447dd6ff8b27555edb7465");
        let mut out = [0; 148];
        prf(Hash::Sha384, &secret, "test label", [&seed, b""], &mut out);
        assert_eq!(out[..16], hex("7b0c18e9ced410ed1804f2cfa34a336a")[..]);
    }
}
