//! Reads a pcap or pcapng capture, and judges its TCP connections.

use std::io::{self, Read};
use std::time::Duration;

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{PcapError, create_reader};

use crate::input::answer::{Answer, no_traffic};
use crate::input::connections::Connections;
use crate::input::export::{self, Exported, exported};
use crate::input::interfaces::Interfaces;
use crate::input::keys;
use crate::input::redelivered::Redelivered;
use crate::input::retold::{Piece, Retold};
use crate::input::rotation::{Rotation, going_on};
use crate::session::judging::Judging;
use crate::transport::packet::{Content, Moment, Packets, Segment, Unread, name_of};

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
    /// The number of fragmented IP packets that were not put together.
    incomplete: u64,
    /// The number of truncated packets.
    not_whole: u64,
    /// The number of packets that end inside a header.
    cut_headers: u64,
    /// The number of packets that cannot be read, by their reasons.
    unread: [u64; Unread::ALL.len()],
    /// Whether packets are bytes of connections that Wireshark exported.
    is_exported: bool,
    /// The first protocol of exported packets that are not read, and the number of these packets.
    exported_other: Option<(String, u64)>,
    /// The first unsupported link type, and the number of packets with an unsupported one.
    unknown_link: Option<(i32, u64)>,
    /// Whether connections go on from the capture before, or in the next one.
    pub(crate) is_part: bool,
    /// The number of connections that go on in the next capture.
    go_on: usize,
    /// What was skipped before connections.
    skipped: Vec<String>,
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
                "the packets have {}, which is not read: capture on an interface of Ethernet, IP, \
                 PPP, 802.11 or Linux cooked mode",
                named(link)
            );
        }
        if let (Some((name, _)), false) = (&self.exported_other, self.is_exported) {
            return format!(
                "the capture has exported PDUs of {name}, which are not the bytes of a connection: \
                 export those of OSI layer 7, or give the capture itself"
            );
        }
        let unread = Unread::ALL.into_iter().max_by_key(|why| self.unread[*why as usize]);
        let unread = unread.filter(|why| self.unread[*why as usize] > 0);
        match (self.packets, &self.why, unread) {
            (0, ..) => "the capture has no packets that can be read".to_owned(),
            (_, Some(why), _) => why.clone(),
            _ if self.incomplete > 0 => {
                "the capture has fragments of IP packets, and the other fragments are missing"
                    .to_owned()
            }
            (packets, None, Some(why)) => {
                let count = self.unread[why as usize];
                format!("{count} of {packets} packets are {}", why.text())
            }
            _ if self.cut_headers > 0 => {
                "the packets are truncated inside their headers: capture whole packets, with -s 0"
                    .to_owned()
            }
            (1, ..) => "the capture has no TCP packets (1 packet read)".to_owned(),
            (packets, ..) => format!("the capture has no TCP packets ({packets} packets read)"),
        }
    }

    /// Returns the notices for the user.
    pub(crate) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::from_iter(self.cut.clone());
        notices.extend_from_slice(&self.skipped);
        if self.go_on > 0 {
            notices.push(format!("connections that go on in the next capture: {}", self.go_on));
        }
        if self.incomplete > 0 {
            notices.push(format!(
                "IP packets that lack fragments: {} (or whose fragments contradict each other)",
                self.incomplete
            ));
        }
        if self.not_whole > 0 {
            notices.push(format!(
                "truncated packets: {} (capture whole packets, with -s 0)",
                self.not_whole
            ));
        }
        // Garbled bytes before the place where reading stopped are no packets.
        if self.cut_headers > 0 && self.cut.is_none() {
            notices.push(format!(
                "packets that end inside a header: {} (capture whole packets, with -s 0)",
                self.cut_headers
            ));
        }
        if let Some((link, packets)) = self.unknown_link {
            notices.push(format!("packets skipped: {packets} ({} is not read)", named(link)));
        }
        if self.is_exported {
            notices.push(
                "exported PDUs contain what the dissector passed on: no missing packets, and no end of a \
                 connection"
                    .to_owned(),
            );
        }
        if let Some((name, count)) = &self.exported_other {
            notices.push(format!("exported PDUs skipped: {count} (the first of {name})"));
        }
        let unread = Unread::ALL.into_iter().zip(self.unread).filter(|(_, packets)| *packets > 0);
        let unread =
            unread.map(|(why, count)| format!("packets skipped: {count} ({})", why.text()));
        notices.extend(unread);
        notices
    }

    /// Takes the content of a packet.
    fn content(
        &mut self,
        content: Content<'_>,
        connections: &mut Connections,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        match content {
            Content::Tcp(segment) => {
                self.not_whole += u64::from(segment.not_captured > 0);
                connections.segment(&segment, judging)?;
            }
            Content::Cut => self.cut_headers += 1,
            Content::Unread(why) => self.unread[why as usize] += 1,
            Content::UnknownLink(link) => self.unknown_link.get_or_insert((link, 0)).1 += 1,
            Content::Fragment | Content::Other => {}
        }
        Ok(())
    }
}

