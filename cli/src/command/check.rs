//! `wsvet check`: judges inputs, and prints the results.

use std::io::{self, IsTerminal, Write};

use crate::command::args::Check;
use crate::command::reporting::Subject;
use crate::command::status::Status;
use crate::input::{self, interrupt};

/// Judges the inputs, and prints the results.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Check,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    let page = match args.reporting.page() {
        Ok(page) => page,
        Err(error) => {
            complain(&error);
            return Ok(Status::Unusable);
        }
    };
    let subject = if args.follow { Subject::Growing } else { Subject::Inputs };
    args.reporting.print(out, subject, args.limits, page, complain, |judging, complain| {
        let printing = (args.reporting.json || args.follow) && io::stdout().is_terminal();
        interrupt::listen();
        if args.follow {
            interrupt::end_with_reader();
        }
        input::judge_all(&args.inputs, &args.reading, !printing, args.follow, judging, complain)
    })
}
