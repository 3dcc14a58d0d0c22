//! Reads a pcap or pcapng capture, and judges its TCP connections.

use std::io::{self, Read};
use std::time::Duration;

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{PcapError, create_reader};

use crate::input::answer::{Answer, no_traffic};
use crate::input::connections::Connections;
use crate::input::interfaces::Interfaces;
use crate::input::keys;
use crate::input::rotation::{Rotation, going_on};
use crate::session::judging::Judging;
use crate::transport::packet::{Content, Moment, dissect};

/// The initial size of the read buffer, in bytes: more than the largest usual packet.
pub(crate) const BUFFER: usize = 1 << 20;

/// The largest size of the read buffer, in bytes. A larger packet is treated as invalid.
const MAX_BUFFER: usize = 64 << 20;

/// The facts about a capture for its notices.
#[derive(Default)]
pub(crate) struct Summary {
    /// The number of packets that were read.
    packets: u64,
    /// The time of the last packet.
    last: Duration,
    /// The number of IP fragments with TCP.
    fragments: u64,
    /// The number of truncated TCP packets.
    not_whole: u64,
    /// The first unsupported link type, and the number of packets with an unsupported one.
    unknown_link: Option<(i32, u64)>,
    /// Whether connections go on from the capture before, or in the next one.
    pub(crate) is_part: bool,
    /// The number of connections that go on in the next capture.
    go_on: usize,
    /// Where and why reading stopped before the end of the capture.
    pub(crate) cut: Option<String>,
    /// Why no connection is judged, if there are connections.
    why: Option<String>,
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
        match (self.packets, &self.why) {
            (0, _) => "the capture has no packets that can be read".to_owned(),
            (_, Some(why)) => why.clone(),
            (1, None) => "the capture has no TCP packets (1 packet read)".to_owned(),
            (packets, None) => format!("the capture has no TCP packets ({packets} packets read)"),
        }
    }

    /// Returns the notices for the user.
    pub(crate) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::from_iter(self.cut.clone());
        if self.go_on > 0 {
            notices.push(format!("connections that go on in the next capture: {}", self.go_on));
        }
        if self.fragments > 0 {
            notices.push(format!(
                "IP fragments skipped: {} (they are not reassembled)",
                self.fragments
            ));
        }
        if self.not_whole > 0 {
            notices.push(format!(
                "truncated packets: {} (capture whole packets, with -s 0)",
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
pub(crate) fn answer(
    input: impl Read + Send,
    rotation: &mut Rotation<'_>,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let before = judging.tally.connections;
    let summary = judge(input, rotation, judging)?;
    if judging.tally.connections == before && !summary.is_part {
        return Ok(Err(summary.cut.clone().unwrap_or_else(|| no_traffic(&summary.nothing()))));
    }
    Ok(Ok(summary.notices()))
}

/// Judges every WebSocket connection of a capture.
pub(crate) fn judge(
    input: impl Read + Send,
    rotation: &mut Rotation<'_>,
    judging: &mut Judging<'_>,
) -> io::Result<Summary> {
    let mut summary = Summary::default();
    let mut connections = std::mem::take(&mut rotation.connections);
    summary.is_part = !connections.is_empty();
    let outcome = read(input, &mut summary, &mut connections, judging)?;
    summary.cut = outcome.err();
    if let Some(next) = rotation.next {
        let going_on = going_on(next, connections.open(), summary.last);
        rotation.connections = connections.carry_over(&going_on);
        summary.go_on = rotation.connections.len();
        summary.is_part |= summary.go_on > 0;
    }
    connections.finish(summary.last, judging)?;
    summary.why = judging.strays.why();
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
    let mut interfaces = Interfaces::default();
    let mut size = BUFFER;
    loop {
        let before = reader.data().len();
        match reader.next() {
            Ok((len, block)) => {
                if let Some((link, time, bytes)) = interfaces.packet(&block) {
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
                } else {
                    keys::take(&block, &mut judging.keys.borrow_mut());
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
