//! `wsvet check`: judges inputs, and prints the results.

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::command::args::Check;
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
    let thoroughness = Thoroughness { keep_going: args.keep_going, payload: args.payload };
    let shown = Shown { payload: args.payload, summary: args.summary, follow: args.follow };
    let page = match args.html.as_deref().map(Page::new).transpose() {
        Ok(page) => page,
        Err(error) => {
            complain(&error);
            return Ok(Status::Unusable);
        }
    };
    // JSON bypasses the colour filter: it has no colours, and must not change.
    let stdout =
        Output::new(io::stdout().lock(), if args.follow { interrupt::stop } else { || {} });
    let mut json = Json::new(BufWriter::new(stdout), args.payload, args.follow);
    let mut text = Text::new(out, shown);
    let mut report: &mut dyn Report = if args.json { &mut json } else { &mut text };
    let mut html = page.is_some().then(Html::new);
    let mut both;
    if let Some(html) = &mut html {
        both = Both(report, html);
        report = &mut both;
    }
    let mut judging = Judging::new(args.limits, thoroughness, report);
    let printing = (args.json || args.follow) && io::stdout().is_terminal();
    interrupt::listen();
    if args.follow {
        interrupt::end_with_reader();
    }
    input::judge_all(&args.inputs, &args.reading, !printing, args.follow, &mut judging, complain)?;
    let tally = judging.tally;
    let written = match html.zip(page) {
        Some((html, page)) => write(html, page, &tally, args.follow),
        None => Ok(()),
    };
    if let Err(error) = &written {
        complain(error);
    }
    Ok(match tally {
        _ if written.is_err() => Status::Unusable,
        Tally { unusable: 1.., .. } => Status::Unusable,
        Tally { unjudged: 1.., .. } if args.strict => Status::Unusable,
        Tally { violations: 1.., .. }
        | Tally { findings: 1.., .. }
        | Tally { faults: 1.., .. }
        | Tally { unopened: 1.., .. } => Status::Broken,
        _ => Status::Fine,
    })
}

/// Writes the page. After a run that failed, an older page is kept. Ctrl-C is the usual end of
/// `--follow`, and no failure.
fn write(html: Html, page: Page, tally: &Tally, follow: bool) -> Result<(), String> {
    let name = page.name().display();
    if interrupt::signal().is_some() && !follow {
        return Err(format!("{name}: the page was not written, because of the interruption"));
    }
    if tally.connections == 0 && tally.unusable > 0 && page.is_older() {
        return Err(format!("{name}: the older page was kept, because nothing was judged"));
    }
    page.write(|mut out| html.write(tally, &mut out))
}
