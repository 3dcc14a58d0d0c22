//! Reads a pcap or pcapng capture, and judges its TCP connections.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use crate::input::answer::{Answer, no_traffic};
use crate::session::connection::{Connection, Succession, Unjudged};
use crate::session::judging::Judging;
use crate::transport::packet::{Content, Moment, Segment, dissect};

/// The initial size of the read buffer, in bytes: more than the largest usual packet.
const BUFFER: usize = 1 << 20;

/// The largest size of the read buffer, in bytes. A larger packet is treated as invalid.
const MAX_BUFFER: usize = 64 << 20;

/// The facts about a capture for its notices.
#[derive(Default)]
pub(crate) struct Summary {
    /// The number of packets that were read.
    packets: u64,
    /// The time of the last packet.
    last: Duration,
    /// The number of TCP connections.
    connections: usize,
    /// The number of IP fragments with TCP.
    fragments: u64,
    /// The number of truncated TCP packets.
    not_whole: u64,
    /// The first unsupported link type, and the number of packets with an unsupported one.
    unknown_link: Option<(i32, u64)>,
    /// Where and why reading stopped before the end of the capture.
    pub(crate) cut: Option<String>,
    /// The number of connections that may be WebSocket connections and were not judged, and why the
    /// last of them was not.
    unjudged: (u64, &'static str),
    /// Why the last other connection is not a WebSocket connection.
    other: Option<String>,
}

impl Summary {
    /// Returns why there was nothing to judge.
    pub(crate) fn nothing(&self) -> String {
        if let Some((link, _)) = self.unknown_link {
            return format!(
                "the packets have link type {link}, which is not supported: use Ethernet, \
                 Linux cooked mode, raw IP or loopback"
            );
        }
        match (self.packets, self.connections, &self.other) {
            (0, ..) => "the capture has no packets that can be read".to_owned(),
            (1, 0, _) => "the capture has no TCP packets (1 packet read)".to_owned(),
            (packets, 0, _) => format!("the capture has no TCP packets ({packets} packets read)"),
            (_, 1, Some(why)) => why.clone(),
            (_, n, why) => {
                let why = why.as_deref().unwrap_or_default();
                format!(
                    "none of {n} TCP connections was upgraded to WebSocket; the last one: {why}; \
                     if the traffic is encrypted, decrypt it first"
                )
            }
        }
    }

    /// Returns the notices for the user.
    pub(crate) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::from_iter(self.cut.clone());
        if let (n @ 1.., why) = self.unjudged {
            notices.push(format!("TCP connections that were not judged: {n} (the last: {why})"));
        }
        if self.fragments > 0 {
            notices.push(format!(
                "IP fragments skipped: {} (they are not reassembled)",
                self.fragments
            ));
        }
        if self.not_whole > 0 {
            notices.push(format!(
                "truncated packets: {} (capture with a larger snapshot length)",
                self.not_whole
            ));
        }
        if let Some((link, packets)) = self.unknown_link {
            notices.push(format!("packets skipped: {packets} (link type {link} is not supported)"));
        }
        notices
    }
}

/// Judges every WebSocket connection of a capture. Returns its notices, or why nothing was judged.
pub(crate) fn answer(input: impl Read + Send, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let before = judging.tally.connections;
    let summary = judge(input, judging)?;
    if judging.tally.connections == before {
        return Ok(Err(summary.cut.clone().unwrap_or_else(|| no_traffic(&summary.nothing()))));
    }
    Ok(Ok(summary.notices()))
}

/// Judges every WebSocket connection of a capture.
pub(crate) fn judge(input: impl Read + Send, judging: &mut Judging<'_>) -> io::Result<Summary> {
    let mut summary = Summary::default();
    let mut connections = Connections::default();
    let outcome = read(input, &mut summary, &mut connections, judging)?;
    summary.cut = outcome.err();
    summary.connections = connections.all.len();
    for connection in connections.all {
        if let Some(Unjudged { websocket, why }) = connection.finish(summary.last, judging)? {
            judging.tally.unjudged += u64::from(websocket);
            if websocket {
                summary.unjudged.1 = why;
                summary.unjudged.0 += 1;
            }
            summary.other = Some(why.to_owned());
        }
    }
    Ok(summary)
}

/// Reads all packets. The outer error comes from the report, the inner one from the capture.
fn read(
    input: impl Read + Send,
    summary: &mut Summary,
    connections: &mut Connections,
    judging: &mut Judging<'_>,
) -> io::Result<Result<(), String>> {
    let mut reader = match create_reader(BUFFER, input) {
        Ok(reader) => reader,
        Err(PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_)) => {
            return Ok(Err("the input ends inside the header of the capture".to_owned()));
        }
        Err(error) => return Ok(Err(reason(&error).to_owned())),
    };
    let mut interfaces = Vec::new();
    let mut size = BUFFER;
    loop {
        let before = reader.data().len();
        match reader.next() {
            Ok((len, block)) => {
                if let Some((link, time, bytes)) = packet(&block, &mut interfaces) {
                    summary.packets += 1;
                    summary.last = summary.last.max(time);
                    let at = Moment { packet: summary.packets, time };
                    match dissect(at, link, bytes) {
                        Content::Tcp(segment) => {
                            summary.not_whole += u64::from(segment.not_captured > 0);
                            connections.segment(&segment, judging)?;
                        }
                        Content::Other => {}
                        Content::Fragment => summary.fragments += 1,
                        Content::UnknownLink => {
                            let (_, count) = summary.unknown_link.get_or_insert((link, 0));
                            *count += 1;
                        }
                    }
                }
                reader.consume(len);
            }
            Err(PcapError::Eof) => return Ok(Ok(())),
            Err(PcapError::Incomplete(_)) => {
                let refilled = reader.refill().is_ok();
                let more = reader.data().len() > before || reader.reader_exhausted();
                if !refilled || (!more && !grow(&mut *reader, &mut size)) {
                    return Ok(Err(cut(&*reader, summary, reason(&PcapError::ReadError))));
                }
            }
            Err(PcapError::BufferTooSmall) => {
                // Memory grows only for bytes that exist, not for a length in a header.
                let full = before >= size;
                if full && !grow(&mut *reader, &mut size) || reader.refill().is_err() {
                    return Ok(Err(cut(&*reader, summary, reason(&PcapError::BufferTooSmall))));
                }
            }
            Err(error) => {
                let reason = reason(&error);
                return Ok(Err(cut(&*reader, summary, reason)));
            }
        }
    }
}

