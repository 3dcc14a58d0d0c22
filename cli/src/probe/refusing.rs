//! What must be refused, and how.

use wsvet::generate::{Level, Step};
use wsvet::{CloseCode, End};

use crate::probe::going_on::Answered;
use crate::probe::play::{Failure, Player, Stop, failed_step, unknown};
use crate::probe::sent::{carries, is_legal};
use crate::probe::visit::{Closed, closed};
use crate::probe::words;

impl Player<'_> {
    pub(super) fn refuse(&mut self, codes: &[CloseCode], step: &Step) -> Result<(), Stop> {
        let due = words::step(step);
        self.refusal(codes, due.clone()).map_err(|stop| self.sent_back(stop, due))
    }

    /// A peer that accepts a text or a code that is illegal may send it back, and so breaks the rule itself.
    fn sent_back(&self, stop: Stop, due: String) -> Stop {
        match stop {
            Stop::Failed(failure)
                if failure.broken.is_some_and(|id| Some(id) == self.case.rule) =>
            {
                let got = format!("accepted, and sent back: {}", failure.got);
                Stop::Failed(Failure { due: Some(due), got, ..failure })
            }
            stop => stop,
        }
    }

    fn refusal(&mut self, codes: &[CloseCode], due: String) -> Result<(), Stop> {
        if let Some(closed) = self.wait(self.patience.quiet, |incoming| closed(incoming))? {
            return self.refused(closed, codes, due);
        }
        // It was not refused at once. Was it accepted?
        let payload = self.visit.ping();
        match self.answered(&payload)? {
            Answered::Closed(closed) => self.refused(closed, codes, due),
            Answered::Pong => {
                let delivered = self.visit.incoming.next_message().is_some();
                let got = "accepted: the Pong to a later Ping";
                let also = if delivered { ", after a message" } else { "" };
                failed_step(Level::Must, due, format!("{got}{also}"))
            }
            Answered::Nothing(_) if !self.peer.pongs => {
                unknown("neither a refusal nor a Pong, as ever")
            }
            Answered::Nothing(_) => {
                let got = format!("neither a refusal nor a Pong within {}", self.most());
                failed_step(Level::Must, due, got)
            }
        }
    }

    /// The peer refused what was sent, as it must. Did it say why?
    fn refused(&mut self, closed: Closed, codes: &[CloseCode], due: String) -> Result<(), Stop> {
        while let Some((opcode, payload)) = self.visit.incoming.next_message() {
            if !self.peer.is_chatty
                && self.peer.echoes(opcode)
                && carries(self.case, &payload)
                && !is_legal(self.case, &payload)
            {
                let got =
                    format!("delivered, and then refused: {}", words::message(opcode, &payload));
                return failed_step(Level::Must, due, got);
            }
        }
        match closed {
            // The Close frame is answered when nothing more is sent.
            Closed::With(Some(code)) if codes.contains(&code) => Ok(()),
            Closed::With(code) => match self.advice(code) {
                Some(advice) => unknown(advice),
                None => failed_step(Level::Should, due, words::close(code)),
            },
            Closed::Without(End::Reset) => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Closed::Without(_) => failed_step(Level::Should, due, "the end of TCP without a Close"),
        }
    }

    pub(super) fn refuse_early(&mut self, codes: &[CloseCode], step: &Step) -> Result<(), Stop> {
        match self.wait(self.patience.quiet, |incoming| closed(incoming))? {
            Some(closed) => {
                self.refused(closed, codes, words::step(step))?;
                self.leave()?;
                Err(Stop::Passed)
            }
            None => {
                self.weaken(words::step(step), "nothing, until more was sent");
                Ok(())
            }
        }
    }

    /// The Ping came after what was refused.
    pub(super) fn no_pong(&mut self, payload: &[u8]) -> Result<(), Stop> {
        match self.visit.incoming.has_pong(payload, &mut None) {
            true => {
                let due = "nothing after what breaks a rule is read".to_owned();
                failed_step(Level::Must, due, format!("refused, but also {}", words::pong(payload)))
            }
            false => Ok(()),
        }
    }

    /// Returns the reason why a refusal with this code says nothing: what the peer accepts is not known.
    /// There is none if no message was sent: a control frame has no type of data, and its own limit.
    pub(super) fn advice(&self, code: Option<CloseCode>) -> Option<String> {
        let needs = &self.case.needs;
        if !needs.text && !needs.binary {
            return None;
        }
        let name = self.peer.role.name();
        let (option, what) = match code? {
            CloseCode::UNSUPPORTED_DATA if self.peer.accepts.is_none() => {
                (format!("--{name}-accepts"), format!("which type of data the {name} accepts"))
            }
            CloseCode::MESSAGE_TOO_BIG if self.peer.max_message.is_none() => {
                ("--max-message".to_owned(), "how long a message may be".to_owned())
            }
            _ => return None,
        };
        Some(format!("{}: {option} says {what}", words::close(code)))
    }
}
