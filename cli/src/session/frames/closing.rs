//! How a connection was closed, and whether what the input has is enough to say so.

use wsvet::{Act, CloseCode, Role, Unopened, Verdict};

use super::Frames;
use crate::session::recorder::Recorder;
use crate::session::report::{Closing, Opening, Side};

impl Frames {
    /// Returns how the connection was closed, as far as that is certain.
    pub(super) fn closing(self) -> Closing {
        let known = [Role::Client, Role::Server].map(|from| self.knows_end_of(from));
        let Self { opening, conversation, recorders, ended, found, .. } = self;
        let partial = self.partial || known.contains(&false);
        let side = |(from, recorder): (Role, Recorder)| {
            let direction = conversation.direction(from);
            let last = direction.last().copied();
            let before = ended.zip(last).map(|(end, sent)| end.saturating_sub(sent.at));
            let (frames, bytes) = (direction.frames(), direction.offset());
            Side { from, frames, bytes, inflated: recorder.into_inflated(), last, before }
        };
        let [client, server] = recorders;
        let sides = [(Role::Client, client), (Role::Server, server)].map(side);
        let mut verdict = conversation.verdict();
        let certain = match &opening.agreement.uncertain {
            None => true,
            Some(uncertain) => is_certain(&verdict, uncertain.is_blind(), known),
        };
        let beyond_window = is_beyond_window(&verdict, &opening, &sides);
        let certain = certain && self.lacking.is_certain(&verdict) && !beyond_window;
        if !certain {
            let closed = |from| conversation.direction(from).close().is_some();
            verdict = match verdict {
                Verdict::WronglyRefused { by, code }
                    if closed(by.peer()) && !self.lacking.is_disordered() =>
                {
                    Verdict::Clean { first: by, code }
                }
                _ => Verdict::Open,
            };
        }
        let verdict = match verdict {
            // An input that says why it has no answer has no end of the connection.
            Verdict::Open if !opening.agreement.opened && !self.reported.is_empty() => {
                Verdict::NeverOpened { by: Role::Server, why: Unopened::NoAnswer }
            }
            verdict => verdict,
        };
        // The bytes that are missing would say more of the end.
        let is_partly_unknown = verdict == Verdict::Open && {
            let mut steps = conversation.timeline();
            let lacks = |of: Role| self.lacking.lacks_frames(of);
            steps.any(|step| matches!(step.act, Act::Closed(_) | Act::Ended(_)))
                && (lacks(Role::Client) || lacks(Role::Server))
        };
        // The endpoint may have refused a message that was not judged.
        let refuses_unjudged = match verdict {
            Verdict::WronglyRefused { by, .. } => sides[by.peer() as usize].inflated.lost,
            _ => false,
        };
        let findings = match found {
            Some(found) => found,
            None if partial => Vec::new(),
            None => conversation.findings().collect(),
        };
        Closing {
            opening,
            verdict,
            timeline: conversation.timeline().collect(),
            reasons: self.reasons,
            sides,
            pings: self.pings,
            waiting: [Role::Client, Role::Server].map(|from| conversation.waiting_pings(from)),
            findings,
            heard: self.heard,
            ended,
            silence: self.silence.before_the_end().filter(|_| !partial),
            until: self.now,
            reported: self.reported,
            gap: self.gap || is_partly_unknown || refuses_unjudged || !certain,
            beyond_window,
        }
    }
}

/// Returns whether a verdict holds although the input lacks the opening handshake, or a part of it.
/// `is_blind` says whether it is unknown what was negotiated, and `known` of which endpoint it is known
/// how its stream ended.
fn is_certain(verdict: &Verdict, is_blind: bool, known: [bool; 2]) -> bool {
    match verdict {
        // The endpoint may have refused what came before, or what the subprotocol does not allow.
        Verdict::WronglyRefused { .. } => !is_blind,
        Verdict::Refused { .. } | Verdict::Clean { .. } | Verdict::Open => true,
        verdict => verdict.by().is_none_or(|by| known[by as usize]),
    }
}

/// Returns whether the endpoint that closed may have refused a reference to data outside of the window
/// that was negotiated. Such references are not judged.
fn is_beyond_window(verdict: &Verdict, opening: &Opening, sides: &[Side; 2]) -> bool {
    const LARGEST: u8 = 15;
    let codes = [CloseCode::PROTOCOL_ERROR, CloseCode::INVALID_FRAME_PAYLOAD_DATA];
    let Verdict::WronglyRefused { by, code } = verdict else { return false };
    let from = by.peer();
    let agreed = opening.agreement.permessage_deflate();
    codes.contains(code)
        && sides[from as usize].inflated.messages > 0
        && agreed.is_some_and(|agreed| agreed.window_bits(from) < LARGEST)
}
