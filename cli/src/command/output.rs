//! Standard output, whose reader may leave before the end.

use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

/// Returns standard output, with colours if they are wanted.
pub(crate) fn stdout(color: ColorChoice) -> Box<dyn Write> {
    let stdout = io::stdout().lock();
    if stdout.is_terminal() {
        return Box::new(AutoStream::new(stdout, color));
    }
    // Without colours, each piece of text between two of them is a write, and standard output writes
    // each line at once.
    let blocks: Box<dyn Write> = Box::new(BufWriter::new(stdout));
    Box::new(AutoStream::new(blocks, color))
}

/// A writer that drops everything after its reader has closed it, for example `head`. The
/// exit status then does not depend on how much the reader has read.
pub(crate) struct Output<W> {
    out: W,
    closed: bool,
    /// What to do when the reader has closed it.
    at_close: fn(),
}

impl<W: Write> Output<W> {
    pub(crate) fn new(out: W, at_close: fn()) -> Self {
        Self { out, closed: false, at_close }
    }

    /// Returns `else_` after the reader has closed the output.
    fn unless_closed<T>(
        &mut self,
        else_: T,
        write: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(else_);
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                (self.at_close)();
                Ok(else_)
            }
            answer => answer,
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), W::flush)
    }
}
