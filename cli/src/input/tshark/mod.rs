//! Reads the JSON of tshark and Wireshark (`-T json`, `-T jsonraw`, `-T ek`, with or without `-x`).
//!
//! Three ways lead to the frames, and the first that a file allows is taken: the bytes of the packets; the
//! payloads of TCP; and for connections with TLS, what the dissector says of each frame.

mod frames;
mod pairs;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::capture::Judge;
use crate::input::fits::too_large;
use crate::session::judging::Judging;
use crate::transport::network::Network;
use crate::transport::packet::{Moment, Segment};

use frames::Dissected;
use pairs::{Pairs, bytes, text};

/// The part of the memory that the text may take.
const PART: u64 = 2;

/// What a line starts with that `-T ek` writes before each packet.
const INDEX: &str = r#"{"index":{"_index":"packets-"#;

/// The error if `-e` or `-j` left out the fields that are needed.
const NO_FIELDS: &str = "the JSON of tshark has no packet with its bytes, or with its addresses and TCP fields: \
                         give the capture itself, or write the JSON without -e and -j";

/// What to do to have all bytes.
const ALL_BYTES: &str = "for all of them, give the capture itself, or write the JSON with -x";

/// Returns whether this may be the start of an array of packets, or of packets in lines.
pub(super) fn looks_like_packets(start: &[u8]) -> bool {
    let has = |key: &[u8]| start.windows(key.len()).any(|part| part == key);
    let start = start.trim_ascii_start();
    start.starts_with(b"[") && has(b"\"_source\"") && has(b"\"layers\"") || is_ek(start)
}

/// Returns whether this starts like packets in lines, as `-T ek` writes them for Elasticsearch.
fn is_ek(start: &[u8]) -> bool {
    start.trim_ascii_start().starts_with(INDEX.as_bytes())
}

#[derive(Deserialize)]
struct Packet<'a> {
    #[serde(borrow, rename = "_source")]
    source: Option<Layers<'a>>,
    /// Those of `-T ek`.
    #[serde(borrow)]
    layers: Option<Pairs<'a>>,
}

#[derive(Deserialize)]
struct Layers<'a> {
    #[serde(borrow)]
    layers: Pairs<'a>,
}

/// Judges the packets.
pub(super) fn judge(mut input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let most = judging.memory / PART;
    let mut whole = Vec::new();
    if let Err(error) = input.by_ref().take(most.saturating_add(1)).read_to_end(&mut whole) {
        return Ok(Err(reason(&error)));
    }
    if whole.len() as u64 > most {
        drop(whole);
        let told = too_large("JSON of tshark", input, most, PART, "give the capture itself");
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let (packets, error) = match is_ek(&whole) {
        true => lines(&whole),
        false => match serde_json::from_slice(&whole) {
            Ok(packets) => (packets, None),
            Err(error) => (Vec::new(), Some(error)),
        },
    };
    // The last line may still be written.
    let error = match error {
        Some(error) if packets.is_empty() || !error.is_eof() => {
            return Ok(Err(format!("invalid JSON of tshark: {error}")));
        }
        error => error,
    };
    let mut answer = packets_of(&packets, judging)?;
    if let (Ok(notices), Some(error)) = (&mut answer, error) {
        notices.push(format!("the JSON of tshark is cut short, and its end is missing: {error}"));
    }
    Ok(answer)
}

/// Returns the packets of `-T ek`, and the error after them, if there is one.
fn lines(whole: &[u8]) -> (Vec<&RawValue>, Option<serde_json::Error>) {
    let mut packets = Vec::new();
    for packet in serde_json::Deserializer::from_slice(whole).into_iter::<&RawValue>() {
        match packet {
            // A line that names an index stands before each packet.
            Ok(line) if line.get().starts_with(INDEX) => {}
            Ok(packet) => packets.push(packet),
            Err(error) => return (packets, Some(error)),
        }
    }
    (packets, None)
}

/// Returns the layers of a packet.
fn layers<'a>(raw: &'a RawValue) -> Option<Pairs<'a>> {
    let packet: Packet<'_> = serde_json::from_str(raw.get()).ok()?;
    packet.source.map(|source| source.layers).or(packet.layers)
}

/// Returns the number and the time of a packet.
fn moment(layers: &Pairs<'_>, index: usize) -> Moment {
    let frame = layers.object("frame");
    let text = |key: &str| frame.as_ref().and_then(|frame| frame.text(key));
    let number = text("frame.number").and_then(|number| number.parse().ok());
    let time = text("frame.time_epoch").and_then(|time| epoch(&time)).unwrap_or_default();
    Moment { packet: number.unwrap_or(index as u64 + 1), time }
}

/// Parses a time: seconds with a fraction, or a date.
fn epoch(text: &str) -> Option<Duration> {
    match text.split_once('.').map_or((text, ""), |parts| parts) {
        (seconds, fraction)
            if fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit()) =>
        {
            let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
            Some(Duration::new(seconds.parse().ok()?, nanoseconds))
        }
        _ => crate::input::har::parse_time(&serde_json::Value::String(text.to_owned())),
    }
}

