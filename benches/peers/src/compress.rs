//! Compressed messages out.

use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use flate2::{Compress, Compression, FlushCompress};
use futures_util::SinkExt;
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::protocol::CompressedProtocol;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wsvet::codec::Messages;
use wsvet::deflate::{Parameters, Validator};
use wsvet::{FrameRef, Message, Policy, Role};
use yawc::frame::Frame;
use yawc::{CompressionLevel, Options, WebSocket};

use crate::contender::{About, Contender, Judges};
use crate::measure::{Kind, Work};
use crate::receive::memory::complete;
use crate::receive::workloads::texts;

/// How the figures are to be read.
pub const COMPRESS: Kind = Kind {
    name: "send compressed",
    says: "A server writes text messages into a buffer, compressed with context takeover at level \
           6 by all. The bytes are those of the messages. The bound deflates each with flate2 over \
           zlib-rs.",
    head: ("of the", "bound"),
    bound: "deflates and flushes each message, writes no header",
    absent: &[("all others", "they have no permessage-deflate")],
};

/// The level of all of them.
const LEVEL: u8 = 6;

/// Messages to be sent.
pub struct Outgoing {
    name: &'static str,
    texts: Vec<String>,
}

/// Small ones, and larger ones.
pub fn all() -> Vec<Outgoing> {
    [("JSON 20-300 B", 1, 2_000), ("JSON 16 KiB", 80, 40)]
        .map(|(name, objects, count)| Outgoing { name, texts: texts(objects, count) })
        .into()
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Outgoing>> {
    vec![of::<Wsvet>(), of::<Sockudo>(), of::<Yawc>()]
}

trait Compressor {
    const ABOUT: About;

    /// An open connection, and the messages as it takes them.
    type Input;

    fn prepare(outgoing: &Outgoing) -> Self::Input;

    /// Writes all messages; this is timed.
    fn send(input: &mut Self::Input, out: &mut BytesMut) -> Result<(), String>;
}

fn of<P: Compressor>() -> Contender<Outgoing> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Compressor>(outgoing: &Outgoing) -> Result<(), String> {
    let mut out = BytesMut::new();
    P::send(&mut P::prepare(outgoing), &mut out)?;
    outgoing.check(&out)
}

fn time<P: Compressor>(outgoing: &Outgoing) -> Duration {
    let mut input = P::prepare(outgoing);
    let mut out = BytesMut::with_capacity(outgoing.bytes());
    let start = Instant::now();
    let sent = P::send(&mut input, &mut out);
    let elapsed = start.elapsed();
    black_box(&out);
    sent.expect("it was checked");
    elapsed
}

impl Outgoing {
    /// Whether a client reads these messages.
    fn check(&self, written: &[u8]) -> Result<(), String> {
        let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
        let (mut rest, mut texts) = (written, self.texts.iter());
        while !rest.is_empty() {
            let (frame, behind) = FrameRef::decode(rest).map_err(|e| e.to_string())?;
            let mut text = Vec::new();
            validator
                .frame(&frame.header, frame.payload.into_raw(), |piece| {
                    text.extend_from_slice(piece)
                })
                .map_err(|e| e.to_string())?;
            if !frame.header.fin() || texts.next().map(String::as_bytes) != Some(&text[..]) {
                return Err("another message".into());
            }
            rest = behind;
        }
        if texts.len() == 0 { Ok(()) } else { Err(format!("{} messages too few", texts.len())) }
    }
}

impl Work for Outgoing {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.texts.len()
    }

    fn bytes(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }

    fn needs(&self) -> Judges {
        Judges::NOTHING
    }

    fn bound(&self) -> Duration {
        let mut out = Vec::with_capacity(64 << 10);
        let mut compress = Compress::new(Compression::new(LEVEL.into()), false);
        let start = Instant::now();
        for text in &self.texts {
            out.clear();
            compress
                .compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync)
                .expect("it is right");
            black_box(&out);
        }
        start.elapsed()
    }
}

struct Wsvet;

impl Compressor for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "codec::Messages::deflate, encode into BytesMut",
        does: "deflates with zlib-rs, and writes the frame",
        differs: "what the other is compared with",
        judges: Judges::NOTHING,
    };

    type Input = (Messages, Vec<Message>);

    fn prepare(outgoing: &Outgoing) -> Self::Input {
        let agreed = Parameters::new();
        let messages = Messages::deflate(Policy::new(Role::Server), agreed).deflate_level(LEVEL);
        (messages, outgoing.texts.iter().cloned().map(Message::text).collect())
    }

    fn send((codec, messages): &mut Self::Input, out: &mut BytesMut) -> Result<(), String> {
        messages
            .drain(..)
            .try_for_each(|message| codec.encode(message, out))
            .map_err(|e| e.to_string())
    }
}

struct Sockudo;

impl Compressor for Sockudo {
    const ABOUT: About = About {
        name: "sockudo-ws",
        package: "sockudo-ws",
        interface: "CompressedProtocol::encode_message into BytesMut",
        does: "deflates with flate2 over zlib-rs, and writes the frame",
        differs: "is asked to compress messages of less than 32 bytes too",
        judges: Judges::NOTHING,
    };

    type Input = (CompressedProtocol, Vec<sockudo_ws::Message>);

    fn prepare(outgoing: &Outgoing) -> Self::Input {
        let config = DeflateConfig {
            compression_level: LEVEL.into(),
            compression_threshold: 0,
            ..DeflateConfig::default()
        };
        let protocol = CompressedProtocol::server(1 << 20, 1 << 20, config);
        (protocol, outgoing.texts.iter().cloned().map(sockudo_ws::Message::text).collect())
    }

    fn send((protocol, messages): &mut Self::Input, out: &mut BytesMut) -> Result<(), String> {
        messages
            .drain(..)
            .try_for_each(|message| protocol.encode_message(&message, out))
            .map_err(|e| e.to_string())
    }
}

struct Yawc;

/// A stream of which what is written is kept.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<BytesMut>>);

impl Compressor for Yawc {
    const ABOUT: About = About {
        name: "yawc",
        package: "yawc",
        interface: "WebSocket as a Sink of Frames, over a stream in memory",
        does: "deflates with flate2 over zlib-rs, and writes the frame",
        differs: "writes into the stream that it owns, of which the bytes are taken",
        judges: Judges::NOTHING,
    };

    type Input = (WebSocket<Written>, Written, Vec<Frame>);

    fn prepare(outgoing: &Outgoing) -> Self::Input {
        let written = Written::default();
        let options = Options::default()
            .with_compression_level(CompressionLevel::new(LEVEL.into()))
            .with_compression_threshold(0);
        let socket = WebSocket::from_stream_with_extensions(
            written.clone(),
            yawc::Role::Server,
            Some("permessage-deflate"),
            options,
        );
        let frames = outgoing.texts.iter().cloned().map(Frame::text).collect();
        (socket.expect("it has permessage-deflate"), written, frames)
    }

    fn send((socket, written, frames): &mut Self::Input, out: &mut BytesMut) -> Result<(), String> {
        complete(async {
            for frame in frames.drain(..) {
                socket.feed(frame).await?;
            }
            socket.flush().await
        })
        .map_err(|error: yawc::WebSocketError| error.to_string())?;
        *out = std::mem::take(&mut written.0.lock().expect("nobody panics"));
        Ok(())
    }
}

impl AsyncRead for Written {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Written {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
