//! The command-line tool `wsvet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wsvet_cli::command::main()
}
