//! Turns packets into the ordered bytes of TCP streams.

mod fragments;
mod inner;
mod link;
pub mod packet;
pub mod tcp;
mod tunnel;
mod wifi;
