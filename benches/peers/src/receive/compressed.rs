//! Compressed messages in: the crates that have permessage-deflate.

use bytes::BytesMut;
use sockudo_ws::Message as Received;
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::protocol::CompressedProtocol;
use wsvet::codec::Messages;
use wsvet::deflate::Parameters;
use wsvet::{Message, Policy, Role};
use yawc::{Options, WebSocket};

use super::arriving::room;
use super::memory::Memory;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use super::yawc::take_all;
use super::{Receive, of};
use crate::contender::{About, Contender, Judges};
use crate::measure::Kind as WorkKind;

/// How the figures are to be read.
pub const COMPRESSED: WorkKind = WorkKind {
    name: "receive compressed",
    says: "A server receives about 256 KiB of masked frames, compressed with context takeover, that \
           are all in memory. The bytes are those on the wire. The bound unmasks, and inflates all \
           messages as one stream with flate2 over zlib-rs.",
    head: ("of the", "bound"),
    bound: "unmasks and inflates in one piece, checks nothing",
    absent: &[("all others", "they have no permessage-deflate")],
};

const LIMIT: usize = 64 << 20;

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Workload>> {
    vec![of::<Wsvet>(), of::<Sockudo>(), of::<Yawc>()]
}

struct Wsvet;

impl Receive for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "codec::Messages::deflate, decode over BytesMut",
        does: "unmasks in place and inflates; judges every rule, UTF-8 and DEFLATE as well",
        differs: "what the others are compared with: answers no Ping",
        judges: Judges::ALL,
    };

    type Input = (Messages, BytesMut);

    fn prepare(workload: &Workload) -> Self::Input {
        let policy = Policy::new(Role::Server).max_message(LIMIT as u64);
        (Messages::deflate(policy, Parameters::new()), BytesMut::from_iter(room(workload)))
    }

    fn receive((messages, buffer): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        while let Some(message) = messages.decode(buffer).map_err(|e| e.to_string())? {
            match &message {
                Message::Text(text) => sink.data(Kind::Text, text.as_bytes(), true),
                Message::Binary(bytes) => sink.data(Kind::Binary, bytes, true),
                _ => {}
            }
        }
        Ok(())
    }
}

struct Sockudo;

impl Receive for Sockudo {
    const ABOUT: About = About {
        name: "sockudo-ws",
        package: "sockudo-ws",
        interface: "CompressedProtocol::process_into over BytesMut, into a Vec that has room for all",
        does: "unmasks in place and inflates (flate2 over zlib-rs); judges headers, the order of \
               fragments and UTF-8",
        differs: "accepts a message that does not end with a block",
        judges: Judges::ALL,
    };

    type Input = (CompressedProtocol, BytesMut, Vec<Received>);

    fn prepare(workload: &Workload) -> Self::Input {
        let protocol = CompressedProtocol::server(LIMIT, LIMIT, DeflateConfig::default());
        (protocol, BytesMut::from_iter(room(workload)), Vec::with_capacity(workload.frames))
    }

    fn receive(
        (protocol, buffer, messages): &mut Self::Input,
        sink: &mut impl Sink,
    ) -> Result<(), String> {
        protocol.process_into(buffer, messages).map_err(|e| e.to_string())?;
        for message in messages.drain(..) {
            match &message {
                Received::Text(bytes) => sink.data(Kind::Text, bytes, true),
                Received::Binary(bytes) => sink.data(Kind::Binary, bytes, true),
                _ => {}
            }
        }
        Ok(())
    }
}

struct Yawc;

impl Receive for Yawc {
    const ABOUT: About = About {
        name: "yawc",
        package: "yawc",
        interface: "WebSocket::next_frame over a tokio AsyncRead, Options::with_utf8",
        does: "unmasks in place and inflates (flate2 over zlib-rs); judges UTF-8 when a message is \
               whole",
        differs: "copies the stream into its buffer; judges no lengths and no RSV1 on control frames",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    type Input = WebSocket<Memory>;

    fn prepare(workload: &Workload) -> Self::Input {
        let options =
            Options::default().with_utf8().with_limits(LIMIT, LIMIT).with_balanced_compression();
        let agreed = Some("permessage-deflate");
        WebSocket::from_stream_with_extensions(
            Memory::new(workload),
            yawc::Role::Server,
            agreed,
            options,
        )
        .expect("it has permessage-deflate")
    }

    fn receive(socket: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        take_all(socket, sink)
    }
}
