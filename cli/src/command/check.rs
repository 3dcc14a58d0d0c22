//! `wsvet check`: judges inputs, and prints the results.

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::command::args::{Check, Reporting};
use crate::command::output::Output;
use crate::command::page::Page;
use crate::command::status::Status;
use crate::input::{self, interrupt};
use crate::report::{Both, Html, Json, Shown, Text};
use crate::session::judging::{Judging, Thoroughness};
use crate::session::report::{Report, Tally};

/// Judges the inputs, and prints the results.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Check,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    let Reporting { keep_going, payload, summary, json: as_json, .. } = args.reporting;
    let thoroughness = Thoroughness { keep_going, payload };
    let shown = Shown { payload, summary, follow: args.follow, live: false };
    let page = match args.reporting.html.as_deref().map(Page::new).transpose() {
        Ok(page) => page,
        Err(error) => {
            complain(&error);
            return Ok(Status::Unusable);
        }
    };
    // JSON bypasses the colour filter: it has no colours, and must not change.
    let stdout =
        Output::new(io::stdout().lock(), if args.follow { interrupt::stop } else { || {} });
    let mut json = Json::new(BufWriter::new(stdout), payload, args.follow);
    let mut text = Text::new(out, shown);
    let mut report: &mut dyn Report = if as_json { &mut json } else { &mut text };
    let mut html = page.is_some().then(Html::new);
    let mut both;
    if let Some(html) = &mut html {
        both = Both(report, html);
        report = &mut both;
    }
    let mut judging = Judging::new(args.limits, thoroughness, report);
    let printing = (as_json || args.follow) && io::stdout().is_terminal();
    interrupt::listen();
    if args.follow {
        interrupt::end_with_reader();
    }
    input::judge_all(&args.inputs, &args.reading, !printing, args.follow, &mut judging, complain)?;
    let tally = judging.tally;
    let written = match html.zip(page) {
        // Ctrl-C is the usual end of `--follow`, and no failure.
        Some((_, page)) if interrupt::signal().is_some() && !args.follow => {
            let name = page.name().display();
            Err(format!("{name}: the page was not written, because of the interruption"))
        }
        Some((html, page)) => write_page(html, page, &tally),
        None => Ok(()),
    };
    if let Err(error) = &written {
        complain(error);
    }
    Ok(if written.is_err() { Status::Unusable } else { status_of(&tally, args.reporting.strict) })
}

/// Returns the exit status after these counts. With `strict`, everything must be judged.
pub(crate) fn status_of(tally: &Tally, strict: bool) -> Status {
    match *tally {
        Tally { unusable: 1.., .. } => Status::Unusable,
        Tally { unjudged: 1.., .. } if strict => Status::Unusable,
        Tally { violations: 1.., .. }
        | Tally { findings: 1.., .. }
        | Tally { faults: 1.., .. }
        | Tally { unopened: 1.., .. } => Status::Broken,
        _ => Status::Fine,
    }
}

/// Writes the page. After a run that failed, an older page is kept.
pub(crate) fn write_page(html: Html, page: Page, tally: &Tally) -> Result<(), String> {
    let name = page.name().display();
    if tally.connections == 0 && tally.unusable > 0 && page.is_older() {
        return Err(format!("{name}: the older page was kept, because nothing was judged"));
    }
    page.write(|mut out| html.write(tally, &mut out))
}
