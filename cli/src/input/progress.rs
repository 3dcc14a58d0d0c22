//! Shows the progress of reading a long input.

use std::io::{self, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The length from which progress is shown, in bytes. Less is read too fast to see.
const LONG: u64 = 16 << 20;

/// An input with a progress bar on standard error, if that is a terminal. The bar disappears at the
/// end.
pub(crate) struct Progress<R> {
    input: R,
    read: u64,
    bar: ProgressBar,
    shown: bool,
}

impl<R> Progress<R> {
    /// Creates an input that may show its progress. `len` is its length in bytes, if known.
    pub(crate) fn new(input: R, len: Option<u64>, show: bool) -> Self {
        let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::hidden());
        let template = match len {
            Some(_) => "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            None => "{spinner} {bytes}, {bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template);
        let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { input, read: 0, bar, shown: !show }
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.input.read(out)?;
        self.read += len as u64;
        if self.read > LONG && !std::mem::replace(&mut self.shown, true) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(self.read);
        Ok(len)
    }
}

impl<R> Drop for Progress<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
