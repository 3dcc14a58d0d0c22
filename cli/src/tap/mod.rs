//! Passes the connections of clients to a server, and judges them as they pass.
//!
//! A thread for each connection passes its bytes (`relay`), and pushes them into a bounded queue
//! (`queue`) before it writes them to the other endpoint. One thread judges all connections, since
//! they share a report (`judge`): what passed becomes the segments of a capture (`packets`), so the
//! verdicts are those of `wsvet check` on the capture that `pcapng` writes.

mod gate;
mod judge;
mod listener;
mod packets;
mod pcapng;
mod queue;
mod relay;
mod stream;

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use crate::input::interrupt;
use crate::session::judging::Judging;

use judge::Judge;
use queue::{Batch, Queue};

pub use listener::Route;
pub use pcapng::{Pcapng, SECTION};

/// Passes connections and judges them, until a signal comes or `most` connections have ended.
///
/// `capture` receives what passed. `note` receives what people must be told besides the report.
///
/// # Errors
///
/// Any error of the report.
pub fn run(
    listener: TcpListener,
    route: Route,
    most: Option<u64>,
    capture: Option<Pcapng<impl Write>>,
    judging: &mut Judging<'_>,
    note: &mut dyn FnMut(&str),
) -> io::Result<()> {
    let queue = Queue::new();
    let sender = queue.sender();
    let shared = Arc::clone(&queue);
    let listen = move || listener::listen(listener, &route, most, &shared, sender);
    thread::Builder::new().spawn(listen)?;
    let mut judge = Judge::new(capture);
    let mut batch = Batch::default();
    while queue.next(&mut batch) {
        judge.batch(&batch, judging, note)?;
        if queue.is_empty() {
            judge.pause(judging)?;
        }
        // The reader of the output may have gone.
        if interrupt::is_stopped() {
            queue.close();
        }
    }
    queue.close();
    judge.finish(judging, note)
}
