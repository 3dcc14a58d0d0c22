//! What the input lacks of the bytes of a connection, and which verdicts hold all the same.

use wsvet::{Role, Verdict};

/// What the input lacks of the bytes of one endpoint.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Nothing.
    #[default]
    Nothing,
    /// Bytes of payloads. All headers are known.
    Payload,
    /// Bytes of which it is not known what they are.
    Frames,
}

/// What the input lacks of a connection.
#[derive(Clone, Copy, Default)]
pub struct Lacking {
    of: [Lack; 2],
    /// Whether it is not known in which order the steps of the endpoints came that led to the end.
    is_disordered: bool,
}

impl Lacking {
    /// Notes that the input lacks bytes of this endpoint.
    pub fn note(&mut self, from: Role, lack: Lack) {
        self.of[from as usize] = self.of[from as usize].max(lack);
    }

    /// Notes that the order of the steps is not known.
    pub fn disorder(&mut self) {
        self.is_disordered = true;
    }

    /// Returns whether whole frames of this endpoint may be missing.
    pub fn lacks_frames(&self, from: Role) -> bool {
        self.of[from as usize] == Lack::Frames
    }

    /// Returns whether the order of the steps is not known.
    pub fn is_disordered(&self) -> bool {
        self.is_disordered
    }

    /// Returns whether a verdict that blames an endpoint holds, whatever the missing bytes were.
    pub fn is_certain(&self, verdict: &Verdict) -> bool {
        let whole = |role: Role| self.of[role as usize] == Lack::Nothing;
        let frames = [Role::Client, Role::Server].map(|role| self.lacks_frames(role));
        match *verdict {
            Verdict::Clean { .. } | Verdict::Refused { .. } | Verdict::Open => true,
            _ if self.is_disordered => false,
            // Its own bytes say how its stream ended.
            Verdict::Abnormal { by, .. } => !frames[by as usize],
            _ if frames != [false; 2] => false,
            // What it refused may be among the missing bytes.
            Verdict::WronglyRefused { by, .. }
            | Verdict::RefusedOtherwise { by, .. }
            | Verdict::OwnLimit { by, .. } => whole(by.peer()),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsvet::{Abnormality, CloseCode, Rule, Violation};

    /// Whether a verdict is certain if the input lacks nothing, payloads or frames of the server, and
    /// then of the client.
    #[test]
    fn a_verdict_is_certain_if_it_rests_on_what_is_known() {
        let (by, code) = (Role::Client, CloseCode::PROTOCOL_ERROR);
        let violation = Violation::new(Rule::InvalidUtf8, 2);
        for (verdict, server, client) in [
            (Verdict::Open, [true; 3], [true; 3]),
            (Verdict::Refused { by, violation }, [true; 3], [true; 3]),
            (Verdict::Clean { first: by, code }, [true; 3], [true; 3]),
            (Verdict::LetPass { by, violation }, [true, true, false], [true, true, false]),
            (Verdict::WronglyRefused { by, code }, [true, false, false], [true, true, false]),
            (
                Verdict::RefusedOtherwise { by, violation, code },
                [true, false, false],
                [true, true, false],
            ),
            (Verdict::OwnLimit { by, len: 9 }, [true, false, false], [true, true, false]),
            (
                Verdict::Abnormal { by, why: Abnormality::WithoutClose },
                [true; 3],
                [true, true, false],
            ),
        ] {
            let is_certain = |from: Role, lack: Lack| {
                let mut lacking = Lacking::default();
                lacking.note(from, lack);
                lacking.is_certain(&verdict)
            };
            for (from, expected) in [(Role::Server, server), (Role::Client, client)] {
                let found =
                    [Lack::Nothing, Lack::Payload, Lack::Frames].map(|lack| is_certain(from, lack));
                assert_eq!(found, expected, "{verdict:?}, {from:?}");
            }
        }
    }
}
