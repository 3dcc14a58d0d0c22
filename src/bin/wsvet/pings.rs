//! How long the ends of a connection take to answer a Ping.

use std::time::Duration;

use wsvet::{OpCode, Role};

use crate::judge::Frame;

/// The Pings of a connection that were answered.
#[derive(Default)]
pub(crate) struct Pings {
    /// The latest Ping of the client and of the server that waits for its Pong, and when it came.
    asked: [Option<(Vec<u8>, Duration)>; 2],
    pub(crate) answered: u64,
    pub(crate) fastest: Option<Duration>,
    pub(crate) slowest: Duration,
}

impl Pings {
    /// Looks at a frame: is it a Ping, or the Pong to one (RFC 6455 §5.5.3)?
    pub(crate) fn see(&mut self, from: Role, frame: &Frame<'_>, at: Duration) {
        // One whose payload is not known can answer any.
        let known = frame.payload.len() as u64 == frame.header.payload_len();
        match frame.header.opcode() {
            OpCode::Ping if known => self.asked[from as usize] = Some((frame.payload.to_vec(), at)),
            OpCode::Pong if known => {
                let asked = &mut self.asked[from.peer() as usize];
                if let Some((_, then)) = asked.take_if(|(payload, _)| payload == frame.payload) {
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

    #[test]
    fn a_pong_answers_the_latest_ping_of_the_other_end_alone() {
        let mut pings = Pings::default();
        let mut see = |from, opcode, payload: &[u8], at| {
            let header = Header::new(opcode, payload.len() as u64);
            let frame = Frame { offset: 0, header, payload, close: None };
            pings.see(from, &frame, Duration::from_millis(at));
        };
        see(Role::Client, OpCode::Pong, b"", 0); // nobody asked
        see(Role::Client, OpCode::Ping, b"a", 1);
        see(Role::Server, OpCode::Pong, b"b", 2);
        see(Role::Client, OpCode::Pong, b"a", 3);
        see(Role::Server, OpCode::Pong, b"a", 8);
        see(Role::Server, OpCode::Pong, b"a", 9);
        see(Role::Server, OpCode::Ping, b"", 10);
        see(Role::Client, OpCode::Pong, b"", 12);
        let (fastest, slowest) = (Duration::from_millis(2), Duration::from_millis(7));
        assert_eq!((pings.answered, pings.fastest, pings.slowest), (2, Some(fastest), slowest));
    }
}