/// Returns the link type of a packet. The dissector numbers them in its own way.
fn link(layers: &Pairs<'_>) -> i32 {
    let encapsulation = layers.object("frame").and_then(|frame| frame.number("frame.encap_type"));
    match encapsulation {
        Some(4) => 9,
        Some(7 | 129 | 130) => 101,
        Some(15) => 0,
        Some(20) => 105,
        Some(23) => 127,
        Some(25) => 113,
        Some(210) => 276,
        Some(155) => 252,
        _ => 1,
    }
}

/// Judges each packet by the most that the file has of it.
fn packets_of(packets: &[&RawValue], judging: &mut Judging<'_>) -> io::Result<Answer> {
    // What TLS hides, the dissector may have decrypted.
    let decrypted: BTreeSet<u64> = packets
        .iter()
        .filter_map(|packet| {
            let layers = layers(packet)?;
            let hidden = layers.has("tls") || layers.has("ssl") || layers.has("http2");
            let stream = layers.object("tcp")?.number("tcp.stream")?;
            (hidden && layers.has("websocket")).then_some(stream)
        })
        .collect();
    let before = judging.tally.connections;
    let mut capture = Judge::default();
    let mut streams = Dissected::default();
    let mut has_any = false;
    for (index, packet) in packets.iter().enumerate() {
        let Some(layers) = layers(packet) else { continue };
        let at = moment(&layers, index);
        let tcp = layers.object("tcp");
        let ends = tcp.as_ref().and_then(|tcp| ends(&layers, tcp));
        let stream = tcp.as_ref().and_then(|tcp| tcp.number("tcp.stream"));
        let stream = stream.filter(|stream| decrypted.contains(stream));
        let whole = layers.all("frame_raw").next().and_then(text).and_then(|digits| bytes(&digits));
        has_any |= whole.is_some() || ends.is_some();
        match (stream, ends, whole, tcp) {
            (Some(stream), Some((from, to)), ..) => {
                streams.packet(stream, at, [from, to], &layers);
            }
            (None, _, Some(bytes), _) => capture.packet(at, link(&layers), &bytes, judging)?,
            (None, Some((from, to)), None, Some(tcp)) => {
                let payload = tcp.text("tcp.payload").and_then(|payload| bytes(&payload));
                let payload = payload.unwrap_or_default();
                if let Some(segment) = segment(at, [from, to], &tcp, &payload) {
                    capture.segment(&segment, judging)?;
                }
            }
            _ => {}
        }
    }
    if !has_any {
        return Ok(Err(no_traffic(NO_FIELDS)));
    }
    let was_any = !streams.is_empty();
    let others = judging.tally.connections;
    let unknown = streams.judge(judging)?;
    let before = before + (judging.tally.connections - others);
    let answer = capture.answer(before, judging)?;
    let mut notices = match answer {
        Err(error) if !was_any => return Ok(Err(error)),
        Err(_) => Vec::new(),
        Ok(notices) => notices,
    };
    if was_any {
        notices.insert(
            0,
            "what tshark decrypted is judged by its fields: whole frames as it read them, no bytes \
             between them, and no end of a connection"
                .to_owned(),
        );
    }
    if unknown > 0 {
        notices.push(format!(
            "payloads that the JSON does not have and that were not judged: {unknown}; {ALL_BYTES}"
        ));
    }
    Ok(Ok(notices))
}

/// Returns the endpoints of a segment.
fn ends(layers: &Pairs<'_>, tcp: &Pairs<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let [v4, v6] = ["ip", "ipv6"].map(|layer| layers.object(layer));
    let host = |end: &str| {
        let v6 = || v6.as_ref()?.text(&format!("ipv6.{end}"))?.parse().ok();
        v4.as_ref().and_then(|v4| v4.text(&format!("ip.{end}"))?.parse().ok()).or_else(v6)
    };
    let port = |end: &str| u16::try_from(tcp.number(&format!("tcp.{end}port"))?).ok();
    let address = |end: &str| Some(SocketAddr::new(host(end)?, port(end)?));
    Some((address("src")?, address("dst")?))
}

/// Returns the segment that the fields describe.
fn segment<'a>(
    at: Moment,
    [from, to]: [SocketAddr; 2],
    tcp: &Pairs<'_>,
    payload: &'a [u8],
) -> Option<Segment<'a>> {
    const FIN: u64 = 1;
    const SYN: u64 = 2;
    const RST: u64 = 4;
    const ACK: u64 = 16;
    let number = |name: &str| {
        // Older versions write the relative number only.
        let raw = tcp.number(&format!("tcp.{name}_raw"));
        raw.or_else(|| tcp.number(&format!("tcp.{name}"))).map(|number| number as u32)
    };
    let flags = tcp.number("tcp.flags")?;
    let len =
        tcp.number("tcp.len").and_then(|len| usize::try_from(len).ok()).unwrap_or(payload.len());
    Some(Segment {
        at,
        from,
        to,
        network: Network::NONE,
        seq: number("seq")?,
        acked: number("ack").unwrap_or_default(),
        syn: flags & SYN != 0,
        ack: flags & ACK != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        payload,
        not_captured: len.saturating_sub(payload.len()).min(1 << 16),
    })
}
