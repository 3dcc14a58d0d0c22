//! Turns packets into the ordered bytes of TCP streams, and decrypts them.

mod fragments;
mod inner;
mod link;
pub mod packet;
pub mod prefix;
pub mod tcp;
pub mod tls;
mod tunnel;
mod wifi;
