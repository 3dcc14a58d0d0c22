//! Turns packets into the ordered bytes of TCP streams, decrypts them, and finds the streams of HTTP/2.

mod fragments;
pub mod http2;
mod inner;
mod link;
pub mod network;
mod over_udp;
pub mod packet;
pub mod prefix;
pub mod tcp;
pub mod tls;
mod tunnel;
mod wifi;
