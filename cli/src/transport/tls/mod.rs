//! Decrypts TLS 1.2 (RFC 5246) and TLS 1.3 (RFC 8446) with the keys of a key log.
//!
//! `records` cuts the bytes of an endpoint into records, `hello` reads what both endpoints say in the
//! clear, `keylog` knows the secrets, `keys` derives the keys, `opener` decrypts a record, and
//! [`Decryptor`](decryptor::Decryptor) follows both endpoints.

mod alert;
mod cbc;
pub mod decryptor;
mod hello;
pub mod keylog;
mod keys;
mod messages;
mod opener;
mod records;
mod side;
mod suite;
