//! Turns packets into the ordered bytes of TCP streams, and decrypts them.

pub mod packet;
pub mod tcp;
pub mod tls;
