//! Raw bytes: one direction from its first frame on.

use std::io::{self, Read};

use wsvet::Role;

use crate::input::answer::{Answer, reason};
use crate::input::reading::Reading;
use crate::session::direction::Judge;
use crate::session::handshake::Agreement;
use crate::session::judging::Judging;
use crate::session::record::Record;
use crate::session::report::Place;

/// How much of raw input is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Judges one direction that an input holds from its first frame on.
pub(crate) fn judge(
    mut input: impl Read,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let receiver = Role::from(reading.receiver);
    let connection = judging.next_connection();
    let place = Place { connection, from: receiver.peer(), stream: None, at: None };
    let deflate = reading.permessage_deflate.map(|parameters| parameters.to_string());
    let agreement = Agreement { extensions: Vec::from_iter(deflate), ..Agreement::default() };
    let mut conversation = judging.limits.conversation(&agreement);
    let content = judging.limits.content(receiver, &agreement);
    let mut direction = Judge::new(receiver.peer(), content, judging.thoroughness);
    let (mut buffer, mut scratch) = (vec![0; PIECE], Vec::new());
    loop {
        let len = match input.read(&mut buffer) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(reason(&error))),
        };
        if len == 0 {
            // Such input is often a part of a stream, so its end is no end of the connection.
            direction.end(&conversation, false, &mut |record| judging.record(&place, &record))?;
            return Ok(Ok(Vec::new()));
        }
        let mut sink = |record: Record<'_>| judging.record(&place, &record);
        direction.feed(&mut conversation, &buffer[..len], &mut scratch, &mut sink)?;
    }
}