/// Returns the number of a link type, and its name if it is known.
fn named(link: i32) -> String {
    name_of(link).map_or(format!("link type {link}"), |name| format!("link type {link} ({name})"))
}

/// The packets of a capture, and their connections.
#[derive(Default)]
pub(crate) struct Judge {
    summary: Summary,
    packets: Packets,
    redelivered: Redelivered,
    retold: Retold,
    connections: Connections,
}

impl Judge {
    /// Takes the next packet.
    pub(crate) fn packet(
        &mut self,
        at: Moment,
        link: i32,
        bytes: &[u8],
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.see(at);
        if link == export::LINK {
            return self.exported(at, bytes, judging);
        }
        let Self { summary, packets, connections, .. } = self;
        packets
            .dissect(at, link, bytes, &mut |content| summary.content(content, connections, judging))
    }

    /// Takes the next segment of TCP.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.see(segment.at);
        self.connections.segment(segment, judging)
    }

    /// Takes what Wireshark exported of a packet.
    fn exported(&mut self, at: Moment, bytes: &[u8], judging: &mut Judging<'_>) -> io::Result<()> {
        let Self { summary, packets, redelivered, retold, connections } = self;
        match exported(bytes) {
            Exported::Packet(link, bytes) => packets.dissect(at, link, bytes, &mut |content| {
                summary.content(content, connections, judging)
            }),
            Exported::Bytes { from, to, bytes, numbers, is_http2 } => {
                summary.is_exported = true;
                let bytes = match numbers {
                    Some(_) => bytes,
                    None => redelivered.only_new((from, to), bytes, is_http2),
                };
                let piece = Piece { from, to, bytes, numbers, at };
                retold.piece(&piece, &mut |segment| connections.segment(segment, judging))
            }
            Exported::Other(name) => {
                summary.exported_other.get_or_insert((name, 0)).1 += 1;
                Ok(())
            }
            Exported::Cut => {
                summary.cut_headers += 1;
                Ok(())
            }
        }
    }

    fn see(&mut self, at: Moment) {
        self.summary.packets += 1;
        self.summary.last = self.summary.last.max(at.time);
    }

    /// Ends all connections.
    fn finish(mut self, judging: &mut Judging<'_>) -> io::Result<Summary> {
        self.summary.incomplete = self.packets.incomplete();
        self.connections.finish(self.summary.last, judging)?;
        self.summary.why = judging.strays.why();
        self.summary.skipped = judging.skipped.take();
        Ok(self.summary)
    }

    /// Ends all connections. Returns the notices, or why nothing was judged since there were `before`
    /// connections.
    pub(crate) fn answer(self, before: usize, judging: &mut Judging<'_>) -> io::Result<Answer> {
        let summary = self.finish(judging)?;
        Ok(if judging.tally.connections == before {
            Err(no_traffic(&summary.nothing()))
        } else {
            Ok(summary.notices())
        })
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
    let connections = std::mem::take(&mut rotation.connections);
    let mut judge = Judge { connections, ..Judge::default() };
    judge.summary.is_part = !judge.connections.is_empty();
    let outcome = read(input, &mut judge, judging)?;
    judge.summary.cut = outcome.err();
    if let Some(next) = rotation.next {
        let going_on = going_on(next, judge.connections.open(), judge.summary.last);
        rotation.connections = judge.connections.carry_over(&going_on);
        judge.summary.go_on = rotation.connections.len();
        judge.summary.is_part |= judge.summary.go_on > 0;
    }
    judge.finish(judging)
}

/// Reads all packets. The outer error comes from the report, the inner one from the capture.
fn read(
    input: impl Read + Send,
    judge: &mut Judge,
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
                    let at = Moment { packet: judge.summary.packets + 1, time };
                    judge.packet(at, link, bytes, judging)?;
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
                    return Ok(Err(cut(&*reader, &judge.summary, reason(&PcapError::ReadError))));
                }
            }
            Err(PcapError::BufferTooSmall) => {
                // Memory grows only for bytes that exist, not for a length in a header.
                let full = before >= size;
                if full && !grow(&mut *reader, &mut size) || reader.refill().is_err() {
                    return Ok(Err(cut(
                        &*reader,
                        &judge.summary,
                        reason(&PcapError::BufferTooSmall),
                    )));
                }
            }
            Err(error) => {
                let reason = reason(&error);
                return Ok(Err(cut(&*reader, &judge.summary, reason)));
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
