//! Bytes that arrive in a buffer, for the peers that take frames off one.

use bytes::BytesMut;

use super::workloads::Workload;

/// What a buffer has room for before the first byte arrives.
const ROOM: usize = 8 << 10;

/// A buffer, and the chunks that will be appended to it.
pub struct Arriving {
    /// What has arrived and was not taken off.
    pub buffer: BytesMut,
    bytes: Vec<u8>,
    arrived: usize,
    chunk: usize,
}

impl Arriving {
    /// A buffer in which all bytes of the workload are, or none yet if they come in chunks.
    pub fn new(workload: &Workload) -> Self {
        let chunk = workload.chunk_len();
        if workload.is_whole() {
            let buffer = BytesMut::from_iter(room(workload));
            Self { buffer, bytes: Vec::new(), arrived: 0, chunk }
        } else {
            let buffer = BytesMut::with_capacity(ROOM);
            Self { buffer, bytes: workload.bytes.clone(), arrived: 0, chunk }
        }
    }

    /// Appends the next chunk; `false` where all have arrived.
    pub fn more(&mut self) -> bool {
        let rest = &self.bytes[self.arrived..];
        let chunk = &rest[..rest.len().min(self.chunk)];
        self.buffer.extend_from_slice(chunk);
        self.arrived += chunk.len();
        !chunk.is_empty()
    }
}

/// The workload's bytes with room for one more frame behind them.
///
/// Buffers that grow make room for the frame that they wait for; with this room they need not move
/// all bytes to a larger one while they are measured.
pub fn room(workload: &Workload) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(workload.bytes.len() + workload.longest + (4 << 10));
    bytes.extend_from_slice(&workload.bytes);
    bytes
}
