//! The lower bounds: what must be done in any case, by loops that check nothing.

mod copy;
mod encode;
mod headers;
mod inflate;
mod unmask;

pub use copy::copy_in_chunks;
pub use encode::encode_all;
pub use headers::sum_headers;
pub use inflate::inflate_all;
pub use unmask::unmask_all;
