//! Bytes that the capture lacks.

use std::io;

use super::{Connection, Stage, role};
use crate::session::judging::Judging;

impl Connection {
    /// Returns whether the capture lacks bytes before others.
    pub(super) fn has_gap(&self) -> bool {
        self.ends.iter().any(|end| end.stream.gap().or(end.stream.lost()).is_some())
    }

    /// Skips missing bytes if all of them are in one payload, or in a layer. Returns whether they are.
    pub(super) fn pass_over(
        &mut self,
        from: usize,
        missing: u64,
        tell: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let passed = match &mut self.stage {
            Stage::Frames(frames, client) => {
                frames.pass_over(role(from, *client), missing, tell, self.last, judging)?
            }
            Stage::Http2(streams, client) => streams.lack(role(from, *client), missing, judging)?,
            Stage::Layered(layered) => {
                let done = layered.lost(from, missing, self.last, judging);
                self.unless_stopped(done, judging)?;
                true
            }
            _ => false,
        };
        if passed {
            self.ends[from].stream.pass_over(missing);
        }
        Ok(passed)
    }
}
