//! Judges raw bytes: one direction of a connection, from its first frame.

use std::io::{self, Read};

use wsvet::Role;

use crate::input::answer::{Answer, reason};
use crate::input::reading::Reading;
use crate::session::agreement::Agreement;
use crate::session::cause::{Known, Watch};
use crate::session::judging::Judging;
use crate::session::record::Record;
use crate::session::recorder::{Recorder, observe};
use crate::session::report::Place;

/// The number of bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Judges the bytes of one direction, from its first frame.
pub(crate) fn judge(
    mut input: impl Read,
    reading: &Reading,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let from = Role::from(reading.receiver).peer();
    let connection = judging.next_connection();
    let place = Place { connection, from, stream: None, at: None };
    let deflate = reading.permessage_deflate.map(|parameters| parameters.to_string());
    let agreement = Agreement::new(None, None, None, Vec::from_iter(deflate));
    let mut conversation = judging.limits.conversation(&agreement);
    let deflate = agreement.permessage_deflate().is_some();
    let mut recorder = Recorder::new(deflate, judging.thoroughness);
    let mut watch = Watch::default();
    let mut buffer = vec![0; PIECE];
    loop {
        let len = match input.read(&mut buffer) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(reason(&error))),
        };
        if len == 0 {
            // The input is often a part of a stream, so its end is not the end of the connection.
            let mut sink = |record: Record<'_>| {
                watch.record(&place, &record);
                judging.record(&place, &record)
            };
            recorder.end(conversation.direction(from), None, &mut sink)?;
            if let Some(told) = watch.tell(from, Known::Whole, &agreement) {
                judging.causes(&told)?;
            }
            return Ok(Ok(Vec::new()));
        }
        let mut sink = |record: Record<'_>| {
            watch.record(&place, &record);
            judging.record(&place, &record)
        };
        observe(&mut conversation, from, &buffer[..len], &mut recorder, &mut sink)?;
        watch.keep(&buffer[..len], recorder.records_violations());
        if let Some(told) = watch.tell(from, Known::SoFar, &agreement) {
            judging.causes(&told)?;
        }
    }
}
