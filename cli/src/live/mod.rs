//! A live server: its URL and its addresses, and TLS with it.

#[cfg(feature = "wss")]
pub mod identity;
pub mod target;
#[cfg(feature = "wss")]
pub mod tls;
