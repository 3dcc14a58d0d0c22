//! Decrypts the records of one endpoint (RFC 8446 §5.2, RFC 5246 §6.2.3).

use std::ops::Range;

use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadCore, AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::aes::{Aes128, Aes256};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;

use crate::transport::tls::cbc;
use crate::transport::tls::hello::Random;
use crate::transport::tls::keylog::Secret;
use crate::transport::tls::keys::{expand_label, prf, updated};
use crate::transport::tls::records::HEAD;
use crate::transport::tls::suite::{Cipher, Suite};

/// The length of the part of a nonce that a record of TLS 1.2 carries, in bytes.
const EXPLICIT: usize = 8;

/// An algorithm that decrypts and proves bytes.
trait Aead {
    /// Decrypts in place, and returns whether the bytes are proven.
    fn open(&self, nonce: [u8; 12], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool;
}

impl<A: AeadInOut + AeadCore<NonceSize = U12>> Aead for A {
    fn open(&self, nonce: [u8; 12], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool {
        let Ok(tag) = <&Tag<A>>::try_from(tag) else { return false };
        let nonce = Nonce::<A>::from(nonce);
        self.decrypt_inout_detached(&nonce, aad, InOutBuf::from(body), tag).is_ok()
    }
}

/// The keys of one endpoint.
pub(super) struct Opener {
    method: Method,
    iv: [u8; 12],
    /// The number of the next record.
    pub(super) number: u64,
    /// What the keys are derived from, if they may be updated.
    origin: Option<(Suite, Secret)>,
}

enum Method {
    Aead {
        aead: Box<dyn Aead>,
        tag: usize,
        /// The number of bytes of the nonce that a record carries.
        explicit: usize,
        /// Whether a body that is not proven is destroyed.
        destroys: bool,
    },
    Cbc(cbc::Keys),
}

/// A record that was decrypted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// Its type.
    pub(super) kind: u8,
    /// Where its content is in the body.
    pub(super) content: Range<usize>,
}

impl Opener {
    /// Creates the keys of TLS 1.3 that belong to a secret.
    pub(super) fn tls13(suite: Suite, secret: &Secret) -> Option<Self> {
        if secret.bytes().len() != suite.hash.len() {
            return None;
        }
        let mut key = [0; 32];
        let key = &mut key[..suite.key];
        expand_label(suite.hash, secret.bytes(), "key", key);
        let mut iv = [0; 12];
        expand_label(suite.hash, secret.bytes(), "iv", &mut iv);
        let method = Method::aead(suite, key, 0)?;
        Some(Self { method, iv, number: 0, origin: Some((suite, *secret)) })
    }

    /// Creates the keys of TLS 1.2 of the client or of the server.
    pub(super) fn tls12(
        suite: Suite,
        master: &Secret,
        client: &Random,
        server: &Random,
        of_client: bool,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let (mac, fixed_iv) = match suite.cipher {
            Cipher::Cbc(mac) => (mac.len(), 0),
            Cipher::ChaCha20Poly1305 => (0, 12),
            _ => (0, 4),
        };
        let mut block = [0; 2 * (48 + 32 + 12)];
        let used = 2 * (mac + suite.key + fixed_iv);
        prf(suite.hash, master.bytes(), "key expansion", [server, client], &mut block[..used]);
        let mut rest = &block[..used];
        let mut take = |len: usize| {
            let (both, after) = rest.split_at(2 * len);
            rest = after;
            if of_client { &both[..len] } else { &both[len..] }
        };
        let (mac_key, key, fixed) = (take(mac), take(suite.key), take(fixed_iv));
        let mut iv = [0; 12];
        iv[..fixed_iv].copy_from_slice(fixed);
        let method = match suite.cipher {
            Cipher::Cbc(mac) => Method::Cbc(cbc::Keys::new(mac, mac_key, key, encrypt_then_mac)),
            _ => Method::aead(suite, key, 12 - fixed_iv)?,
        };
        Some(Self { method, iv, number: 0, origin: None })
    }

    /// Returns the keys after a KeyUpdate.
    pub(super) fn updated(&self) -> Option<Self> {
        let (suite, secret) = self.origin?;
        Self::tls13(suite, &updated(suite.hash, &secret)?)
    }

