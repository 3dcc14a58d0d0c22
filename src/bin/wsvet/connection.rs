//! One TCP connection: segments in, the upgrade found, both directions judged.

use std::io;
use std::net::SocketAddr;

use wsvet::Role;

use crate::args::Limits;
use crate::http::{Agreement, Handshake, Progress};
use crate::judge::{Judge, Record, Thoroughness};
use crate::packet::Segment;
use crate::report::{Place, Report};
use crate::tcp::Stream;

/// One TCP connection of a capture.
pub(crate) struct Connection {
    /// The number of the TCP stream in the capture, from 0, as other dissectors count them.
    pub(crate) stream: usize,
    ends: [End; 2],
    stage: Stage,
    /// An end went without a Close: how the other goes then says nothing about it.
    abandoned: bool,
}

/// One end of the connection: what it sends.
struct End {
    address: SocketAddr,
    stream: Stream,
    /// The stream was ended, by FIN or RST.
    ended: bool,
}

enum Stage {
    /// It is not known yet which end is the client.
    Unknown,
    /// HTTP, and which end is the client.
    Http(Handshake, usize),
    /// Frames: the judge of what each end sends.
    Frames(Box<[Judge; 2]>, usize),
    /// Never any frames, and why.
    Other(&'static str),
}

/// What all connections share.
pub(crate) struct Judging<'a> {
    pub(crate) limits: Limits,
    pub(crate) thoroughness: Thoroughness,
    pub(crate) report: &'a mut dyn Report,
    pub(crate) tally: Tally,
}

/// How much was judged.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    /// WebSocket connections.
    pub(crate) connections: usize,
    /// Frames that are complete and break nothing.
    pub(crate) frames: u64,
    pub(crate) violations: u64,
    /// Directions that were judged only up to a gap in the capture.
    pub(crate) gaps: u64,
    /// Inputs that could not be judged.
    pub(crate) unusable: usize,
}

impl<'a> Judging<'a> {
    pub(crate) fn new(
        limits: Limits,
        thoroughness: Thoroughness,
        report: &'a mut dyn Report,
    ) -> Self {
        Self { limits, thoroughness, report, tally: Tally::default() }
    }

    /// The number of the next WebSocket connection.
    pub(crate) fn next_connection(&mut self) -> usize {
        self.tally.connections += 1;
        self.tally.connections - 1
    }

    /// Tells the report that a direction is judged only up to here.
    fn gap(&mut self, judge: &Judge, stream: usize, missing: u64) -> io::Result<()> {
        self.tally.gaps += 1;
        self.report.gap(&place(judge, stream, None), judge.offset(), missing)
    }

    /// Passes a record on to the report.
    pub(crate) fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(_) => self.tally.frames += 1,
            Record::Broken(_) => self.tally.violations += 1,
            Record::Incomplete(_) => {}
        }
        self.report.record(place, record)
    }
}

impl Connection {
    pub(crate) fn new(stream: usize, first: &Segment<'_>) -> Self {
        let end = |address| End { address, stream: Stream::default(), ended: false };
        Self {
            stream,
            ends: [end(first.from), end(first.to)],
            stage: Stage::Unknown,
            abandoned: false,
        }
    }

    /// Whether this segment opens another connection between the same ends.
    pub(crate) fn is_succeeded_by(&self, segment: &Segment<'_>) -> bool {
        let over = !segment.ack && self.ends.iter().all(|end| end.ended);
        segment.syn && (over || !self.ends[self.sender(segment)].stream.may_start_with(segment))
    }

