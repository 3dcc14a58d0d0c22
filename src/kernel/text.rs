//! Text for the kernels: read block by block, and written back plain if it was masked.

/// How a text ends that starts with a whole character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// With a whole character, or it is empty.
    Whole,
    /// With what may be the start of a character; [`cut_len`](super::cut_len) tells.
    Cut,
    /// It is not UTF-8.
    Bad,
}

/// Text that is read block by block, and written back plain where it was masked.
pub(crate) trait Text: Sized {
    /// All of it.
    fn bytes(&self) -> &[u8];

    /// The same text, lent.
    fn again(&mut self) -> impl Text;

    /// The first bytes, at most as many as there are, and the rest.
    fn split(self, at_most: usize) -> (Self, Self);

    /// Overwrites the block that starts `at` this byte.
    fn put<const N: usize>(&mut self, at: usize, block: [u8; N]);

    /// All of it to write, unless it can only be read.
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

/// Plain text is only read.
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
