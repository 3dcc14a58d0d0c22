//! TLS 1.3 connections that are made here, record by record (RFC 8446 §5.2, §7.1), so that they have what no
//! recording has.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use wsvet_cli::transport::packet::Moment;
use wsvet_cli::transport::tls::decryptor::{Decryptor, Failure, Fault, Found, What};
use wsvet_cli::transport::tls::keylog::KeyLog;

const CLIENT: usize = 0;
const SERVER: usize = 1;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const ENCRYPTED_EXTENSIONS: u8 = 8;
const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

const RANDOM: [u8; 32] = [9; 32];

/// The secrets of the key log, and what each is filled with.
const LABELS: [(&str, u8); 5] = [
    ("CLIENT_EARLY_TRAFFIC_SECRET", 1),
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 2),
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", 3),
    ("CLIENT_TRAFFIC_SECRET_0", 4),
    ("SERVER_TRAFFIC_SECRET_0", 5),
];

/// The keys of one endpoint.
struct Sealer {
    secret: [u8; 32],
    number: u64,
}

impl Sealer {
    fn new(label: &str) -> Self {
        let (_, fill) = LABELS.iter().find(|(name, _)| name.starts_with(label)).unwrap();
        Self { secret: [*fill; 32], number: 0 }
    }

    fn expand(&self, label: &str, out: &mut [u8]) {
        let name = format!("tls13 {label}");
        let len = [0, out.len() as u8, name.len() as u8];
        let info = [&len[..], name.as_bytes(), &[0]];
        Hkdf::<Sha256>::from_prk(&self.secret).unwrap().expand_multi_info(&info, out).unwrap();
    }

    /// Returns the record of a content.
    fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        self.expand("key", &mut key);
        self.expand("iv", &mut iv);
        let number = u128::from(self.number).to_be_bytes();
        let nonce: Vec<u8> = iv.iter().zip(&number[4..]).map(|(a, b)| a ^ b).collect();
        self.number += 1;
        let mut body = [content, &[kind]].concat();
        let [high, low] = (body.len() as u16 + 16).to_be_bytes();
        let head = [APPLICATION_DATA, 3, 3, high, low];
        let nonce = Nonce::try_from(&nonce[..]).unwrap();
        let aead = Aes128Gcm::new(&key.into());
        let sealed = InOutBuf::from(&mut body[..]);
        let tag = aead.encrypt_inout_detached(&nonce, &head, sealed).unwrap();
        [&head[..], &body[..], &tag[..]].concat()
    }

    fn data(&mut self, data: &[u8]) -> Vec<u8> {
        self.seal(APPLICATION_DATA, data)
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        self.seal(HANDSHAKE, &message(kind, body))
    }

    /// Returns the record of a KeyUpdate, and uses the next keys after it.
    fn update(&mut self) -> Vec<u8> {
        let record = self.message(KEY_UPDATE, &[0]);
        let mut secret = [0; 32];
        self.expand("traffic upd", &mut secret);
        *self = Self { secret, number: 0 };
        record
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (body.len() as u32).to_be_bytes();
    [&[kind][..], &len, body].concat()
}

fn plain(message: &[u8]) -> Vec<u8> {
    let [high, low] = (message.len() as u16).to_be_bytes();
    [&[HANDSHAKE, 3, 1, high, low], message].concat()
}

/// Returns the ClientHello. Early data follows if `early` says so.
fn client_hello(early: bool) -> Vec<u8> {
    let versions = [0, 43, 0, 3, 2, 3, 4];
    let early: &[u8] = if early { &[0, 42, 0, 0] } else { &[] };
    let len = (versions.len() + early.len()) as u8;
    let before = [0, 0, 2, 0x13, 1, 1, 0, 0, len];
    plain(&message(1, &[&[3, 3][..], &RANDOM, &before, &versions, early].concat()))
}

/// The random of a HelloRetryRequest: the SHA-256 of its name (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

fn server_hello(random: [u8; 32]) -> Vec<u8> {
    let after = [0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4];
    plain(&message(2, &[&[3, 3][..], &random, &after].concat()))
}

/// The bytes of both endpoints.
type Data = [Vec<u8>; 2];

/// Returns the data in these records, and whether any was lost.
fn decrypted(records: &[(usize, Vec<u8>)]) -> Result<(Data, bool), Failure> {
    decrypted_without("no secret", records)
}

/// Returns the same if the key log lacks the secrets whose labels contain this.
fn decrypted_without(lacking: &str, records: &[(usize, Vec<u8>)]) -> Result<(Data, bool), Failure> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let line =
        |(label, fill): &(&str, u8)| format!("{label} {} {}\n", hex(&RANDOM), hex(&[*fill; 32]));
    let mut log = KeyLog::new(false);
    let labels = LABELS.iter().filter(|(label, _)| !label.contains(lacking));
    log.add_text("the test", labels.map(line).collect::<String>().as_bytes());
    let mut decryptor = Decryptor::new(Rc::new(RefCell::new(log)));
    let (mut data, mut lost) = (Data::default(), false);
    let mut sink = |found: Found<'_>| {
        match found.what {
            What::Bytes(bytes) => data[found.from].extend_from_slice(bytes),
            What::Lost(_) => lost = true,
            _ => {}
        }
        Ok(())
    };
    let at = Moment { packet: 1, time: Duration::ZERO };
    for (from, record) in records {
        match record.is_empty() {
            true => decryptor.lost(*from, 1 << 10, at, &mut sink)?,
            false => decryptor.bytes(*from, record, at, &mut sink)?,
        }
    }
    decryptor.finish(&mut sink)?;
    Ok((data, lost))
}

