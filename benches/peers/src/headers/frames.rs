//! The frames whose headers are decoded.

use std::time::{Duration, Instant};

use wsvet::{Header, OpCode, encode};

use super::Fields;
use crate::bound;
use crate::contender::Judges;
use crate::measure::Work;
use crate::random::Random;

/// How many bytes of frames there are, about.
const BUFFER: usize = 256 << 10;

/// Masked frames one behind the other, and what their headers say.
pub struct Frames {
    name: &'static str,
    /// The frames.
    pub bytes: Vec<u8>,
    /// What each header says.
    pub(super) fields: Vec<Fields>,
}

/// No payload, and lengths in both of the short forms.
pub fn all() -> Vec<Frames> {
    vec![
        frames("empty frames", 0, 0),
        frames("7-bit lengths", 0, 125),
        frames("16-bit lengths", 126, 300),
    ]
}

/// Binary frames of `low` to `high` bytes.
fn frames(name: &'static str, low: usize, high: usize) -> Frames {
    let mut random = Random::new(high as u64);
    let mut frames = Frames { name, bytes: Vec::new(), fields: Vec::new() };
    while frames.bytes.len() + high < BUFFER {
        let (key, len) = (random.key(), random.within(low, high));
        let header = Header::new(OpCode::Binary, len as u64).masked(key);
        let start = frames.bytes.len();
        frames.bytes.resize(start + header.header_len() + len, 0);
        encode::frame(&header, &random.bytes(len), &mut frames.bytes[start..])
            .expect("it was made to fit");
        frames.fields.push(Fields { fin: true, opcode: 2, len: len as u64, key: Some(key) });
    }
    frames
}

impl Work for Frames {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.fields.len()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn needs(&self) -> Judges {
        Judges::NOTHING
    }

    fn bound(&self) -> Duration {
        // A copy that has just been made, as everybody has.
        let bytes = self.bytes.clone();
        let start = Instant::now();
        let (found, sum) = bound::sum_headers(&bytes);
        let elapsed = start.elapsed();
        std::hint::black_box(sum);
        assert_eq!(found, self.fields.len(), "the bound must find all frames");
        elapsed
    }
}
