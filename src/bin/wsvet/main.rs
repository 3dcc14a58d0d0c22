//! The command-line tool: puts the validator in front of a person.
//!
//! Bytes flow one way: `capture`, `har`, `lines` or `hex` reads them, `packet`, `tcp` and `http`
//! take the layers below off, `frames` and `judge` judge each connection and direction, and
//! `report` prints.

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
mod har;
mod hex;
mod http;
mod inflate;
mod judge;
mod lines;
mod mix;
mod packet;
mod pings;
mod progress;
#[cfg(any(test, fuzzing))]
#[path = "../../../fuzz/readers.rs"]
mod readers;
mod report;
mod style;
mod tcp;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anstream::AutoStream;
use clap::Parser;
use wsvet::{CloseCode, Policy, Role};

use crate::args::{Bench, Check, Cli, Command, Limits};
use crate::bench::{Replay, Stream};
use crate::connection::{Judging, Tally};
use crate::judge::Thoroughness;
use crate::report::{Both, Html, Json, Report, Shown, Text};
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
    let shown = Shown { payload: args.payload, summary: args.summary, follow: args.follow };
    let page = match args.html.as_deref().map(html_file).transpose() {
        Ok(page) => page,
        Err(error) => {
            complain(cli, &error);
            return Ok(UNUSABLE);
        }
    };
    // Nothing in JSON is a colour, so nothing may be taken out for one.
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
    let mut complain = |error: &str| complain(cli, error);
    check::run(&args.inputs, &args.reading, !printing, &mut judging, &mut complain)?;
    Ok(match judging.tally {
        Tally { unusable: 1.., .. } => UNUSABLE,
        Tally { violations: 1.., .. } => BROKEN,
        _ => 0,
    })
}

/// Opens a file for a page. Only an older page is overwritten: a capture that stands where the
/// page's name was forgotten is not.
fn html_file(path: &Path) -> Result<File, String> {
    const START: &[u8] = b"<!DOCTYPE html>";
    let mut start = Vec::new();
    let older =
        File::open(path).and_then(|file| file.take(START.len() as u64).read_to_end(&mut start));
    if older.is_ok() && !start.is_empty() && start != START {
        return Err(format!(
            "{}: this is no page, and is not overwritten with one",
            path.display()
        ));
    }
    File::create(path).map_err(|error| format!("{}: cannot be written: {error}", path.display()))
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
        let mut complain = |error: &str| complain(cli, error);
        check::run(&args.inputs, &args.reading, true, &mut judging, &mut complain)?;
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
