//! How a conversation ended, as far as it was observed (RFC 6455 §4.1, §7.1).

use core::time::Duration;

use super::Conversation;
use super::direction::{Direction, End};
use super::opening::Unopened;
use super::timeline::earliest;
use super::verdict::{Abnormality, Verdict, blames, refuses};
use crate::{CloseCode, Role, Violation};

/// The time in which a client that fails a connection may still send data.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Conversation {
    /// Returns the verdict.
    pub(super) fn outcome(&self) -> Verdict {
        if let Some((by, why)) = self.unopened() {
            return Verdict::NeverOpened { by, why };
        }
        if self.waits() {
            return Verdict::Open;
        }
        match self.broken() {
            Some((sender, violation, step)) => self.answer(sender.peer(), violation, step),
            None => self.handshake(),
        }
    }

    /// Returns whether a request waits for its response. A server that sends frames has accepted the
    /// request, with a response that was not observed.
    fn waits(&self) -> bool {
        self.opening.waits() && self.direction(Role::Server).offset() == 0
    }

    /// Returns why the opening handshake was not completed, and the endpoint that did not complete
    /// it.
    fn unopened(&self) -> Option<(Role, Unopened)> {
        let end = earliest(|role| self.direction(role).ended());
        if let Some(status) = self.opening.refusal() {
            return Some((Role::Server, Unopened::Refused(status)));
        }
        if self.waits() {
            return end.map(|(by, end, _)| match (by, end) {
                (_, End::Reset) => (by, Unopened::Reset),
                (Role::Server, End::Fin) => (by, Unopened::Dropped),
                (Role::Client, End::Fin) => (Role::Server, Unopened::NoAnswer),
            });
        }
        // The client must fail the connection: it leaves, with a Close frame or without one. Data
        // that it sends a while after the response shows that it went on.
        let (rule, answered) = self.opening.broken_response()?;
        if self.direction(Role::Client).last_data().is_some_and(|sent| sent > answered + AT_ONCE) {
            return None;
        }
        let failed = match earliest(|role| self.direction(role).closed()) {
            Some((by, code, closed)) if end.is_none_or(|(.., ended)| closed < ended) => {
                let fails = [CloseCode::PROTOCOL_ERROR, CloseCode::MANDATORY_EXTENSION];
                by == Role::Client && code.is_some_and(|code| fails.contains(&code))
            }
            _ => end.is_some_and(|(by, ..)| by == Role::Client),
        };
        failed.then_some((Role::Server, Unopened::BrokenResponse(rule)))
    }

    /// Returns the first violation that its receiver had to answer: the sender, the violation and
    /// the number of its step.
    fn broken(&self) -> Option<(Role, Violation, u64)> {
        earliest(|sender| {
            let receiver = self.direction(sender.peer());
            let (close, end) = (receiver.closed(), receiver.ended());
            let broken = self.direction(sender).broken();
            broken
                .filter(|(_, mark)| close.is_none_or(|(_, closed)| closed.step > mark.step))
                .filter(|(_, mark)| end.is_none_or(|(_, ended)| ended.step > mark.step))
        })
    }

    /// Returns the verdict on the answer of the endpoint `by` to a violation.
    fn answer(&self, by: Role, violation: Violation, step: u64) -> Verdict {
        let (receiver, sender) = (self.direction(by), self.direction(by.peer()));
        let refused_otherwise = |code| Verdict::RefusedOtherwise { by, violation, code };
        let went_on = receiver.went_on(step);
        let Some((code, closed)) = receiver.closed() else {
            let ended = |direction: &Direction| direction.ended().map(|(_, mark)| mark.step);
            return match (ended(receiver), ended(sender)) {
                _ if went_on => Verdict::LetPass { by, violation },
                (Some(first), second) if second.is_none_or(|second| first < second) => {
                    refused_otherwise(CloseCode::ABNORMAL_CLOSURE)
                }
                (None, None) => Verdict::Open,
                _ => self.handshake(),
            };
        };
        let echoes = sender
            .closed()
            .is_some_and(|(sent, first)| first.step < closed.step && (sent == code || went_on));
        let code = code.unwrap_or(CloseCode::NO_STATUS_RECEIVED);
        if code == violation.rule.close_code() {
            Verdict::Refused { by, violation }
        } else if echoes || went_on && !refuses(code) {
            Verdict::LetPass { by, violation }
        } else {
            refused_otherwise(code)
        }
    }

    /// Returns the verdict on the closing handshake, if no violation had to be answered.
    fn handshake(&self) -> Verdict {
        let first = earliest(|role| self.direction(role).closed());
        let end = earliest(|role| self.direction(role).ended());
        let Some((first, code, closed)) = first else { return self.without_close() };
        if end.is_some_and(|(.., ended)| ended < closed) {
            // An endpoint whose stream has ended cannot answer a Close frame.
            return self.without_close();
        }
        let code = code.unwrap_or(CloseCode::NO_STATUS_RECEIVED);
        let (here, there) = (self.direction(first), self.direction(first.peer()));
        let answer = there.closed();
        let late = here.late_data();
        // What the peer broke after the Close frame is no reason for it.
        if there.broken().is_none_or(|(_, mark)| mark.step > closed) && blames(code) {
            self.blamed(first, code)
        } else if let Some((Some(code), mark)) = answer
            && Some(code) != here.close().flatten()
            && blames(code)
            && here.broken().is_none()
        {
            let by = first.peer();
            match late.filter(|(_, late)| late.step < mark.step) {
                Some((violation, _)) if code == violation.rule.close_code() => {
                    Verdict::Refused { by, violation }
                }
                _ => self.blamed(by, code),
            }
        } else if answer.is_some() {
            match there.broken_close() {
                Some(violation) => Verdict::BrokenClose { by: first.peer(), violation, code },
                None => Verdict::Clean { first, code },
            }
        } else {
            match end {
                // The reset left the peer no time to answer.
                Some((by, End::Reset, _)) if by == first => {
                    Verdict::Abnormal { by, why: Abnormality::ResetUnanswered }
                }
                _ if there.ended().is_some() => {
                    Verdict::Abnormal { by: first.peer(), why: Abnormality::Unanswered }
                }
                _ => Verdict::Open,
            }
        }
    }

    /// Returns the verdict on a Close frame with this code, which blames a peer that broke no rule.
    fn blamed(&self, by: Role, code: CloseCode) -> Verdict {
        let policy = self.direction(by.peer()).validator().policy();
        match self.direction(by.peer()).message_len() {
            Some(len @ 1..) if code == CloseCode::MESSAGE_TOO_BIG && policy.has_no_limit() => {
                Verdict::OwnLimit { by, len }
            }
            _ => Verdict::WronglyRefused { by, code },
        }
    }

    /// Returns the verdict on a connection that ended before any Close frame.
    fn without_close(&self) -> Verdict {
        match earliest(|role| self.direction(role).ended()) {
            None => Verdict::Open,
            Some((by, End::Reset, _)) => Verdict::Abnormal { by, why: Abnormality::Reset },
            Some((by, ..)) if self.direction(by).is_inside_frame() => {
                Verdict::Abnormal { by, why: Abnormality::InFrame }
            }
            Some((by, ..)) => Verdict::Abnormal { by, why: Abnormality::WithoutClose },
        }
    }
}