    /// Decrypts the next record in place. Without success, nothing changes.
    pub(super) fn open(&mut self, head: [u8; HEAD], body: &mut [u8]) -> Option<Opened> {
        let opened = self.open_at(self.number, head, body)?;
        self.number += 1;
        Some(opened)
    }

    /// Decrypts the record with this number in place. Without success, nothing changes.
    pub(super) fn open_at(&self, number: u64, head: [u8; HEAD], body: &mut [u8]) -> Option<Opened> {
        let Method::Aead { aead, tag, explicit, destroys } = &self.method else {
            let Method::Cbc(keys) = &self.method else { return None };
            let content = keys.open(number, head, body)?;
            return Some(Opened { kind: head[0], content });
        };
        let end = body.len().checked_sub(*tag).filter(|end| *end >= *explicit)?;
        let mut nonce = self.iv;
        let carried = *explicit > 0;
        if carried {
            nonce[12 - explicit..].copy_from_slice(&body[..*explicit]);
        } else {
            let last = nonce[4..].iter_mut().zip(number.to_be_bytes());
            last.for_each(|(byte, of_number)| *byte ^= of_number);
        }
        let is_tls13 = self.origin.is_some();
        let mut aad = [0; 13];
        let aad = if is_tls13 {
            aad[..HEAD].copy_from_slice(&head);
            &aad[..HEAD]
        } else {
            aad[..8].copy_from_slice(&number.to_be_bytes());
            aad[8..11].copy_from_slice(&head[..3]);
            aad[11..].copy_from_slice(&((end - explicit) as u16).to_be_bytes());
            &aad[..]
        };
        let (sealed, tag) = body.split_at_mut(end);
        let sealed = &mut sealed[*explicit..];
        if *destroys {
            let mut copy = sealed.to_vec();
            if !aead.open(nonce, aad, &mut copy, tag) {
                return None;
            }
            sealed.copy_from_slice(&copy);
        } else if !aead.open(nonce, aad, sealed, tag) {
            return None;
        }
        if !is_tls13 {
            return Some(Opened { kind: head[0], content: *explicit..end });
        }
        // The type is the last byte that is not zero. The zeros after it are padding (RFC 8446 §5.4).
        let at = sealed.iter().rposition(|byte| *byte != 0);
        let (kind, len) = at.map_or((0, 0), |at| (sealed[at], at));
        Some(Opened { kind, content: 0..len })
    }

    /// Returns by how much a record is longer than its content, without padding, in bytes.
    pub(super) fn overhead(&self) -> u64 {
        let more = match &self.method {
            Method::Aead { tag, explicit, .. } => {
                tag + explicit + usize::from(self.origin.is_some())
            }
            Method::Cbc(keys) => keys.overhead(),
        };
        (HEAD + more) as u64
    }
}

impl Method {
    fn aead(suite: Suite, key: &[u8], explicit: usize) -> Option<Self> {
        type Ccm16<A> = Ccm<A, U16, U12>;
        type Ccm8<A> = Ccm<A, U8, U12>;
        let is_128 = key.len() == 16;
        let aead = match (suite.cipher, is_128) {
            (Cipher::Gcm, true) => boxed::<Aes128Gcm>(key),
            (Cipher::Gcm, false) => boxed::<Aes256Gcm>(key),
            (Cipher::ChaCha20Poly1305, _) => boxed::<ChaCha20Poly1305>(key),
            (Cipher::Ccm, true) => boxed::<Ccm16<Aes128>>(key),
            (Cipher::Ccm, false) => boxed::<Ccm16<Aes256>>(key),
            (Cipher::Ccm8, true) => boxed::<Ccm8<Aes128>>(key),
            (Cipher::Ccm8, false) => boxed::<Ccm8<Aes256>>(key),
            (Cipher::Cbc(_), _) => None,
        }?;
        let destroys = matches!(suite.cipher, Cipher::Ccm | Cipher::Ccm8);
        let tag = if suite.cipher == Cipher::Ccm8 { 8 } else { 16 };
        debug_assert!(matches!(explicit, 0 | EXPLICIT));
        Some(Self::Aead { aead, tag, explicit, destroys })
    }
}

fn boxed<A: Aead + KeyInit + 'static>(key: &[u8]) -> Option<Box<dyn Aead>> {
    A::new_from_slice(key).ok().map(|aead| Box::new(aead) as _)
}
