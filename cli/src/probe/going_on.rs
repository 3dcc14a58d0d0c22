//! What must go on: Pongs, and messages that come back.

use wsvet::generate::{Level, Step};
use wsvet::{CloseCode, End, OpCode, Role};

use crate::probe::play::{Failure, LARGE, Player, Stop, failed_step, unknown};
use crate::probe::sent::controls;
use crate::probe::visit::{Closed, closed};
use crate::probe::words;

/// What came of waiting for a Pong.
pub(super) enum Answered {
    Pong,
    Closed(Closed),
    /// Neither within the time, but perhaps a Pong with another payload.
    Nothing(Option<Vec<u8>>),
}

impl Player<'_> {
    /// Waits for the Pong with this payload.
    pub(super) fn answered(&mut self, payload: &[u8]) -> Result<Answered, Stop> {
        let mut other = None;
        let found = self.wait(self.patience.most, |incoming| {
            if incoming.has_pong(payload, &mut other) {
                return Some(Answered::Pong);
            }
            closed(incoming).map(Answered::Closed)
        })?;
        Ok(found.unwrap_or(Answered::Nothing(other)))
    }

    pub(super) fn go_on(&mut self, codes: &[CloseCode]) -> Result<(), Stop> {
        if !self.peer.pongs {
            let name = self.peer.role.name();
            return unknown(format!(
                "the {name} sends no Pong with the payload of a Ping, so it cannot be seen whether it goes on"
            ));
        }
        self.visit.answer_ping();
        let payload = self.visit.ping();
        self.pong(&payload, codes)
    }

    pub(super) fn pong(&mut self, payload: &[u8], codes: &[CloseCode]) -> Result<(), Stop> {
        let got = match self.answered(payload)? {
            Answered::Pong => return Ok(()),
            Answered::Closed(Closed::With(Some(code))) if codes.contains(&code) => {
                return Err(Stop::Passed);
            }
            Answered::Closed(closed) => return self.left(closed),
            Answered::Nothing(Some(other)) => {
                format!("another Pong: {}", words::pong(&other))
            }
            Answered::Nothing(None) => format!("no Pong within {}", self.most()),
        };
        failed_step(Level::Must, words::pong(payload), got)
    }

    /// The peer closed the connection, although it must go on.
    fn left<T>(&self, closed: Closed) -> Result<T, Stop> {
        let due = "the connection goes on".to_owned();
        let refusal = self.case.refusal;
        // A client ends TCP if it refuses a response (§4.1). Otherwise, a refusal is a Close frame.
        let without = match self.peer.role {
            Role::Client if self.case.about_opening => refusal,
            _ => Level::Must,
        };
        let got = match closed {
            Closed::With(code) => words::close(code),
            Closed::Without(_) => "the end of TCP without a Close".to_owned(),
        };
        let echoes = self.peer.echoes_text || self.peer.echoes_binary;
        let name = self.peer.role.name();
        if let Closed::With(code) = closed
            && let Some(advice) = self.advice(code)
        {
            return unknown(advice);
        }
        match closed {
            Closed::Without(End::Reset) if self.visit.sent.len() > LARGE => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Closed::With(Some(
                CloseCode::GOING_AWAY | CloseCode::SERVICE_RESTART | CloseCode::TRY_AGAIN_LATER,
            )) => unknown(format!("{got}: the {name} may close at any time")),
            Closed::With(Some(
                CloseCode::PROTOCOL_ERROR
                | CloseCode::UNSUPPORTED_DATA
                | CloseCode::INVALID_FRAME_PAYLOAD_DATA
                | CloseCode::MESSAGE_TOO_BIG
                | CloseCode::MANDATORY_EXTENSION,
            )) => failed_step(refusal, due, got),
            Closed::Without(_) => failed_step(without, due, got),
            Closed::With(_) if echoes => failed_step(refusal, due, got),
            Closed::With(_) => unknown(format!(
                "{got}: perhaps the application of the {name} closed the connection"
            )),
        }
    }

    /// A message that a program may leave out or change. Only of an empty one is it known whether it does.
    pub(super) fn may_echo(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Stop> {
        let known = payload.is_empty() && self.peer.echoes_empty;
        self.echo(opcode, payload).or_else(|stop| match stop {
            Stop::Failed(failure) if failure.is_of_echo && !known => unknown(format!(
                "{}: perhaps the application of the {} leaves out or changes such a message",
                failure.got,
                self.peer.role.name()
            )),
            stop => Err(stop),
        })
    }

    /// No message with the payload of a Ping or a Pong may have come from a peer that sends messages back: it
    /// would have taken the control frame for a message.
    pub(super) fn no_control_message(&mut self) -> Result<(), Stop> {
        let (case, peer) = (self.case, self.peer);
        // A case about harm sends too much to compare.
        if case.stress || peer.is_chatty || !(peer.echoes_text || peer.echoes_binary) {
            return Ok(());
        }
        let controls = controls(case);
        while let Some((opcode, payload)) = self.visit.incoming.next_message() {
            if controls.contains(&payload) {
                let due = "control frames are not delivered as messages".to_owned();
                return failed_step(Level::Must, due, words::message(opcode, &payload));
            }
        }
        Ok(())
    }

    pub(super) fn echo(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Stop> {
        if !self.peer.echoes(opcode) {
            return Ok(());
        }
        let case = self.case;
        // A message that the case did not send is the peer's own, if the one that is due still comes.
        let is_sent = |opcode: OpCode, payload: &[u8]| {
            let sends = |step: &Step| match step {
                Step::Echo(kind, sent) | Step::MayEcho(kind, sent) => {
                    (*kind, &sent[..]) == (opcode, payload)
                }
                _ => false,
            };
            case.steps.iter().any(sends)
        };
        let chatty = self.peer.is_chatty;
        let is_due = |message: &(OpCode, Vec<u8>)| message.0 == opcode && message.1 == payload;
        let mut own = None;
        let mut end = self.visit.elapsed() + self.patience.most;
        let found = loop {
            let left = end.saturating_sub(self.visit.elapsed());
            let found = self.wait(left, |incoming| {
                incoming.next_message().map(Ok).or_else(|| closed(incoming).map(Err))
            })?;
            match found {
                Some(Ok(message)) if is_due(&message) => return Ok(()),
                Some(Ok(message)) if chatty || !is_sent(message.0, &message.1) => {
                    if own.is_none() && !chatty {
                        end = end.min(self.visit.elapsed() + self.patience.quiet);
                    }
                    own = Some(message);
                }
                found => break found,
            }
        };
        let got = match (found, own) {
            (Some(Err(closed)), _) => return self.left(closed),
            (Some(Ok((other, bytes))), _) | (None, Some((other, bytes))) => {
                words::other_echo(opcode, payload, other, &bytes)
            }
            (None, None) => format!("no message within {}", self.most()),
        };
        let due = Some(words::echo(opcode, payload));
        Err(Stop::Failed(Failure { due, is_of_echo: true, ..Failure::new(Level::Must, got) }))
    }
}