    /// Takes the next segment, in the order of the capture.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let from = self.sender(segment);
        let stream = &mut self.ends[from].stream;
        let mut bytes = Vec::new();
        let mut sink = |run: &[u8]| bytes.extend_from_slice(run);
        stream.segment(segment, &mut sink);
        let mut client = segment.syn.then_some(if segment.ack { 1 - from } else { from });
        if !stream.is_placed()
            && let Some(role) = stream.peek().and_then(Handshake::sender)
        {
            stream.place(&mut sink);
            client = Some(if role == Role::Client { from } else { 1 - from });
        }
        if let (Stage::Unknown, Some(client)) = (&self.stage, client) {
            self.stage = Stage::Http(Handshake::default(), client);
        }
        if !bytes.is_empty() && !self.ends[from].ended {
            self.bytes(from, &bytes, segment.packet, judging)?;
        }
        let stream = &mut self.ends[from].stream;
        if stream.is_finished() || segment.rst && stream.is_in_window(segment) {
            self.end(from, segment.packet, judging)?;
        }
        Ok(())
    }

    fn sender(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.ends[0].address != segment.from)
    }

    /// Ends the connection with the capture.
    pub(crate) fn finish(mut self, judging: &mut Judging<'_>) -> io::Result<Option<&'static str>> {
        let Stage::Frames(judges, client) = &mut self.stage else {
            let gap = self.ends.iter().any(|end| end.stream.gap().is_some());
            return Ok(Some(match self.stage {
                Stage::Other(why) => why,
                _ if gap => "bytes of its HTTP heads are missing in the capture",
                _ => "no WebSocket upgrade was captured",
            }));
        };
        for from in [*client, 1 - *client] {
            let place = place(&judges[from], self.stream, None);
            let end = &self.ends[from];
            if let (Some(missing), false) = (end.stream.gap(), end.ended) {
                judging.gap(&judges[from], self.stream, missing)?;
            }
            judges[from].end(false, &mut |record| judging.record(&place, &record))?;
        }
        Ok(None)
    }

    /// Takes bytes of one end that are in order.
    fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        packet: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        match &mut self.stage {
            Stage::Unknown | Stage::Other(_) => Ok(()),
            Stage::Frames(judges, _) => {
                let place = place(&judges[from], self.stream, Some(packet));
                judges[from].feed(bytes, &mut |record| judging.record(&place, &record))
            }
            Stage::Http(handshake, client) => {
                let sender = if from == *client { Role::Client } else { Role::Server };
                match handshake.feed(sender, bytes) {
                    Progress::Waiting => Ok(()),
                    Progress::Other(why) => {
                        self.stage = Stage::Other(why);
                        Ok(())
                    }
                    Progress::Upgraded(agreement) => self.upgrade(&agreement, packet, judging),
                }
            }
        }
    }

    /// The upgrade is done: what has come after the heads is judged at once.
    fn upgrade(
        &mut self,
        agreement: &Agreement,
        packet: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Stage::Http(handshake, client) = &mut self.stage else { return Ok(()) };
        let client = *client;
        let first =
            [(client, handshake.take(Role::Client)), (1 - client, handshake.take(Role::Server))];
        let number = judging.next_connection();
        judging.report.connection(
            number,
            self.ends[client].address,
            self.ends[1 - client].address,
            agreement,
        )?;
        let judge = |end| {
            let receiver = if end == client { Role::Server } else { Role::Client };
            let policy = judging.limits.policy(receiver, agreement.permessage_deflate);
            Judge::new(number, policy, judging.thoroughness)
        };
        self.stage = Stage::Frames(Box::new([judge(0), judge(1)]), client);
        for (from, bytes) in first {
            self.bytes(from, &bytes, packet, judging)?;
        }
        for from in 0..2 {
            if std::mem::take(&mut self.ends[from].ended) {
                self.end(from, packet, judging)?;
            }
        }
        Ok(())
    }

    /// One end sends no more.
    fn end(&mut self, from: usize, packet: u64, judging: &mut Judging<'_>) -> io::Result<()> {
        if std::mem::replace(&mut self.ends[from].ended, true) {
            return Ok(());
        }
        let Stage::Frames(judges, _) = &mut self.stage else { return Ok(()) };
        let judge = &mut judges[from];
        let place = place(judge, self.stream, Some(packet));
        let stream = &self.ends[from].stream;
        if let Some(missing) = stream.gap() {
            judging.gap(judge, self.stream, missing)?;
            return judge.end(false, &mut |record| judging.record(&place, &record));
        }
        let eof = !self.abandoned;
        judge.end(eof, &mut |record| judging.record(&place, &record))?;
        self.abandoned |= !judge.is_closed();
        Ok(())
    }
}

fn place(judge: &Judge, stream: usize, packet: Option<u64>) -> Place {
    Place { connection: judge.connection(), from: judge.sender(), stream: Some(stream), packet }
}
