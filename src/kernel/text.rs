//! The text that a kernel validates: masked text, which it also unmasks, or unmasked text.

/// The result of validating a text that starts at the start of a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The text is UTF-8 and ends with a whole character, or it is empty.
    Whole,
    /// The text is UTF-8 up to its last bytes, which look like the start of a character. If
    /// [`cut_len`](super::cut_len) returns 0 for the text, they are not one, and the text is not
    /// UTF-8.
    Cut,
    /// The text is not UTF-8.
    Bad,
}

/// Text that a kernel reads block by block. If it can be written, the kernel also unmasks it.
pub(crate) trait Text: Sized {
    /// Returns all bytes of the text.
    fn bytes(&self) -> &[u8];

    /// Reborrows the text.
    fn again(&mut self) -> impl Text;

    /// Splits the text after `at_most` bytes, or at its end if it is shorter.
    fn split(self, at_most: usize) -> (Self, Self);

    /// Overwrites the block that starts at the byte `at`. Does nothing if the text is read-only.
    fn put<const N: usize>(&mut self, at: usize, block: [u8; N]);

    /// Returns all bytes of the text to write to, or `None` if the text is read-only.
    fn writable(&mut self) -> Option<&mut [u8]>;
}

impl Text for &mut [u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn again(&mut self) -> impl Text {
        &mut **self
    }

    #[inline(always)]
    fn split(self, at_most: usize) -> (Self, Self) {
        let at = at_most.min(self.len());
        self.split_at_mut(at)
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, block: [u8; N]) {
        self[at..at + N].copy_from_slice(&block);
    }

    #[inline(always)]
    fn writable(&mut self) -> Option<&mut [u8]> {
        Some(self)
    }
}

/// Unmasked text. It is read-only.
impl Text for &[u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn again(&mut self) -> impl Text {
        *self
    }

    #[inline(always)]
    fn split(self, at_most: usize) -> (Self, Self) {
        self.split_at(at_most.min(self.len()))
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, _: usize, _: [u8; N]) {}

    #[inline(always)]
    fn writable(&mut self) -> Option<&mut [u8]> {
        None
    }
}
