//! What `wsvet probe` writes: to standard output, and to files.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wsvet::generate::Case;

use crate::command::output::Output;
use crate::command::overwriting::Kind;
use crate::command::page::Page;
use crate::command::probe::Probe;
use crate::command::status::Status;
use crate::probe::explore::Found;
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::report::{self, Baseline, Json, Record, Report, Tally};

const JUNIT: Kind = Kind { option: "--junit", name: "report", form: "XML", start: b"<?xml" };

/// Why there is no report.
pub(crate) enum Stop {
    Unusable(String),
    Output(io::Error),
}

impl From<String> for Stop {
    fn from(error: String) -> Self {
        Self::Unusable(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Where the outcomes of the cases go.
pub(crate) struct Told<'a> {
    args: &'a Probe,
    baseline: Baseline,
    page: Option<Page>,
    junit: Option<(&'a Path, BufWriter<File>)>,
    json: Option<Json<BufWriter<Output<io::Stdout>>>>,
    bar: ProgressBar,
    start: Instant,
    rans: Vec<Ran>,
}

impl<'a> Told<'a> {
    /// Opens the files, before anything is sent.
    pub(crate) fn new(args: &'a Probe) -> Result<Self, String> {
        // JSON bypasses the colour filter: it has no colours, and must not change.
        let json = || Json::new(BufWriter::new(Output::new(io::stdout(), || {})));
        Ok(Self {
            args,
            baseline: args.baseline.as_deref().map(baseline).transpose()?.unwrap_or_default(),
            page: args.html.as_deref().map(Page::new).transpose()?,
            junit: match args.junit.as_deref() {
                Some(path) => Some((path, BufWriter::new(JUNIT.create(path)?))),
                None => None,
            },
            json: args.json.then(json),
            bar: ProgressBar::hidden(),
            start: Instant::now(),
            rans: Vec::new(),
        })
    }

    pub(crate) fn begin(&mut self, url: &str, found: &Found, cases: usize) -> io::Result<()> {
        if let Some(json) = &mut self.json {
            json.peer(url, found)?;
        }
        self.bar = progress(cases, self.args.json);
        self.start = Instant::now();
        Ok(())
    }

    fn is_known(&self, case: &Case, ran: &Ran) -> bool {
        matches!(ran.outcome, Outcome::Fail(level) if self.baseline.has(&case.id, level))
    }

    pub(crate) fn case(&mut self, case: &Case, ran: Ran) -> io::Result<()> {
        let known = self.is_known(case, &ran);
        let record = Record { case, ran, known };
        self.bar.inc(1);
        if let Some(json) = &mut self.json {
            json.case(&record)?;
        }
        self.rans.push(record.ran);
        Ok(())
    }

    pub(crate) fn end(
        mut self,
        out: &mut impl Write,
        url: &str,
        found: &Found,
        cases: &[Case],
    ) -> Result<Status, Stop> {
        self.bar.finish_and_clear();
        let took = self.start.elapsed();
        let rans = std::mem::take(&mut self.rans);
        let records = cases.iter().zip(rans).map(|(case, ran)| {
            let known = self.is_known(case, &ran);
            Record { case, ran, known }
        });
        let report = Report { url, found, records: records.collect(), took };
        match &mut self.json {
            Some(json) => json.summary(&report)?,
            None => report::text(&report, out)?,
        }
        let strict = self.args.strict;
        if let Some((path, mut file)) = self.junit {
            report::junit(&report, strict, &mut file)
                .and_then(|()| file.flush())
                .map_err(|error| JUNIT.cannot_write(path, &error))?;
        }
        if let Some(page) = self.page {
            page.write(|mut out| report::html(&report, &mut out))?;
        }
        let fails = Tally::of(&report.records).fails(strict);
        Ok(if fails { Status::Broken } else { Status::Fine })
    }
}

fn baseline(path: &Path) -> Result<Baseline, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    Baseline::read(&text).map_err(|error| format!("{name}: {error}"))
}

/// A bar on standard error, if that is a terminal on which nothing else is printed meanwhile.
fn progress(cases: usize, json: bool) -> ProgressBar {
    let target = match json && io::stdout().is_terminal() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} cases");
    ProgressBar::with_draw_target(Some(cases as u64), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
