//! Runs the same bytes through wsvet and through the other WebSocket crates, in turn and in one
//! process, and prints how they compare.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! ```
//!
//! There are these kinds of work: to receive frames (all at once, in chunks, compressed, and on many
//! connections), to decode headers, to write frames, and to send messages, compressed too. Behind `--` go the names of rows, if not
//! all are wanted, and options; `--help` shows them.

mod arguments;
mod bound;
mod compress;
mod contender;
mod encode;
mod headers;
mod interleaved;
mod measure;
mod random;
mod receive;
mod report;
mod send;
mod versions;

use std::process::ExitCode;

use arguments::{Arguments, Form, USAGE};
use contender::Contender;
use measure::{Kind, Table, Work};

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if arguments.memory {
        interleaved::print_memory();
        return ExitCode::SUCCESS;
    }
    let whole = receive::workloads::whole();
    let in_chunks = receive::workloads::in_chunks();
    let tables = [
        measured(&arguments, receive::WHOLE, receive::contenders(), whole),
        measured(&arguments, receive::IN_CHUNKS, receive::contenders(), in_chunks),
        measured(
            &arguments,
            receive::compressed::COMPRESSED,
            receive::compressed::contenders(),
            receive::workloads::compressed(),
        ),
        measured(
            &arguments,
            interleaved::INTERLEAVED,
            interleaved::contenders(),
            interleaved::all(),
        ),
        measured(&arguments, headers::HEADERS, headers::contenders(), headers::all()),
        measured(&arguments, encode::ENCODE, encode::contenders(), encode::all()),
        measured(&arguments, send::SEND, send::contenders(), send::all()),
        measured(&arguments, compress::COMPRESS, compress::contenders(), compress::all()),
    ];
    let tables: Vec<Table> = tables.into_iter().flatten().collect();
    if tables.is_empty() {
        eprintln!("no row has such a name");
        return ExitCode::from(2);
    }
    match arguments.form {
        Form::Text => report::text(&tables),
        Form::Json => report::json(&tables),
        Form::Markdown => report::markdown(&tables),
    }
    if let Some(file) = &arguments.picture
        && let Err(error) = std::fs::write(file, report::picture(&tables))
    {
        eprintln!("{file}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The table of those works that are wanted, if there are any.
fn measured<W: Work>(
    arguments: &Arguments,
    kind: Kind,
    contenders: Vec<Contender<W>>,
    mut works: Vec<W>,
) -> Option<Table> {
    works.retain(|work| arguments.wants(work.name()));
    let any = !works.is_empty();
    any.then(|| measure::table(kind, &contenders, works, arguments.rounds))
}
