//! From a packet to the bytes of a TCP stream, in order.

pub mod packet;
pub mod tcp;
