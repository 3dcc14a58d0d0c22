//! The order in which connections receive, and the frame that they receive.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wsvet::{Header, OpCode, encode};

use crate::bound;
use crate::contender::Judges;
use crate::measure::Work;
use crate::random::Random;

/// How many frames are received, at least.
const FRAMES: usize = 65_536;

/// Connections that receive one frame after the other.
pub struct Turns {
    name: &'static str,
    /// How many connections there are.
    pub connections: usize,
    /// The connection that receives next, for each frame. Each comes equally often.
    pub order: Vec<usize>,
    /// What each receives.
    pub frame: Vec<u8>,
    /// How many bytes the message has.
    pub message_len: usize,
}

/// From one connection to more than any cache holds.
pub fn all() -> Vec<Turns> {
    let rows = [
        ("1 connection", 1),
        ("16 connections", 16),
        ("256 connections", 256),
        ("4096 connections", 4_096),
        ("65536 connections", 65_536),
    ];
    rows.map(|(name, connections)| turns(name, connections)).into()
}

fn turns(name: &'static str, connections: usize) -> Turns {
    let mut random = Random::new(connections as u64);
    let mut order = Vec::with_capacity(FRAMES);
    while order.len() < FRAMES {
        let start = order.len();
        order.extend(0..connections);
        for i in (start + 1..order.len()).rev() {
            order.swap(i, random.within(start, i));
        }
    }
    Turns { name, connections, order, frame: frame(), message_len: 125 }
}

/// An ASCII text message of 125 bytes of a client.
pub fn frame() -> Vec<u8> {
    let header = Header::new(OpCode::Text, 125).masked([0x37, 0xFA, 0x21, 0x3D]);
    let mut frame = vec![0; header.header_len() + 125];
    encode::frame(&header, &[b'a'; 125], &mut frame).expect("it was made to fit");
    frame
}

impl Work for Turns {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.order.len()
    }

    fn bytes(&self) -> usize {
        self.order.len() * self.frame.len()
    }

    fn needs(&self) -> Judges {
        Judges { text: true, ..Judges::HEADERS }
    }

    fn bound(&self) -> Duration {
        let mut states = vec![[0u64; 8]; self.connections];
        let mut buffer = self.frame.clone();
        let start = Instant::now();
        for &connection in &self.order {
            buffer.copy_from_slice(&self.frame);
            let frames = bound::unmask_all(&mut buffer);
            states[connection].iter_mut().for_each(|word| *word += frames as u64);
            black_box(&buffer);
        }
        let elapsed = start.elapsed();
        let received: u64 = states.iter().map(|state| state[0]).sum();
        assert_eq!(received, self.order.len() as u64, "the bound must not miss anything");
        elapsed
    }
}
