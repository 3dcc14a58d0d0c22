//! A live server: its URL and its addresses, and TLS with it.

pub mod target;
#[cfg(feature = "wss")]
pub mod tls;
