//! What `wsvet check` and `wsvet tap` report: the arguments, and the reports that they ask for.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::command::output::Output;
use crate::command::page::Page;
use crate::command::status::Status;
use crate::input::interrupt;
use crate::report::{Both, Html, Json, Shown, Text};
use crate::session::judging::{Judging, Thoroughness};
use crate::session::limits::Limits;
use crate::session::report::{Report, Tally};

/// What is reported, and how.
#[derive(Args)]
pub(crate) struct Reporting {
    /// Exit with status 2 if a connection cannot be judged, even beside others that can
    ///
    /// For example, it is encrypted, or does not fit into --max-memory. A connection that begins in the
    /// middle or lacks bytes is judged from the next frame that is found, and does not count.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print the unmasked payload of each frame
    #[arg(long)]
    pub(crate) payload: bool,

    /// Report every violation of a direction, not only the first
    ///
    /// Reporting stops only if the start of the next frame is unknown.
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Print only the frames that break a rule, and how each connection was closed and why
    #[arg(long)]
    pub(crate) summary: bool,

    /// Print one JSON object per line
    #[arg(long, conflicts_with = "summary")]
    pub(crate) json: bool,

    /// Also write an HTML page that shows each connection as a sequence diagram
    ///
    /// An existing file is overwritten only if it is empty or an HTML page, and only after a run that
    /// did not fail. A pipe or a device is written directly.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Inputs that end.
    Inputs,
    /// Inputs of which the last one grows.
    Growing,
    /// Live connections.
    Live,
}

impl Reporting {
    /// Checks that the page can be written, if one is wanted.
    pub(crate) fn page(&self) -> Result<Option<Page>, String> {
        self.html.as_deref().map(Page::new).transpose()
    }

    /// Prints what `judge` judges, and returns the exit status.
    pub(crate) fn print(
        &self,
        out: &mut impl Write,
        subject: Subject,
        limits: Limits,
        page: Option<Page>,
        complain: &mut dyn FnMut(&str),
        judge: impl FnOnce(&mut Judging<'_>, &mut dyn FnMut(&str)) -> io::Result<()>,
    ) -> io::Result<Status> {
        let (payload, keep_going, summary) = (self.payload, self.keep_going, self.summary);
        let (follow, live) = (subject == Subject::Growing, subject == Subject::Live);
        // Ctrl-C is the usual end.
        let is_endless = follow || live;
        // JSON bypasses the colour filter: it has no colours, and must not change.
        let stdout =
            Output::new(io::stdout().lock(), if is_endless { interrupt::stop } else { || {} });
        let mut json = Json::new(BufWriter::new(stdout), payload, follow);
        let mut text = Text::new(out, Shown { payload, summary, follow, live });
        let mut report: &mut dyn Report = if self.json { &mut json } else { &mut text };
        let mut html = page.is_some().then(Html::new);
        let mut both;
        if let Some(html) = &mut html {
            both = Both(report, html);
            report = &mut both;
        }
        let mut judging = Judging::new(limits, Thoroughness { keep_going, payload }, report);
        judge(&mut judging, complain)?;
        let tally = judging.tally;
        let written = match html.zip(page) {
            Some((_, page)) if interrupt::signal().is_some() && !is_endless => {
                let name = page.name().display();
                Err(format!("{name}: the page was not written, because of the interruption"))
            }
            Some((html, page)) => write(html, page, &tally),
            None => Ok(()),
        };
        if let Err(error) = &written {
            complain(error);
            return Ok(Status::Unusable);
        }
        Ok(self.status(&tally))
    }

    /// Returns the exit status after these counts.
    fn status(&self, tally: &Tally) -> Status {
        match *tally {
            Tally { unusable: 1.., .. } => Status::Unusable,
            Tally { unjudged: 1.., .. } if self.strict => Status::Unusable,
            Tally { violations: 1.., .. }
            | Tally { findings: 1.., .. }
            | Tally { faults: 1.., .. }
            | Tally { unopened: 1.., .. } => Status::Broken,
            _ => Status::Fine,
        }
    }
}

/// Writes the page. After a run that failed, an older page is kept.
fn write(html: Html, page: Page, tally: &Tally) -> Result<(), String> {
    let name = page.name().display();
    if tally.connections == 0 && tally.unusable > 0 && page.is_older() {
        return Err(format!("{name}: the older page was kept, because nothing was judged"));
    }
    page.write(|mut out| html.write(tally, &mut out))
}
