//! `wsvet demo`: judges and explains a built-in recording.

use std::io::{self, Write};

use wsvet::{CloseCode, Rule};

use crate::command::contrast;
use crate::input::capture;
use crate::input::rotation::Rotation;
use crate::report::style::{CODE, HEADING, paragraph};
use crate::report::{Shown, Text};
use crate::session::judging::{Judging, Thoroughness};
use crate::session::limits::Limits;
use crate::session::report::Report;

/// A Python client sends text and then binary; the Python server closes with 1003.
const CAPTURE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/aiohttp-close-1003.pcap"));

/// Judges the recording, and explains why 1003 is correct and other codes are not.
pub(crate) fn run(out: &mut impl Write) -> io::Result<()> {
    let intro = "A recorded conversation between two real endpoints. The server accepts only \
        text. The client sends text, and then a binary message.";
    paragraph(out, "", intro)?;
    writeln!(out)?;
    let mut report = Text::new(&mut *out, Shown::default());
    let limits = Limits::TEXT_ONLY_SERVER;
    let thoroughness = Thoroughness { keep_going: false, payload: false };
    let mut judging = Judging::new(limits, thoroughness, &mut report);
    capture::judge(CAPTURE, &mut Rotation::default(), &mut judging)?;
    let tally = judging.tally;
    report.end_of_input(&[])?;
    report.finish(&tally)?;

    let due = Rule::UnsupportedData.close_code();
    writeln!(out, "\n{HEADING}Why {due}?{HEADING:#}")?;
    paragraph(out, "  ", Rule::UnsupportedData.explain())?;
    let others =
        [CloseCode::NORMAL_CLOSURE, CloseCode::PROTOCOL_ERROR, CloseCode::ABNORMAL_CLOSURE];
    for other in others {
        writeln!(out, "\n{HEADING}Why not {CODE}{other}{CODE:#}{HEADING}?{HEADING:#}")?;
        let text = contrast::between(other.min(due), other.max(due)).unwrap_or_default();
        paragraph(out, "  ", text)?;
    }
    writeln!(out, "\n{HEADING}What to do{HEADING:#}")?;
    paragraph(out, "  ", Rule::UnsupportedData.resolve())?;
    writeln!(out, "\nJudge your own capture: wsvet check --server-accepts text CAPTURE.pcap")
}
