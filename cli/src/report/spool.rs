//! Output that waits until the end of an input: in memory, or in a temporary file if it is long.

use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::ops::Range;

use tempfile::SpooledTempFile;

/// The most bytes that wait in memory. More go to a file.
const MEMORY: usize = 4 << 20;

/// The writer of output that waits.
pub(super) struct Spool {
    file: BufWriter<SpooledTempFile>,
    len: u64,
}

impl Spool {
    /// Creates an empty spool. A temporary file is only made if memory does not suffice.
    pub(super) fn new() -> Self {
        Self { file: BufWriter::new(SpooledTempFile::new(MEMORY)), len: 0 }
    }

    /// Returns the number of bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Ends the writing, and returns what can copy the output.
    pub(super) fn read(self) -> io::Result<Spooled> {
        let mut file = self.file.into_inner().map_err(|error| named(error.into_error()))?;
        file.rewind().map_err(named)?;
        Ok(Spooled { file: BufReader::new(file), at: 0 })
    }

    /// Copies all of the output.
    pub(super) fn copy(self, out: &mut impl Write) -> io::Result<()> {
        let all = 0..self.len;
        self.read()?.copy(all, out)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.write(bytes).map_err(named)?;
        self.len += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(named)
    }
}

/// Output that waited.
pub(super) struct Spooled {
    file: BufReader<SpooledTempFile>,
    at: u64,
}

impl Spooled {
    /// Copies this range of bytes. One range after the other is the fastest.
    pub(super) fn copy(&mut self, range: Range<u64>, out: &mut impl Write) -> io::Result<()> {
        if self.at != range.start {
            // What is in the buffer already is not read again.
            let ahead = range.start.wrapping_sub(self.at).cast_signed();
            self.file.seek_relative(ahead).map_err(named)?;
            self.at = range.start;
        }
        while self.at < range.end {
            let there = self.file.fill_buf().map_err(named)?;
            if there.is_empty() {
                return Err(named(io::ErrorKind::UnexpectedEof.into()));
            }
            let len = there.len().min(usize::try_from(range.end - self.at).unwrap_or(usize::MAX));
            out.write_all(&there[..len])?;
            self.file.consume(len);
            self.at += len as u64;
        }
        Ok(())
    }

    /// Returns this range of bytes as text.
    pub(super) fn text(&mut self, range: Range<u64>) -> io::Result<String> {
        let mut text = Vec::new();
        self.copy(range, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Adds the folder of the temporary file to an error.
fn named(error: io::Error) -> io::Error {
    let folder = std::env::temp_dir();
    let text = format!(
        "temporary file in {}: {error}: set TMPDIR to a folder with enough space",
        folder.display()
    );
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_copied_in_any_order_from_memory_and_from_a_file() {
        for pieces in [10_u64, 2_000_000] {
            let mut spool = Spool::new();
            for number in 0..pieces {
                write!(spool, "{number:08}").unwrap();
            }
            assert_eq!(spool.len(), 8 * pieces);
            let mut spooled = spool.read().unwrap();
            let mut numbers: Vec<_> = (0..pieces).step_by(pieces as usize / 10).collect();
            numbers.extend([pieces - 1, 0, 3, 4, 5, 5]);
            for number in numbers {
                let text = spooled.text(8 * number..8 * number + 8).unwrap();
                assert_eq!(text, format!("{number:08}"));
            }
            assert!(spooled.text(8 * pieces..8 * pieces + 1).is_err());
        }
    }
}