/// Returns the records of a handshake. The server accepts early data if `accepts` says so.
fn handshake(early: Option<&[u8]>, accepts: bool) -> Vec<(usize, Vec<u8>)> {
    let mut server = Sealer::new("SERVER_HANDSHAKE");
    let extensions: &[u8] = if accepts { &[0, 4, 0, 42, 0, 0] } else { &[0, 0] };
    let mut records = vec![(CLIENT, client_hello(early.is_some()))];
    let mut of_early = Sealer::new("CLIENT_EARLY");
    records.extend(early.map(|data| (CLIENT, of_early.data(data))));
    records.push((SERVER, server_hello([8; 32])));
    records.push((SERVER, server.message(ENCRYPTED_EXTENSIONS, extensions)));
    records.push((SERVER, server.message(FINISHED, &[7; 32])));
    if accepts {
        records.push((CLIENT, of_early.message(5, &[])));
    }
    records.push((CLIENT, Sealer::new("CLIENT_HANDSHAKE").message(FINISHED, &[7; 32])));
    records
}

/// The number of a record may need more than one byte, and starts anew after a KeyUpdate.
#[test]
fn the_number_of_a_record_may_be_any() {
    let mut records = handshake(None, false);
    let mut sealers = [Sealer::new("CLIENT_TRAFFIC"), Sealer::new("SERVER_TRAFFIC")];
    let mut expected = Data::default();
    for number in 0..1500u32 {
        for (from, sealer) in sealers.iter_mut().enumerate() {
            let data = [number.to_be_bytes(), [from as u8; 4]].concat();
            records.push((from, sealer.data(&data)));
            expected[from].extend(data);
            if number % 700 == 650 {
                records.push((from, sealer.update()));
            }
        }
    }
    assert_eq!(decrypted(&records).unwrap(), (expected, false));
}

/// Early data counts if the server accepts it.
#[test]
fn early_data_counts_if_the_server_accepts_it() {
    for accepts in [true, false] {
        let mut records = handshake(Some(b"early "), accepts);
        records.push((CLIENT, Sealer::new("CLIENT_TRAFFIC").data(b"late")));
        let (data, _) = decrypted(&records).unwrap();
        let expected: &[u8] = if accepts { b"early late" } else { b"late" };
        assert_eq!(data[CLIENT], expected, "{accepts}");
    }
}

/// If a secret is missing without which it is not known whether the server accepted the early data, or what the
/// data is, the key is missing, and the record is not broken.
#[test]
fn early_data_needs_the_secrets_for_it() {
    for accepts in [true, false] {
        for lacking in ["HANDSHAKE", "SERVER_HANDSHAKE", "EARLY"] {
            let mut records = handshake(Some(b"early "), accepts);
            records.push((SERVER, Sealer::new("SERVER_TRAFFIC").data(b"answer")));
            records.push((CLIENT, Sealer::new("CLIENT_TRAFFIC").data(b"late")));
            let got = decrypted_without(lacking, &records);
            match got {
                // Rejected early data is not decrypted.
                Ok((data, _)) if lacking == "EARLY" && !accepts => {
                    assert_eq!(data[CLIENT], b"late")
                }
                got => assert!(
                    matches!(got, Err(Failure::Fault(Fault::NoKeys))),
                    "{lacking} {accepts}"
                ),
            }
        }
    }
}

/// A HelloRetryRequest rejects early data.
#[test]
fn a_retry_rejects_early_data() {
    let mut records = handshake(None, false);
    let early = Sealer::new("CLIENT_EARLY").data(b"early ");
    let retry = (SERVER, server_hello(RETRY));
    records.splice(0..0, [(CLIENT, client_hello(true)), (CLIENT, early), retry]);
    records.push((CLIENT, Sealer::new("CLIENT_TRAFFIC").data(b"late")));
    assert_eq!(decrypted(&records).unwrap().0[CLIENT], b"late");
}

/// An alert before any data is a failure, unless it only says that nothing more comes.
#[test]
fn an_alert_instead_of_data_is_a_failure() {
    for (alert, fails) in [([2, 40], true), ([1, 40], true), ([1, 0], false), ([1, 90], false)] {
        for after_data in [false, true] {
            let mut records = handshake(None, false);
            let mut sealer = Sealer::new("SERVER_TRAFFIC");
            records.extend(after_data.then(|| (SERVER, sealer.data(b"data"))));
            records.push((SERVER, sealer.seal(ALERT, &alert)));
            let failed = matches!(decrypted(&records), Err(Failure::Fault(Fault::Failed)));
            assert_eq!(failed, fails && !after_data, "{alert:?} {after_data}");
        }
    }
}

/// A handshake in the clear among encrypted records changes nothing.
#[test]
fn a_hello_among_encrypted_records_is_ignored() {
    let mut sealers = [Sealer::new("CLIENT_TRAFFIC"), Sealer::new("SERVER_TRAFFIC")];
    let mut records = handshake(None, false);
    for _ in 0..2 {
        for (from, sealer) in sealers.iter_mut().enumerate() {
            records.push((from, sealer.data(b"data")));
        }
        records.push((SERVER, server_hello([6; 32])));
    }
    assert_eq!(decrypted(&records).unwrap().0, [b"datadata".to_vec(), b"datadata".to_vec()]);
}

/// After missing records, among them a KeyUpdate or the first records of the data, the next ones are
/// decrypted.
#[test]
fn a_key_update_may_be_missing() {
    let mut sealer = Sealer::new("SERVER_TRAFFIC");
    let mut records = handshake(None, false);
    records.push((SERVER, sealer.data(b"before ")));
    sealer.update();
    sealer.data(b"missing");
    records.push((SERVER, Vec::new()));
    records.push((SERVER, sealer.data(b"after")));
    let ([_, server], lost) = decrypted(&records).unwrap();
    assert_eq!((&server[..], lost), (&b"before after"[..], true));
}
