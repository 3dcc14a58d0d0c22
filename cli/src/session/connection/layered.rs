//! A connection whose bytes go to a layer.

use std::io;
use std::time::Duration;

use wsvet::Role;

use super::{Connection, Stage};
use crate::session::judging::Judging;
use crate::session::layer::{Layer, Layered, Stop};
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Moment;
use crate::transport::tcp::Stream;

impl Connection {
    /// Passes its bytes to a layer from now on.
    pub(super) fn wrap(
        &mut self,
        layer: Box<dyn Layer>,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let first = match &mut self.stage {
            Stage::Http(handshake, client) => [
                (*client, handshake.take(Role::Client)),
                (1 - *client, handshake.take(Role::Server)),
            ],
            _ => Default::default(),
        };
        let addresses = self.ends.each_ref().map(|end| end.address);
        self.stage = Stage::Layered(Box::new(Layered::new(layer, self.stream, addresses)));
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
            self.stage = Stage::Layered(layered);
            self.refuse(why);
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
