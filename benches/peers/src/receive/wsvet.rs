//! This crate: `StreamDecoder`, in the role of a server, with all rules on.

use wsvet::{Event, OpCode, Policy, Role, StreamDecoder};

use super::Receive;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `StreamDecoder::decode` over a borrowed buffer.
pub struct Wsvet;

impl Receive for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "StreamDecoder::decode over &mut [u8]",
        does: "unmasks in place and judges every rule, UTF-8 as well; copies and allocates nothing",
        differs: "what the others are compared with: joins no fragments and answers no Ping",
        judges: Judges::ALL,
    };

    type Input = (StreamDecoder, Vec<u8>, usize);

    fn prepare(workload: &Workload) -> Self::Input {
        (
            StreamDecoder::new(Policy::new(Role::Server)),
            workload.bytes.clone(),
            workload.chunk_len(),
        )
    }

    fn receive(
        (decoder, bytes, len): &mut Self::Input,
        sink: &mut impl Sink,
    ) -> Result<(), String> {
        for mut chunk in bytes.chunks_mut(*len) {
            while !chunk.is_empty() {
                let (used, event) = decoder.decode(chunk).map_err(|e| e.to_string())?;
                if let Some(Event::Data { opcode, bytes, end, .. }) = event {
                    let kind = if opcode == OpCode::Text { Kind::Text } else { Kind::Binary };
                    sink.data(kind, bytes, end);
                }
                chunk = &mut chunk[used..];
            }
        }
        Ok(())
    }
}
