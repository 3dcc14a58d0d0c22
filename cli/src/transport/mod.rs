//! Turns packets into the ordered bytes of TCP streams, and these into the streams of HTTP/2.

pub mod http2;
pub mod packet;
pub mod tcp;
