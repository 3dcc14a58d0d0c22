//! The closing handshake, and the end of TCP.

use wsvet::generate::{Level, Step};
use wsvet::{CloseCode, End, OpCode, Role};

use crate::probe::play::{Failure, Player, Stop, failed_step, unknown};
use crate::probe::visit::{Closed, closed};
use crate::probe::words;

impl Player<'_> {
    pub(super) fn answer_close(&mut self, code: Option<CloseCode>) {
        if !std::mem::replace(&mut self.closed, true) {
            self.visit.send_close(code);
        }
    }

    /// Notes a failure of quality, and goes on with the case.
    pub(super) fn weaken(&mut self, due: String, got: &str) {
        let failure = Failure { due: Some(due), ..Failure::new(Level::Quality, got) };
        self.weak.get_or_insert(Stop::Failed(failure));
    }

    pub(super) fn close(&mut self, code: Option<CloseCode>, step: &Step) -> Result<(), Stop> {
        self.closed = true;
        let due = words::step(step);
        match self.wait(self.patience.most, |incoming| closed(incoming))? {
            None => failed_step(Level::Must, due, format!("no Close within {}", self.most())),
            Some(Closed::Without(End::Reset)) => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Some(Closed::Without(_)) => {
                failed_step(Level::Must, due, "the end of TCP without a Close")
            }
            Some(Closed::With(Some(
                refusal @ (CloseCode::PROTOCOL_ERROR | CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            ))) if code != Some(refusal) => {
                failed_step(self.case.refusal, due, words::close(Some(refusal)))
            }
            Some(Closed::With(answered)) => {
                // An endpoint typically sends the code back (§5.5.1).
                if code.is_some() && answered != code {
                    self.weaken(due, &words::close(answered));
                }
                self.end(&Step::End)
            }
        }
    }

    /// The peer has sent its Close frame. What it sends after that may still come.
    pub(super) fn silence(&mut self, step: &Step) -> Result<(), Stop> {
        self.wait(self.patience.quiet, |incoming| incoming.end)?;
        if let Some(opcode) = self.visit.incoming.after_close() {
            let got = match opcode {
                OpCode::Close => "a second Close",
                _ => "a Ping after its Close",
            };
            self.weaken(words::step(step), got);
        }
        Ok(())
    }

    pub(super) fn end(&mut self, step: &Step) -> Result<(), Stop> {
        self.answer_close(self.visit.incoming.close().flatten());
        // The server ends TCP first (§7.1.1).
        if self.peer.role == Role::Client {
            self.visit.end_sending();
        }
        match self.wait(self.patience.most, |incoming| incoming.end)? {
            Some(_) => Ok(()),
            None => {
                let got = format!("TCP is still open after {}", self.most());
                failed_step(Level::Must, words::step(step), got)
            }
        }
    }

    /// The connection has ended, and nothing was sent that the peer did not have to read.
    pub(super) fn no_reset(&mut self, step: &Step) {
        if self.visit.incoming.end == Some(End::Reset) && self.peer.http2.is_none() {
            self.weaken(words::step(step), "a reset of TCP");
        }
    }

    /// Closes a connection that is still open, and judges what comes until it is closed.
    pub(super) fn leave(&mut self) -> Result<(), Stop> {
        let code = self.visit.incoming.close().unwrap_or(Some(CloseCode::NORMAL_CLOSURE));
        self.answer_close(code);
        self.wait(self.patience.quiet, |incoming| closed(incoming))?;
        if self.peer.role == Role::Client {
            // What the client has sent is read, so that it sees no reset.
            self.visit.end_sending();
            self.wait(self.patience.quiet, |incoming| incoming.end)?;
        }
        Ok(())
    }
}
