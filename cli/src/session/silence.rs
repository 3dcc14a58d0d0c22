//! Measures how long a connection was silent before its end.

use std::time::Duration;

/// The shortest silence before the end that is told.
const SHORTEST: Duration = Duration::from_secs(5);

/// A silence is told only if it lasted this many times as long as the longest gap before it.
const TIMES: u32 = 3;

/// The gaps between the bytes of a connection, in both directions.
pub struct Silence {
    /// The time of the last bytes, or of the upgrade.
    last: Duration,
    /// The longest gap so far.
    longest: Duration,
    /// The time of the first Close frame or the first end of a stream.
    end: Option<Duration>,
}

impl Silence {
    /// Creates it at the time of the upgrade.
    pub fn new(start: Duration) -> Self {
        Self { last: start, longest: Duration::ZERO, end: None }
    }

    /// Notes bytes that an endpoint sent, other than a Close frame.
    pub fn see(&mut self, at: Duration) {
        if self.end.is_none() {
            self.longest = self.longest.max(at.saturating_sub(self.last));
            self.last = self.last.max(at);
        }
    }

    /// Notes the first Close frame, or the end of a stream.
    pub fn end(&mut self, at: Duration) {
        self.end.get_or_insert(at);
    }

    /// Returns the silence before the end, if it was long for this connection.
    pub fn before_the_end(&self) -> Option<Duration> {
        let silence = self.end?.saturating_sub(self.last);
        (silence >= SHORTEST && silence >= self.longest * TIMES).then_some(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The silence after bytes at these times in milliseconds, and an end.
    fn after(bytes: &[u64], end: u64) -> Option<u128> {
        let mut silence = Silence::new(Duration::from_millis(1_000));
        bytes.iter().for_each(|at| silence.see(Duration::from_millis(*at)));
        assert_eq!(silence.before_the_end(), None);
        silence.end(Duration::from_millis(end));
        silence.see(Duration::MAX);
        silence.end(Duration::MAX);
        silence.before_the_end().map(|silence| silence.as_millis())
    }

    #[test]
    fn a_silence_is_told_if_it_is_long_and_unusual() {
        assert_eq!(after(&[], 61_000), Some(60_000)); // not one byte
        assert_eq!(after(&[2_000, 3_000], 8_000), Some(5_000));
        assert_eq!(after(&[2_000, 3_000], 7_999), None);
        assert_eq!(after(&[2_000, 12_000], 42_000), Some(30_000));
        assert_eq!(after(&[2_000, 12_000], 41_999), None);
        assert_eq!(after(&[2_000, 1_500], 1_000), None); // a clock that goes back
    }
}
