//! Turns packets into the ordered bytes of TCP streams.

pub mod packet;
pub mod tcp;
