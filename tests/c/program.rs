//! Programs in C: compiled against the header, linked with the library, and run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::ROOT;

/// How the library is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Library {
    Static,
    Shared,
}

pub(crate) const LIBRARIES: [Library; 2] = [Library::Static, Library::Shared];

/// A compiler that takes every warning for an error.
pub(crate) fn compiler(variable: &str, default: &str) -> Command {
    let mut command = Command::new(std::env::var_os(variable).unwrap_or_else(|| default.into()));
    command.current_dir(ROOT).args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude"]);
    command
}

/// Where both libraries are. They have a target directory of their own, because cargo holds that of
/// the tests.
fn libraries() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["rustc", "--quiet", "--release", "--lib", "--features", "c"]);
        cargo.args(["--crate-type", "staticlib,cdylib", "--target-dir"]).arg(&target);
        assert!(cargo.current_dir(ROOT).status().unwrap().success());
        target.join("release")
    })
}

pub(crate) fn shared_library() -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    libraries().join(format!("{prefix}wsvet{suffix}"))
}

pub(crate) struct Program(PathBuf);

impl Program {
    /// The program whose source this is.
    pub(crate) fn of(source: &str, library: Library) -> Self {
        let libraries = libraries();
        let stem = Path::new(source).file_stem().unwrap().to_str().unwrap();
        let program = libraries.join(format!("{stem}-{library:?}"));
        let mut cc = compiler("CC", "cc");
        cc.args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-g", source, "-o"]).arg(&program);
        match library {
            Library::Static => cc.arg(libraries.join("libwsvet.a")),
            // By its name: `-lwsvet` would take the static one where this one is missing.
            Library::Shared => cc.arg(shared_library()),
        };
        assert!(cc.status().unwrap().success(), "{cc:?}");
        Self(program)
    }

    pub(crate) fn run(&self, input: &[u8]) -> Output {
        output(&mut Command::new(&self.0), input)
    }

    /// Prints this and ends well, under valgrind too.
    pub(crate) fn expect(&self, input: &[u8], expected: &str) {
        is_due(self.run(input), expected);
        if Command::new("valgrind").arg("--version").output().is_err() {
            eprintln!("valgrind is not installed: {} ran without it", self.0.display());
            return;
        }
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--exit-on-first-error=yes"]);
        valgrind.arg("--leak-check=full").arg(&self.0);
        is_due(output(&mut valgrind, input), expected);
    }
}

fn is_due(run: Output, expected: &str) {
    let errors = String::from_utf8_lossy(&run.stderr);
    let stdout = String::from_utf8_lossy(&run.stdout);
    assert!(errors.is_empty(), "{}: {errors}", run.status);
    let differs = stdout.lines().zip(expected.lines()).find(|(got, due)| got != due);
    assert!(stdout == expected, "it printed the first, and the second is due: {differs:?}");
    assert!(run.status.success(), "{}", run.status);
}

fn output(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // It need not read all of it, and writes while it reads.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}
