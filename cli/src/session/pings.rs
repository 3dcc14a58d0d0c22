//! How long the ends of a connection take to answer a Ping, and which they never answer.

use std::collections::VecDeque;
use std::time::Duration;

use wsvet::{OpCode, Role};

use crate::session::record::Frame;

/// The Pings of a connection, and what became of them.
#[derive(Default)]
pub struct Pings {
    /// The Pings of the client and of the server that wait for their Pong, and when they came: the
    /// latest of them.
    asked: [VecDeque<(Vec<u8>, Duration)>; 2],
    /// How many Pings were answered.
    pub answered: u64,
    /// The shortest time from a Ping to its Pong.
    pub fastest: Option<Duration>,
    /// The longest time from a Ping to its Pong.
    pub slowest: Duration,
}

/// How many Pings of an end can wait.
const MOST: usize = 32;

impl Pings {
    /// Looks at a frame: is it a Ping, or the Pong to one (RFC 6455 §5.5.3)?
    pub fn see(&mut self, from: Role, frame: &Frame<'_>, at: Duration) {
        // One whose payload is not known can answer any.
        let known = frame.payload.len() as u64 == frame.header.payload_len();
        match frame.header.opcode() {
            OpCode::Ping if known => {
                let asked = &mut self.asked[from as usize];
                if asked.len() == MOST {
                    asked.pop_front();
                }
                asked.push_back((frame.payload.to_vec(), at));
            }
            OpCode::Pong if known => {
                let asked = &mut self.asked[from.peer() as usize];
                let found = asked.iter().position(|(payload, _)| payload == frame.payload);
                // A Pong may answer the latest Ping alone, and those before it with that.
                if let Some((_, then)) = found.and_then(|at| asked.drain(..=at).next_back()) {
                    let took = at.saturating_sub(then);
                    self.answered += 1;
                    self.fastest = Some(self.fastest.map_or(took, |fastest| fastest.min(took)));
                    self.slowest = self.slowest.max(took);
                }
            }
            _ => {}
        }
    }

    /// How many of this end's last Pings were never answered, and when the first of them came.
    pub fn unanswered(&self, from: Role) -> Option<(u64, Duration)> {
        let asked = &self.asked[from as usize];
        asked.front().map(|(_, first)| (asked.len() as u64, *first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsvet::Header;

    /// Looks at frames: who sends which, with this payload, at this millisecond.
    fn seen(frames: &[(Role, OpCode, &[u8], u64)]) -> Pings {
        let mut pings = Pings::default();
        for (from, opcode, payload, at) in frames {
            let header = Header::new(*opcode, payload.len() as u64);
            let (inflated, message) = (None, None);
            let frame = Frame { offset: 0, header, payload, inflated, message, close: None };
            pings.see(*from, &frame, Duration::from_millis(*at));
        }
        pings
    }

    #[test]
    fn a_pong_answers_a_ping_of_the_other_end_with_its_payload() {
        let pings = seen(&[
            (Role::Client, OpCode::Pong, b"", 0), // nobody asked
            (Role::Client, OpCode::Ping, b"a", 1),
            (Role::Server, OpCode::Pong, b"b", 2),
            (Role::Client, OpCode::Pong, b"a", 3),
            (Role::Server, OpCode::Pong, b"a", 8),
            (Role::Server, OpCode::Pong, b"a", 9),
            (Role::Server, OpCode::Ping, b"", 10),
            (Role::Client, OpCode::Pong, b"", 12),
        ]);
        let (fastest, slowest) = (Duration::from_millis(2), Duration::from_millis(7));
        assert_eq!((pings.answered, pings.fastest, pings.slowest), (2, Some(fastest), slowest));
        assert_eq!(pings.unanswered(Role::Client), None);
    }

    #[test]
    fn pings_may_wait_together() {
        use Role::{Client, Server};
        let ping = |payload, at| (Server, OpCode::Ping, payload, at);
        let pong = |payload, at| (Client, OpCode::Pong, payload, at);
        let (a, b, c): (&[u8], &[u8], &[u8]) = (b"a", b"b", b"c");
        let pings = seen(&[ping(a, 0), ping(b, 1), pong(a, 5), pong(b, 6), ping(c, 7)]);
        assert_eq!((pings.answered, pings.slowest), (2, Duration::from_millis(5)));
        assert_eq!(pings.unanswered(Server), Some((1, Duration::from_millis(7))));
        // The latest alone is answered.
        let pings = seen(&[ping(a, 0), ping(b, 1), pong(b, 5)]);
        assert_eq!((pings.answered, pings.unanswered(Server)), (1, None));
    }
}