fn grow(reader: &mut dyn PcapReaderIterator, size: &mut usize) -> bool {
    *size *= 2;
    *size <= MAX_BUFFER && reader.grow(*size)
}

fn cut(reader: &dyn PcapReaderIterator, summary: &Summary, reason: &str) -> String {
    let (packets, at) = (summary.packets, reader.consumed());
    format!("reading stopped after packet {packets}, at byte {at}: {reason}")
}

fn reason(error: &PcapError<&[u8]>) -> &'static str {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => {
            "the input ends inside a packet"
        }
        PcapError::HeaderNotRecognized => "the input is neither pcap nor pcapng",
        PcapError::ReadError => "the rest cannot be read",
        PcapError::BufferTooSmall => "the next packet has an impossible length",
        PcapError::NomError(..) | PcapError::OwnedNomError(..) => "the next bytes are not a packet",
    }
}

/// An interface of a capture.
struct Interface {
    link: i32,
    /// The number of timestamp units in a second.
    second: u64,
}

impl Interface {
    /// Converts seconds and timestamp units to a time.
    fn time(&self, seconds: u64, units: u64) -> Duration {
        let second = self.second.max(1);
        let rest = u128::from(units % second) * 1_000_000_000 / u128::from(second);
        Duration::from_secs(seconds.saturating_add(units / second))
            .saturating_add(Duration::from_nanos(rest as u64))
    }
}

/// Returns the link type, the time and the bytes of a packet. `interfaces` stores all interfaces.
fn packet<'a>(
    block: &'a PcapBlockOwned<'_>,
    interfaces: &mut Vec<Interface>,
) -> Option<(i32, Duration, &'a [u8])> {
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let second = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
            // The upper bits tell whether a frame check sequence follows.
            *interfaces = vec![Interface { link: header.network.0 & 0xFFFF, second }];
            None
        }
        PcapBlockOwned::Legacy(packet) => {
            let interface = interfaces.first()?;
            let time = interface.time(packet.ts_sec.into(), packet.ts_usec.into());
            Some((interface.link, time, packet.data))
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            interfaces.clear();
            None
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            let second = interface.ts_resolution().unwrap_or(1_000_000);
            interfaces.push(Interface { link: interface.linktype.0, second });
            None
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let interface = interfaces.get(packet.if_id as usize)?;
            let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            Some((interface.link, interface.time(0, units), packet.packet_data()))
        }
        // A simple packet block has no time.
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
            Some((interfaces.first()?.link, Duration::ZERO, packet.packet_data()))
        }
        PcapBlockOwned::NG(_) => None,
    }
}

/// All TCP connections of a capture.
#[derive(Default)]
struct Connections {
    all: Vec<Connection>,
    /// The latest connection between two addresses. The key has the lower address first.
    latest: HashMap<(SocketAddr, SocketAddr), Latest>,
}

#[derive(Clone, Copy)]
struct Latest {
    /// The connection to which segments belong.
    index: usize,
    /// The connection that the last SYN has perhaps opened.
    perhaps: Option<usize>,
}

impl Connections {
    fn segment(&mut self, segment: &Segment<'_>, judging: &mut Judging<'_>) -> io::Result<()> {
        let (from, to) = (segment.from, segment.to);
        let ends = if from <= to { (from, to) } else { (to, from) };
        let (index, latest) = self.choose(self.latest.get(&ends).copied(), segment);
        self.latest.insert(ends, latest);
        self.all[index].segment(segment, judging)
    }

    /// Returns the connection to which the segment belongs, and the latest connection after it.
    fn choose(&mut self, latest: Option<Latest>, segment: &Segment<'_>) -> (usize, Latest) {
        let new = self.all.len();
        let opened = Latest { index: new, perhaps: None };
        let Some(latest) = latest else {
            self.all.push(Connection::new(new, segment));
            return (new, opened);
        };
        if let Some(perhaps) = latest.perhaps
            && let Ok([before, after]) = self.all.get_disjoint_mut([latest.index, perhaps])
            && after.takes_over(before, segment)
        {
            let proven = Latest { index: perhaps, perhaps: None };
            return (perhaps, if after.is_proven_by(segment) { proven } else { latest });
        }
        let latest = match self.all[latest.index].is_succeeded_by(segment) {
            Succession::No => return (latest.index, latest),
            Succession::Perhaps => Latest { perhaps: Some(new), ..latest },
            Succession::Yes => opened,
        };
        self.all.push(Connection::new(new, segment));
        (new, latest)
    }
}
