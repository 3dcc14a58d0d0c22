//! Judges a connection, from its opening handshake to its verdict.

pub mod agreement;
pub mod backlog;
pub mod boundary;
pub mod cause;
pub mod connection;
pub mod frames;
pub mod handshake;
pub mod http2;
pub mod inflate;
pub mod judging;
pub mod kept;
pub mod lacking;
pub mod layer;
pub mod limits;
pub mod pings;
pub mod record;
pub mod recorder;
pub mod report;
pub mod silence;
pub mod unjudged;
