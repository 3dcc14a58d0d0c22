//! Many connections in one thread: a frame of each in turn.

mod peers;
mod turns;

use std::time::{Duration, Instant};

use crate::contender::{About, Contender};
use crate::measure::Kind;
pub use turns::{Turns, all};

/// How the figures are to be read.
pub const INTERLEAVED: Kind = Kind {
    name: "interleaved",
    says: "A server with so many connections receives an ASCII text message of 125 bytes of one after the \
           other, in an order of chance. wsvet and sockudo-ws take it where it lies, in the buffer that the \
           thread reads into; the others read it into a buffer that each connection has. So what is \
           measured is also how much of a connection's state must come into the cache. The bound copies the \
           frame into the buffer, unmasks it, and changes one cache line of the connection.",
    head: ("of the", "bound"),
    bound: "copies, unmasks, changes one cache line of the connection",
    absent: &[],
};

/// A crate that receives on many connections.
trait Connections: Sized {
    /// What it is.
    const ABOUT: About;

    /// So many open connections.
    fn open(count: usize, frame: &[u8]) -> Self;

    /// Receives the frame on this connection, and returns the length of the message in bytes.
    fn receive(&mut self, connection: usize) -> Result<usize, String>;
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Turns>> {
    vec![
        of::<peers::Wsvet>(),
        of::<peers::Sockudo>(),
        of::<peers::Tungstenite>(),
        of::<peers::Fastwebsockets>(),
    ]
}

fn of<P: Connections>() -> Contender<Turns> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Connections>(turns: &Turns) -> Result<(), String> {
    let mut connections = P::open(turns.connections, &turns.frame);
    for &connection in &turns.order {
        let len = connections.receive(connection)?;
        if len != turns.message_len {
            return Err(format!("a message of {len} bytes"));
        }
    }
    Ok(())
}

fn time<P: Connections>(turns: &Turns) -> Duration {
    let mut connections = P::open(turns.connections, &turns.frame);
    // Each has received before: what it allocates for the first frame is there.
    for connection in 0..turns.connections {
        connections.receive(connection).expect("it was checked");
    }
    let start = Instant::now();
    for &connection in &turns.order {
        connections.receive(connection).expect("it was checked");
    }
    start.elapsed()
}

/// Prints how many bytes a connection takes that has received a message, for each contender.
pub fn print_memory() {
    const CONNECTIONS: usize = 65_536;
    println!("bytes a connection that has received a message of 125 bytes, {CONNECTIONS} of them:");
    memory::<peers::Wsvet>(CONNECTIONS);
    memory::<peers::Sockudo>(CONNECTIONS);
    memory::<peers::Tungstenite>(CONNECTIONS);
    memory::<peers::Fastwebsockets>(CONNECTIONS);
}

fn memory<P: Connections>(count: usize) {
    let frame = turns::frame();
    let before = resident();
    let mut connections = P::open(count, &frame);
    for connection in 0..count {
        connections.receive(connection).expect("it was checked");
    }
    let bytes = resident().saturating_sub(before) as f64 / count as f64;
    println!("  {:<18} {bytes:>8.0}", P::ABOUT.name);
}

/// The bytes of memory that this process has. Linux only.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_does_what_is_measured() {
        let mut works = all();
        works.truncate(2);
        for work in works {
            for contender in contenders() {
                assert_eq!(contender.check(&work), Ok(()), "{}", contender.about.name);
            }
        }
    }
}
