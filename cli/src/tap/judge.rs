//! Judges what passes, as the packets of a capture are judged.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use wsvet::{End, Role};

use super::packets::Packets;
use super::pcapng::Pcapng;
use super::queue::{Batch, Event, What};
use crate::input::connections::{Connections, ends};
use crate::session::judging::Judging;
use crate::transport::packet::{Moment, Segment};

/// Judges the connections, and writes them as a capture.
pub(super) struct Judge<W: Write> {
    connections: Connections,
    open: HashMap<u64, Packets>,
    /// The number of packets so far.
    packets: u64,
    /// The time of the last packet.
    last: Duration,
    capture: Option<Pcapng<W>>,
    /// Why no more is written to the capture.
    failed: Option<io::Error>,
}

impl<W: Write> Judge<W> {
    /// Creates a judge that writes to this capture, if there is one.
    pub(super) fn new(capture: Option<Pcapng<W>>) -> Self {
        Self {
            connections: Connections::default(),
            open: HashMap::new(),
            packets: 0,
            last: Duration::ZERO,
            capture,
            failed: None,
        }
    }

    /// Judges a batch. `note` receives what people must be told besides the report.
    pub(super) fn batch(
        &mut self,
        batch: &Batch,
        judging: &mut Judging<'_>,
        note: &mut dyn FnMut(&str),
    ) -> io::Result<()> {
        let mut bytes = &batch.bytes[..];
        for event in &batch.events {
            let (now, rest) = match event.what {
                What::Bytes(_, len) => bytes.split_at(len),
                _ => (&[][..], bytes),
            };
            bytes = rest;
            if let What::Note(text) = &event.what {
                // The rows before it come first.
                judging.report.flush()?;
                note(text);
            }
            self.event(event, now, judging)?;
            if let Some(error) = self.failed.take() {
                self.capture = None;
                note(&format!("the rest is not written: {error}"));
                judging.tally.unusable += 1;
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, bytes: &[u8], judging: &mut Judging<'_>) -> io::Result<()> {
        let number = event.connection;
        if let What::Opened(ends) = &event.what {
            self.open.insert(number, Packets::new(number, **ends));
        }
        let Self { connections, open, packets, last, capture, failed } = self;
        let Some(flow) = open.get_mut(&number) else { return Ok(()) };
        let at = Moment { packet: *packets + 1, time: event.at.max(*last) };
        let mut take = |segment: &Segment<'_>| {
            *packets += 1;
            *last = segment.at.time;
            if let Some(capture) = capture
                && let Err(error) = capture.segment(segment)
            {
                *failed = Some(error);
            }
            connections.segment(segment, judging)
        };
        match &event.what {
            What::Opened(_) => flow.open(at, &mut take),
            What::Connected => {
                flow.accept(at, &mut take)?;
                flow.acknowledge(Role::Client, Moment { packet: at.packet + 1, ..at }, &mut take)
            }
            What::Unreachable => flow.end(Role::Server, End::Reset, at, &mut take),
            What::Bytes(from, _) => flow.bytes(*from, bytes, at, &mut take),
            What::Delivered(to) => flow.acknowledge(*to, at, &mut take),
            What::Ended(from, how) => flow.end(*from, *how, at, &mut take),
            What::Note(_) => Ok(()),
            What::Over => {
                let [client, server] = flow.ends();
                let between = ends(&Segment::empty(at, client, server));
                open.remove(&number);
                connections.settle(between, *last, judging)
            }
        }
    }

    /// Writes what is buffered, as nothing more comes for now.
    pub(super) fn pause(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        if let Some(Err(error)) = self.capture.as_mut().map(Pcapng::flush) {
            self.failed = Some(error);
        }
        judging.report.flush()
    }

    /// Ends all connections.
    pub(super) fn finish(
        mut self,
        judging: &mut Judging<'_>,
        note: &mut dyn FnMut(&str),
    ) -> io::Result<()> {
        self.pause(judging)?;
        if let Some(error) = self.failed {
            note(&format!("the end is not written: {error}"));
            judging.tally.unusable += 1;
        }
        self.connections.finish(self.last, judging)
    }
}
