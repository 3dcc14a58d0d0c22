//! What the fuzz targets share.

#[path = "../tests/common/mod.rs"]
mod common;
pub mod deflate;
pub mod handshake;
pub mod http2;
pub mod oracles;
pub mod peers;
pub mod probe;
pub mod readers;
pub mod tls;
mod verdict;
