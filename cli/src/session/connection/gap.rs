//! Bytes that the capture lacks.

use std::io;

use super::{Connection, Stage, role};
use crate::session::judging::Judging;

impl Connection {
    /// Skips missing bytes if all of them are in one payload. Returns whether they are.
    pub(super) fn pass_over(
        &mut self,
        from: usize,
        missing: u64,
        tell: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let Stage::Frames(frames, client) = &mut self.stage else { return Ok(false) };
        let sender = role(from, *client);
        let passed = frames.pass_over(sender, missing, tell, self.last, judging)?;
        if passed {
            self.ends[from].stream.pass_over(missing);
        }
        Ok(passed)
    }
}
