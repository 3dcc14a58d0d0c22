//! What the fuzz targets share.

pub mod oracles;
#[path = "../tests/common/reference.rs"]
mod reference;
