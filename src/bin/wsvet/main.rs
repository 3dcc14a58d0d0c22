//! The command-line tool: puts the validator in front of a person.
//!
//! Bytes flow one way: `capture` or `hex` reads them, `packet`, `tcp` and `http` take the layers
//! below off, `judge` judges each direction, and `report` prints.

mod args;
mod capture;
mod check;
mod connection;
mod contrast;
mod demo;
mod explain;
mod hex;
mod http;
mod judge;
mod packet;
mod report;
mod style;
mod tcp;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::Parser;
use wsvet::CloseCode;

use crate::args::{Check, Cli, Command};
use crate::connection::Tally;
use crate::report::{Json, Text};
use crate::style::{BAD, plain};

/// At least one rule is broken.
const BROKEN: u8 = 1;
/// Wrong usage, or input that cannot be judged.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(status) => ExitCode::from(status),
        // Whoever reads the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&cli, &format!("the output cannot be written: {error}"));
            ExitCode::from(UNUSABLE)
        }
    }
}

fn run(cli: &Cli) -> io::Result<u8> {
    let stdout = io::stdout().lock();
    let mut out = BufWriter::new(AutoStream::new(stdout, cli.color.into()));
    let status = match &cli.command {
        Command::Check(args) => check(cli, args, &mut out)?,
        Command::Demo => demo::run(&mut out).map(|()| 0)?,
        Command::Explain { what } => match explain::explain(&mut out, what)? {
            Ok(()) => 0,
            Err(error) => {
                complain(cli, &error);
                UNUSABLE
            }
        },
        Command::Compare { left, right } => {
            explain::compare(&mut out, CloseCode(*left), CloseCode(*right)).map(|()| 0)?
        }
        Command::Codes => explain::codes(&mut out).map(|()| 0)?,
        Command::Rules => explain::rules(&mut out).map(|()| 0)?,
    };
    out.flush()?;
    Ok(status)
}

fn check(cli: &Cli, args: &Check, out: &mut impl Write) -> io::Result<u8> {
    let mut complain = |message: &str| complain(cli, message);
    let tally = if args.json {
        // Nothing in it is a colour, so nothing may be taken out for one.
        let out = BufWriter::new(io::stdout().lock());
        check::run(args, &mut Json::new(out, args.payload), &mut complain)?
    } else {
        check::run(args, &mut Text::new(out, args.payload), &mut complain)?
    };
    Ok(match tally {
        Tally { unusable: 1.., .. } => UNUSABLE,
        Tally { violations: 1.., .. } => BROKEN,
        _ => 0,
    })
}

/// Says on standard error what is wrong; if nobody can hear it, nothing is to be done.
fn complain(cli: &Cli, message: &str) {
    let mut err = AutoStream::new(io::stderr().lock(), cli.color.into());
    let _ = writeln!(err, "{BAD}wsvet:{BAD:#} {}", plain(message));
}
