//! The commands, and the entry point of the tool.

mod args;
mod bench;
mod check;
mod contrast;
mod demo;
mod explain;
pub mod mix;
mod output;
mod overwriting;
mod page;
mod probe;
mod reporting;
mod status;
#[cfg(unix)]
mod tap;
mod told;
mod trust;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::Parser;
use wsvet::CloseCode;

use crate::command::args::{Cli, Command};
use crate::command::output::Output;
use crate::command::status::Status;
use crate::input::interrupt;
use crate::report::style::{BAD, plain};

/// Runs the tool with the arguments of the process, and returns its exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let status = match run(&cli) {
        Ok(status) => status,
        Err(error) => {
            complain(&cli, &format!("cannot write the output: {error}"));
            Status::Unusable
        }
    };
    if let Some(signal) = interrupt::signal()
        && !is_ended_by_signals(&cli.command)
    {
        interrupt::end(signal);
    }
    status.into()
}

fn run(cli: &Cli) -> io::Result<Status> {
    let stdout = output::stdout(cli.color.into());
    let at_close = match &cli.command {
        // Nobody waits for what is still to come.
        Command::Check(args) if args.follow => interrupt::stop,
        #[cfg(unix)]
        Command::Tap(_) => interrupt::stop,
        _ => || {},
    };
    let mut out = BufWriter::new(Output::new(stdout, at_close));
    let complain = &mut |message: &str| complain(cli, message);
    let status = match &cli.command {
        Command::Check(args) => check::run(&mut out, args, complain)?,
        Command::Bench(args) => bench::run(&mut out, args, complain)?,
        Command::Explain { what } => explain::explain(&mut out, what, complain)?,
        Command::Demo => demo::run(&mut out).map(|()| Status::Fine)?,
        Command::Compare { left, right } => {
            explain::compare(&mut out, CloseCode(*left), CloseCode(*right))
                .map(|()| Status::Fine)?
        }
        Command::Codes => explain::codes(&mut out).map(|()| Status::Fine)?,
        Command::Rules => explain::rules(&mut out).map(|()| Status::Fine)?,
        Command::Probe(args) => probe::run(&mut out, args, complain)?,
        #[cfg(unix)]
        Command::Tap(args) => tap::run(&mut out, args, complain)?,
        Command::Tls => args::print_tls(&mut out).map(|()| Status::Fine)?,
    };
    out.flush()?;
    Ok(status)
}

/// Returns whether a signal is the usual end, whose exit status says what was found.
fn is_ended_by_signals(command: &Command) -> bool {
    #[cfg(unix)]
    return matches!(command, Command::Tap(_));
    #[cfg(not(unix))]
    {
        let _ = command;
        false
    }
}

/// Prints an error to standard error. If this fails, too, nothing can be done.
fn complain(cli: &Cli, message: &str) {
    let mut err = AutoStream::new(io::stderr().lock(), cli.color.into());
    let _ = writeln!(err, "{BAD}wsvet:{BAD:#} {}", plain(message));
}
