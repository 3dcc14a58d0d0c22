//! What it costs to unmask and inflate, and to judge nothing.

use std::hint::black_box;

use flate2::{Decompress, FlushDecompress};
use wsvet::FrameRef;

use super::unmask_all;

/// Unmasks every frame of `stream`, inflates its payload as a message of at most 64 KiB, and gives
/// how many there were; together they must hold so many bytes.
pub fn inflate_all(stream: &mut [u8], inflated: usize) -> usize {
    let frames = unmask_all(stream);
    let mut inflate = Decompress::new(false);
    let mut out = vec![0; 64 << 10];
    let mut rest = &*stream;
    while let Ok((frame, behind)) = FrameRef::decode(rest) {
        for input in [frame.payload.into_raw(), &[0x00, 0x00, 0xFF, 0xFF]] {
            inflate.decompress(input, &mut out, FlushDecompress::None).expect("it is DEFLATE");
            black_box(&out);
        }
        rest = behind;
    }
    assert_eq!(inflate.total_out(), inflated as u64, "the bound must not miss anything");
    frames
}
