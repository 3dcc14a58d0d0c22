//! Carries the connections of a capture over to the next one, if the capture was rotated.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use pcap_parser::{PcapError, create_reader};

use crate::input::capture::BUFFER;
use crate::input::compressed;
use crate::input::connections::{Connections, Ends, ends};
use crate::input::interfaces::Interfaces;
use crate::session::connection::Connection;
use crate::transport::packet::{Content, Moment, Packets, Segment};

/// What one input leaves to the next.
#[derive(Default)]
pub(crate) struct Rotation<'a> {
    /// The connections that go on.
    pub(crate) connections: Connections,
    /// The next input, if there is one.
    pub(crate) next: Option<&'a Path>,
}

/// Returns the connections that go on in the capture in this file. Only a regular file is read. `last`
/// is the time of the last packet before it.
///
/// A connection goes on if its first packet there follows in time, has a sequence number that fits, and
/// is no SYN.
pub(crate) fn going_on(
    path: &Path,
    mut open: HashMap<Ends, Vec<&mut Connection>>,
    last: Duration,
) -> HashSet<Ends> {
    let mut found = HashSet::new();
    // Opening a pipe waits for its writer.
    if open.is_empty() || !path.metadata().is_ok_and(|data| data.is_file()) {
        return found;
    }
    let file = File::open(path).and_then(compressed::content);
    let reader = file.ok().and_then(|content| create_reader(BUFFER, content).ok());
    let Some(mut reader) = reader else { return found };
    let mut interfaces = Interfaces::default();
    let mut packets = Packets::default();
    while !open.is_empty() {
        let before = reader.data().len();
        match reader.next() {
            Ok((len, block)) => {
                if let Some((link, time, bytes)) = interfaces.packet(&block) {
                    if time < last {
                        break;
                    }
                    let at = Moment { packet: 0, time };
                    let Ok(()) = packets.dissect(at, link, bytes, &mut |content| {
                        if let Content::Tcp(segment) = content {
                            decide(&segment, &mut open, &mut found);
                        }
                        Ok::<_, Infallible>(())
                    });
                }
                reader.consume(len);
            }
            // A packet that does not fit into the buffer is as good as the end.
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() || reader.data().len() == before {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    found
}

/// Decides about the connection of a segment, which is its first one there.
fn decide(
    segment: &Segment<'_>,
    open: &mut HashMap<Ends, Vec<&mut Connection>>,
    found: &mut HashSet<Ends>,
) {
    let ends = ends(segment);
    if let Some(mut connections) = open.remove(&ends)
        && connections.iter_mut().any(|connection| connection.may_go_on_with(segment))
    {
        found.insert(ends);
    }
}
