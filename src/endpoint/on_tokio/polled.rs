//! A future that calls a function.

use core::pin::Pin;
use core::task::{Context, Poll};

/// A future that calls a function each time it is polled, as that of `core::future::poll_fn` does.
///
/// It is always inlined: for a short message, a call and one more copy of the message cost too much.
pub(super) struct Polled<F>(pub(super) F);

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for Polled<F> {
    type Output = T;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}
