//! Turns packets into the ordered bytes of TCP streams, decrypts them, and finds the streams of HTTP/2.

pub mod http2;
pub mod packet;
pub mod tcp;
pub mod tls;
