//! Bytes that the capture lacks.

use std::io;

use super::{Connection, Stage, role};
use crate::session::judging::Judging;

impl Connection {
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
                let sender = role(from, *client);
                frames.pass_over(sender, missing, tell, self.last, judging)?
            }
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
