//! The opening handshake of a case, and what it tells of the server or the client.

use wsvet::generate::{Answer, Level};
use wsvet::handshake::Rule;
use wsvet::{End, Role};

use crate::probe::call::Call;
use crate::probe::hello::{Agreed, Flaw, Response};
use crate::probe::play::{Failure, Player, Stop, failed, failed_step, unknown};
use crate::probe::visit::{Closed, NoResponse, closed};
use crate::probe::words;

/// The cases of a request or a response with nothing but what is needed.
const PLAIN: [&str; 2] = ["opening/plain", "response/plain"];

impl Player<'_> {
    /// Sends the request, and judges the response of the server.
    pub(super) fn ask(&mut self) -> Result<(), Stop> {
        let case = self.case;
        let response = self.response()?;
        let accepted = response.accepted;
        if let 429 | 502..=504 = response.status {
            return unknown(format!(
                "HTTP {}: the server may have too much to do",
                response.status
            ));
        }
        match case.answer {
            Answer::Accept if !accepted && !case.about_opening => {
                unknown(format!("HTTP {}, for a request that was accepted before", response.status))
            }
            Answer::Accept if !accepted => {
                failed(case.refusal, format!("HTTP {}", response.status))
            }
            Answer::Accept => self.accepted(&response),
            _ if accepted && self.switched(&response) => {
                unknown("HTTP 101 without `Upgrade: websocket`, so perhaps another protocol")
            }
            _ if accepted => failed(Level::Must, format!("accepted: HTTP {}", response.status)),
            Answer::RefuseVersion if !response.lists_versions => failed(
                Level::Must,
                format!("HTTP {} without 13 in Sec-WebSocket-Version", response.status),
            ),
            Answer::Refuse(statuses)
                if !statuses.is_empty() && !statuses.contains(&response.status) =>
            {
                let level = match response.status {
                    400..500 => Level::Quality,
                    _ => Level::Should,
                };
                failed(level, format!("HTTP {}", response.status))
            }
            _ => Err(Stop::Passed),
        }
    }

    /// Returns whether a response with status 101 is to another protocol, as far as is known of the server.
    fn switched(&self, response: &Response) -> bool {
        let rule = Rule::UpgradeNotConfirmed;
        response.broken.contains(&rule) && !self.peer.broken.contains(&rule)
    }

    fn response(&mut self) -> Result<Response, Stop> {
        let refuses = self.case.answer != Answer::Accept;
        let level = if refuses { Level::Should } else { self.case.refusal };
        self.visit.open(self.case, self.patience.most).or_else(|why| match why {
            NoResponse::Late => failed(level, format!("no response within {}", self.most())),
            NoResponse::End(End::Reset) if refuses => unknown("TCP was reset"),
            NoResponse::End(_) => failed(level, "the end of TCP without a response"),
            NoResponse::Invalid(error) => failed(level, error),
        })
    }

    fn accepted(&self, response: &Response) -> Result<(), Stop> {
        if let Some(extension) = &response.invented {
            return failed(Level::Must, format!("accepted {extension}, which no server knows"));
        }
        self.judge_head(&response.broken, response.flaw.as_ref())?;
        if let Some(name) = &response.foreign
            && PLAIN.contains(&&*self.case.id)
        {
            let got = format!("a response with the field {name}");
            let due = if self.peer.http2.is_some() {
                "a response without fields of HTTP/1.1 connections (RFC 9113 §8.2.2)"
            } else {
                "a response with status 101 and no field of a body (RFC 9110 §8.6, RFC 9112 §6.1)"
            };
            return failed_step(Level::Must, due.to_owned(), got);
        }
        self.suits(&response.agreed)
    }

    /// Fails if the head of the peer breaks a rule. Only the plain case tells what each head breaks.
    fn judge_head(&self, broken: &[Rule], flaw: Option<&Flaw>) -> Result<(), Stop> {
        let plain = PLAIN.contains(&&*self.case.id);
        let is_told = |rule: &&Rule| plain || !self.peer.broken.contains(rule);
        let head = match self.peer.role {
            Role::Server => "response",
            Role::Client => "request",
        };
        let failure = |got: String, broken| {
            let due = Some(format!("a {head} that breaks no rule"));
            Err(Stop::Failed(Failure { due, broken, ..Failure::new(Level::Must, got) }))
        };
        if let Some(rule) = broken.iter().find(is_told) {
            let got = format!("a {head} that breaks {rule}: {}", rule.text());
            return failure(got, Some(rule.id()));
        }
        if plain && let Some(Flaw { level, due, got }) = flaw {
            return failed_step(*level, (*due).to_owned(), got.clone());
        }
        if plain && self.peer.repeats_key {
            let got = "the key of an earlier request: it must be random (§4.1)".to_owned();
            return failure(got, None);
        }
        if plain && self.peer.repeats_masking_key {
            let due = "frames that are masked with a fresh key each".to_owned();
            let got = "the masking key of an earlier frame: it must be random (§5.3)";
            return failed_step(Level::Must, due, got);
        }
        Ok(())
    }

    /// Skips the case if it needs more than was agreed on.
    fn suits(&self, agreed: &Agreed) -> Result<(), Stop> {
        let needs = &self.case.needs;
        let name = self.peer.role.name();
        match agreed.parameters {
            None if needs.deflate => {
                Err(Stop::Skipped(format!("the {name} does not accept permessage-deflate")))
            }
            Some(parameters)
                if needs.context && !parameters.context_takeover(self.peer.role.peer()) =>
            {
                let prober = self.peer.role.peer().name();
                Err(Stop::Skipped(format!("the {name} set {prober}_no_context_takeover")))
            }
            _ => Ok(()),
        }
    }

    /// Sends the response to the request of the client, and judges both.
    pub(super) fn respond(&mut self, call: &Call, response: &[Vec<u8>]) -> Result<(), Stop> {
        let agreed = self.visit.respond(call.head(), response, call.rest());
        match self.case.answer {
            Answer::Accept => {
                self.judge_head(call.broken(), call.flaw.as_ref())?;
                self.suits(&agreed)
            }
            _ => self.refuse_response(),
        }
    }

    /// The client must not take the response for one that accepts its request.
    fn refuse_response(&mut self) -> Result<(), Stop> {
        // The response has another status than 101: the client may send another request.
        let is_http = self.case.rule.is_none();
        if let Some(stop) = self.after_response(is_http) {
            return Err(stop);
        }
        // It was not refused at once. Was it accepted?
        self.visit.ping();
        if let Some(stop) = self.after_response(is_http) {
            return Err(stop);
        }
        match is_http {
            true => Err(Stop::Passed),
            false => failed(Level::Should, "neither the end of TCP nor a Pong"),
        }
    }

    /// Waits for the client's end, or for frames of it.
    fn after_response(&mut self, is_http: bool) -> Option<Stop> {
        let got = self.visit.wait(self.patience.quiet, |incoming| {
            if incoming.violation.is_some() {
                return Some("bytes that are no frames".to_owned());
            }
            if let Some((opcode, payload)) = incoming.next_message() {
                return Some(format!("accepted: {}", words::message(opcode, &payload)));
            }
            if let Some(pong) = incoming.next_pong() {
                return Some(format!("accepted: {}", words::pong(&pong)));
            }
            incoming.take_ping().map(|_| "accepted: a Ping".to_owned())
        });
        if let Some(got) = got {
            return Some(match self.visit.incoming.violation {
                Some(_) if is_http => Stop::Passed,
                // The response was not accepted, but the connection is used for something else.
                Some(_) => failed::<()>(Level::Should, got).err()?,
                None => failed::<()>(Level::Must, got).err()?,
            });
        }
        Some(match closed(&self.visit.incoming)? {
            Closed::Without(_) => Stop::Passed,
            // The connection was never established (§7.1.7).
            Closed::With(code) => {
                let got = format!("{}, on a connection that is not open", words::close(code));
                failed::<()>(Level::Quality, got).err()?
            }
        })
    }
}
