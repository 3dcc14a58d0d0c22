//! A connection whose bytes go to a layer.

use std::io;
use std::time::Duration;

use wsvet::Role;

use super::{Connection, Stage};
use crate::session::judging::Judging;
use crate::session::layer::{self, Layer, Layered, MOST_LAYERS, Stop};
use crate::session::unjudged::Unjudged;
use crate::transport::packet::{Moment, Segment};
use crate::transport::tcp::Stream;

impl Connection {
    /// Creates a connection inside as many layers, which starts with this segment.
    pub fn inside(stream: usize, first: &Segment<'_>, depth: u32) -> Self {
        Self { depth, ..Self::new(stream, first) }
    }

    /// Returns the layer of the connection, if it is not judged as it is, for this reason.
    pub(super) fn layer(&self, why: Unjudged, judging: &Judging<'_>) -> Option<Box<dyn Layer>> {
        let (client, target) = match &self.stage {
            Stage::Http(handshake, client) => (Some(*client), handshake.tunnel()),
            _ => (None, None),
        };
        let found = || layer::of(why, client, target.map(str::to_owned), judging);
        if self.depth < MOST_LAYERS { found() } else { None }
    }

    /// Passes its bytes to a layer from now on.
    pub(super) fn wrap(
        &mut self,
        layer: Box<dyn Layer>,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let client = self.client();
        let first = match &mut self.stage {
            Stage::Http(handshake, client) => [
                (*client, handshake.take(Role::Client)),
                (1 - *client, handshake.take(Role::Server)),
            ],
            _ => Default::default(),
        };
        let addresses = self.ends.each_ref().map(|end| end.address);
        let layered = Layered::new(layer, client, self.stream, addresses, self.depth + 1);
        self.stage = Stage::Layered(Box::new(layered));
        // A stream that has ended is ended again below, after its bytes.
        let ended = [0, 1].map(|end| self.ends[end].ended.take());
        for (from, bytes) in first {
            self.bytes(from, &bytes, at, judging)?;
        }
        for (from, ended) in ended.into_iter().enumerate() {
            if let Some((how, at)) = ended {
                self.end(from, how, at, judging)?;
            }
        }
        Ok(())
    }

    /// Passes its bytes to a layer, if the connection begins in the middle.
    pub(super) fn join_layer(
        &mut self,
        layer: Box<dyn Layer>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let backlog = std::mem::take(&mut self.backlog);
        for (index, end) in self.ends.iter_mut().enumerate() {
            end.reset = None;
            end.stream = backlog.first(index).map_or_else(Stream::default, Stream::starting_at);
        }
        self.wrap(layer, self.last, judging)?;
        self.replay(backlog, judging)
    }

    /// Gives up the connection if its layer goes no further.
    pub(super) fn unless_stopped(
        &mut self,
        done: Result<(), Stop>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(Stop::Report(error)) => Err(error),
            Err(Stop::Unjudged(why)) => self.give_up(why, None, judging),
        }
    }

    /// Gives up the connections inside, or this one if there are none.
    pub(super) fn give_up_layer(
        &mut self,
        mut layered: Box<Layered>,
        why: Unjudged,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let why = if why == Unjudged::Memory { layered.layer().given_up() } else { why };
        if !layered.give_up(why, judging)? {
            // What is cut from a handshake hides its keys.
            let hides =
                matches!(why, Unjudged::TlsNoKey | Unjudged::TlsBegun | Unjudged::TlsBroken);
            self.stage = Stage::Layered(layered);
            self.refuse(if self.is_cut && hides { Unjudged::Cut } else { why });
        }
        Ok(())
    }

    /// Ends the layer and what is inside.
    pub(super) fn finish_layer(
        &mut self,
        until: Duration,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if let Stage::Layered(layered) = &mut self.stage {
            let done = layered.finish(judging);
            self.unless_stopped(done, judging)?;
        }
        if let Stage::Layered(layered) = &mut self.stage {
            layered.close(until, judging)?;
            self.stage = Stage::Over;
            self.forget();
        }
        Ok(())
    }
}
