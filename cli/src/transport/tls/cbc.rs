//! Decrypts the records of the CBC suites of TLS 1.2 (RFC 5246 §6.2.3.2, RFC 7366).

use std::ops::Range;

use aes_gcm::aes::{Aes128, Aes256};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use crate::transport::tls::records::HEAD;
use crate::transport::tls::suite::Mac;

/// The length of a block of AES, in bytes.
const BLOCK: usize = 16;

/// The keys of one endpoint.
pub(super) struct Keys {
    mac: Mac,
    mac_key: Vec<u8>,
    key: Vec<u8>,
    /// Whether the encrypted bytes are authenticated, and not the plain ones.
    encrypt_then_mac: bool,
}

impl Keys {
    pub(super) fn new(mac: Mac, mac_key: &[u8], key: &[u8], encrypt_then_mac: bool) -> Self {
        Self { mac, mac_key: mac_key.to_vec(), key: key.to_vec(), encrypt_then_mac }
    }

    /// Decrypts the record with this number in place, and returns where its content is. Without
    /// success, nothing changes.
    pub(super) fn open(
        &self,
        number: u64,
        head: [u8; HEAD],
        body: &mut [u8],
    ) -> Option<Range<usize>> {
        let tag = self.mac.len();
        if self.encrypt_then_mac {
            let end = body.len().checked_sub(tag)?;
            let (sealed, is) = body.split_at_mut(end);
            if !self.is_authentic(number, head, sealed, is) {
                return None;
            }
            let plain = self.decrypt(sealed)?;
            let len = unpadded(&plain)?;
            sealed[..len].copy_from_slice(&plain[..len]);
            return Some(0..len);
        }
        let plain = self.decrypt(body)?;
        let len = unpadded(&plain)?;
        let (content, is) = plain[..len].split_at(len.checked_sub(tag)?);
        if !self.is_authentic(number, head, content, is) {
            return None;
        }
        body[..content.len()].copy_from_slice(content);
        Some(0..content.len())
    }

    /// Returns by how much a record is longer than its content, in bytes, with the shortest padding.
    pub(super) fn overhead(&self) -> usize {
        BLOCK + self.mac.len() + 1
    }

    fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (iv, blocks) = sealed.split_at_checked(BLOCK)?;
        let mut plain = blocks.to_vec();
        let len = if self.key.len() == 16 {
            decrypt::<Aes128>(&self.key, iv, &mut plain)
        } else {
            decrypt::<Aes256>(&self.key, iv, &mut plain)
        }?;
        plain.truncate(len);
        Some(plain)
    }

    fn is_authentic(&self, number: u64, head: [u8; HEAD], of: &[u8], is: &[u8]) -> bool {
        let mut pseudo = [0; 13];
        pseudo[..8].copy_from_slice(&number.to_be_bytes());
        pseudo[8..11].copy_from_slice(&head[..3]);
        pseudo[11..].copy_from_slice(&(of.len() as u16).to_be_bytes());
        let pieces = [&pseudo[..], of];
        match self.mac {
            Mac::Sha1 => verify::<Hmac<Sha1>>(&self.mac_key, pieces, is),
            Mac::Sha256 => verify::<Hmac<Sha256>>(&self.mac_key, pieces, is),
            Mac::Sha384 => verify::<Hmac<Sha384>>(&self.mac_key, pieces, is),
        }
    }
}

fn decrypt<A>(key: &[u8], iv: &[u8], blocks: &mut [u8]) -> Option<usize>
where
    cbc::Decryptor<A>: KeyIvInit + BlockModeDecrypt,
    A: cbc::cipher::BlockCipherDecrypt,
{
    let decryptor = cbc::Decryptor::<A>::new_from_slices(key, iv).ok()?;
    decryptor.decrypt_padded::<NoPadding>(blocks).ok().map(<[u8]>::len)
}

fn verify<M: hmac::Mac + KeyInit>(key: &[u8], pieces: [&[u8]; 2], is: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
        pieces.iter().for_each(|piece| mac.update(piece));
        mac.verify_slice(is).is_ok()
    })
}

/// Returns the length without the padding.
fn unpadded(plain: &[u8]) -> Option<usize> {
    let padding = *plain.last()?;
    let len = plain.len().checked_sub(usize::from(padding) + 1)?;
    plain[len..].iter().all(|byte| *byte == padding).then_some(len)
}
