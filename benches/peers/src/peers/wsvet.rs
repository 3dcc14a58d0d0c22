//! This crate: `Decoder`, in the role of a server, with all rules on.

use wsvet::{Decoder, Event, OpCode, Policy, Role};

use super::{About, Peer};
use crate::sink::{Kind, Sink};
use crate::workloads::Workload;

/// `Decoder::decode` over a borrowed buffer.
pub struct Wsvet;

impl Peer for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "Decoder::decode over &mut [u8]",
        does: "unmasks in place and judges every rule, UTF-8 as well; copies and allocates nothing",
        differs: "what the others are compared with: joins no fragments and answers no Ping",
    };

    type Input = (Decoder, Vec<u8>);

    fn prepare(workload: &Workload) -> Self::Input {
        (Decoder::new(Policy::new(Role::Server)), workload.bytes.clone())
    }

    fn receive((decoder, bytes): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        let mut chunk = &mut bytes[..];
        while !chunk.is_empty() {
            let (used, event) = decoder.decode(chunk).map_err(|e| e.to_string())?;
            if let Some(Event::Data { opcode, bytes, end, .. }) = event {
                let kind = if opcode == OpCode::Text { Kind::Text } else { Kind::Binary };
                sink.data(kind, bytes, end);
            }
            chunk = &mut chunk[used..];
        }
        Ok(())
    }
}
