//! The command-line tool: puts the validator in front of a person.
//!
//! Bytes flow one way: `capture` or `hex` reads them, `packet`, `tcp` and `http` take the layers
//! below off, `judge` judges each direction, and `report` prints.

#![cfg_attr(fuzzing, no_main)]

mod args;
mod bench;
mod capture;
mod check;
mod connection;
mod contrast;
mod demo;
mod explain;
mod frames;
mod hex;
mod http;
mod judge;
mod mix;
mod packet;
mod pings;
#[cfg(any(test, fuzzing))]
#[path = "../../../fuzz/readers.rs"]
mod readers;
mod report;
mod style;
mod tcp;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::Parser;
use wsvet::{CloseCode, Policy, Role};

use crate::args::{Bench, Check, Cli, Command, Limits};
use crate::bench::{Replay, Stream};
use crate::connection::{Judging, Tally};
use crate::judge::Thoroughness;
use crate::report::{Json, Report, Text};
use crate::style::{BAD, plain};

/// At least one rule is broken.
const BROKEN: u8 = 1;
/// Wrong usage, or input that cannot be judged.
const UNUSABLE: u8 = 2;

#[cfg_attr(fuzzing, allow(dead_code))] // the fuzzer has a `main` of its own
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
        Command::Bench(args) => bench(cli, args, &mut out)?,
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
    let thoroughness = Thoroughness { keep_going: args.keep_going, payload: args.payload };
    // Nothing in JSON is a colour, so nothing may be taken out for one.
    let mut json = Json::new(BufWriter::new(io::stdout().lock()), args.payload);
    let mut text = Text::new(out, args.payload);
    let report: &mut dyn Report = if args.json { &mut json } else { &mut text };
    let mut judging = Judging::new(args.limits, thoroughness, report);
    check::run(&args.inputs, &args.reading, &mut judging, &mut |error| complain(cli, error))?;
    Ok(match judging.tally {
        Tally { unusable: 1.., .. } => UNUSABLE,
        Tally { violations: 1.., .. } => BROKEN,
        _ => 0,
    })
}

/// Measures the frames of the inputs, or the mix that is built in.
fn bench(cli: &Cli, args: &Bench, out: &mut impl Write) -> io::Result<u8> {
    let mut unusable = 0;
    let streams = if args.inputs.is_empty() {
        vec![Stream::new(Policy::new(Role::Server), mix::wire())]
    } else {
        let mut replay = Replay::default();
        // All of each payload is kept: a frame is replayed whole.
        let thoroughness = Thoroughness { keep_going: false, payload: true };
        let mut judging = Judging::new(Limits::NONE, thoroughness, &mut replay);
        check::run(&args.inputs, &args.reading, &mut judging, &mut |error| complain(cli, error))?;
        unusable = judging.tally.unusable;
        replay.into_streams()
    };
    if unusable > 0 || streams.is_empty() {
        complain(cli, "there is nothing to measure");
        return Ok(UNUSABLE);
    }
    bench::run(out, &streams, args.repetitions, args.json).map(|()| 0)
}

/// Says on standard error what is wrong; if nobody can hear it, nothing is to be done.
fn complain(cli: &Cli, message: &str) {
    let mut err = AutoStream::new(io::stderr().lock(), cli.color.into());
    let _ = writeln!(err, "{BAD}wsvet:{BAD:#} {}", plain(message));
}
