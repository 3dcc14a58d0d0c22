//! What must go on: Pongs, and messages that come back.

use wsvet::generate::{Level, Step};
use wsvet::{CloseCode, End, OpCode};

use crate::probe::play::{LARGE, Player, Stop, failed_step, unknown};
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
                "the {name} answers no Ping, so it cannot be seen whether it goes on"
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
                format!("a Pong with another payload: {}", words::hex(&other))
            }
            Answered::Nothing(None) => format!("no Pong within {}", self.most()),
        };
        failed_step(Level::Must, words::pong(payload), got)
    }

    /// The peer closed the connection, although it must go on.
    fn left<T>(&self, closed: Closed) -> Result<T, Stop> {
        let due = "the connection goes on".to_owned();
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
            ))
            | Closed::Without(_) => failed_step(Level::Must, due, got),
            Closed::With(_) if echoes => failed_step(Level::Must, due, got),
            Closed::With(_) => unknown(format!(
                "{got}: perhaps the application of the {name} closed the connection"
            )),
        }
    }

    pub(super) fn echo(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Stop> {
        if !self.peer.echoes(opcode) {
            return Ok(());
        }
        let case = self.case;
        // A message that the case did not send is the peer's own, if the one that is due still comes.
        let is_sent = |opcode: OpCode, payload: &[u8]| {
            let sends = |step: &Step| matches!(step, Step::Echo(kind, sent) if *kind == opcode && sent == payload);
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
        let due = words::echo(opcode, payload);
        match (found, own) {
            (Some(Ok((other, bytes))), _) | (None, Some((other, bytes))) => {
                failed_step(Level::Must, due, words::other_echo(opcode, payload, other, &bytes))
            }
            (Some(Err(closed)), _) => self.left(closed),
            (None, None) => {
                failed_step(Level::Must, due, format!("no message within {}", self.most()))
            }
        }
    }
}
