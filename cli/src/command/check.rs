//! `wsvet check`: judges inputs, and prints the results.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;

use crate::command::args::Check;
use crate::command::status::Status;
use crate::input;
use crate::report::{Both, Html, Json, Shown, Text};
use crate::session::judging::{Judging, Thoroughness};
use crate::session::report::{Report, Tally};

/// Judges the inputs, and prints the results.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Check,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    let thoroughness = Thoroughness { keep_going: args.keep_going, payload: args.payload };
    let shown = Shown { payload: args.payload, summary: args.summary, follow: args.follow };
    let page = match args.html.as_deref().map(html_file).transpose() {
        Ok(page) => page,
        Err(error) => {
            complain(&error);
            return Ok(Status::Unusable);
        }
    };
    // JSON bypasses the colour filter: it has no colours, and must not change.
    let mut json = Json::new(BufWriter::new(io::stdout().lock()), args.payload, args.follow);
    let mut text = Text::new(out, shown);
    let mut report: &mut dyn Report = if args.json { &mut json } else { &mut text };
    let mut html = page.map(|file| Html::new(BufWriter::new(file)));
    let mut both;
    if let Some(html) = &mut html {
        both = Both(report, html);
        report = &mut both;
    }
    let mut judging = Judging::new(args.limits, thoroughness, report);
    let printing = (args.json || args.follow) && io::stdout().is_terminal();
    input::judge_all(&args.inputs, &args.reading, !printing, &mut judging, complain)?;
    Ok(match judging.tally {
        Tally { unusable: 1.., .. } => Status::Unusable,
        Tally { unjudged: 1.., .. } if args.strict => Status::Unusable,
        Tally { violations: 1.., .. }
        | Tally { findings: 1.., .. }
        | Tally { faults: 1.., .. }
        | Tally { unopened: 1.., .. } => Status::Broken,
        _ => Status::Fine,
    })
}

/// Opens a file for a page. Only an older page or an empty file is overwritten: if the user forgets
/// the name of the page, the next argument is a capture.
fn html_file(path: &Path) -> Result<File, String> {
    const START: &[u8] = b"<!DOCTYPE html>";
    let mut start = Vec::new();
    let older =
        File::open(path).and_then(|file| file.take(START.len() as u64).read_to_end(&mut start));
    if older.is_ok() && !start.is_empty() && start != START {
        return Err(format!(
            "{}: the file exists and is not an HTML page: give --html another file name",
            path.display()
        ));
    }
    File::create(path)
        .map_err(|error| format!("{}: cannot write the page: {error}", path.display()))
}
