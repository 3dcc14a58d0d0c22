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
