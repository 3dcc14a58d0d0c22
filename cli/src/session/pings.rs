//! Measures the time from Ping to Pong.

use std::collections::VecDeque;
use std::time::Duration;

use wsvet::{OpCode, Role};

use crate::session::record::Frame;

/// The Pings of a connection, and their answers.
#[derive(Default)]
pub struct Pings {
    /// The latest Pings of the client and of the server that wait for a Pong, with their times.
    asked: [VecDeque<(Vec<u8>, Duration)>; 2],
    /// The number of Pings that were answered.
    pub answered: u64,
    /// The shortest time from a Ping to its Pong.
    pub fastest: Option<Duration>,
    /// The longest time from a Ping to its Pong.
    pub slowest: Duration,
}

/// The most Pings of an endpoint that are stored until they are answered.
const MOST: usize = 32;

/// The approximate memory that a stored Ping takes, in bytes.
const COST: usize = size_of::<(Vec<u8>, Duration)>() + 32;

impl Pings {
    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub fn memory(&self) -> usize {
        self.asked.iter().map(|asked| asked.len() * COST).sum()
    }

    /// Processes a frame, if it is a Ping or a Pong (RFC 6455 §5.5.3).
    pub fn see(&mut self, from: Role, frame: &Frame<'_>, at: Duration) {
        // A Pong with an unknown payload cannot be assigned to a Ping.
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
                // A Pong for the latest Ping also answers the Pings before it.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsvet::Header;

    /// Processes frames, each with its sender, opcode, payload and time in milliseconds.
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
            (Role::Client, OpCode::Pong, b"", 0), // without a Ping
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
    }

    #[test]
    fn pings_may_wait_together() {
        use Role::{Client, Server};
        let ping = |payload, at| (Server, OpCode::Ping, payload, at);
        let pong = |payload, at| (Client, OpCode::Pong, payload, at);
        let (a, b, c): (&[u8], &[u8], &[u8]) = (b"a", b"b", b"c");
        let pings = seen(&[ping(a, 0), ping(b, 1), pong(a, 5), pong(b, 6), ping(c, 7)]);
        assert_eq!((pings.answered, pings.slowest), (2, Duration::from_millis(5)));
        // Only the latest Ping is answered.
        let pings = seen(&[ping(a, 0), ping(b, 1), pong(b, 5)]);
        assert_eq!(pings.answered, 1);
    }
}
