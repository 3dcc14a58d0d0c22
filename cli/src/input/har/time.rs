//! The times of a HAR file: numbers in several units, or dates.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::transport::packet::time_of;

/// Converts a time: seconds, milliseconds or microseconds since 1970 as a number or as text, or a date.
pub(in crate::input) fn parse(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => number.as_f64().map(from_number),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Some(from_number(number)),
            Err(_) => date(text.trim()),
        },
        _ => None,
    }
}

/// Converts a number. Its size tells its unit.
fn from_number(number: f64) -> Duration {
    match number {
        number if number > 1e14 => time_of(number / 1e6),
        number if number > 1e11 => time_of(number / 1e3),
        number => time_of(number),
    }
}

/// Parses a date of ISO 8601, with the offset of its zone.
fn date(text: &str) -> Option<Duration> {
    let zone = text.get(10..)?.rfind(['+', '-']).map(|at| at + 10);
    let (local, ahead) = match zone {
        None => (text.to_owned(), 0),
        Some(at) => {
            let digits: String = text[at + 1..].chars().filter(|c| *c != ':').collect();
            let (hours, minutes) =
                (digits.get(..2)?, digits.get(2..).filter(|rest| !rest.is_empty()));
            let hours: i64 = hours.parse().ok()?;
            let minutes: i64 = minutes.unwrap_or("0").parse().ok()?;
            let sign = if text[at..].starts_with('-') { -1 } else { 1 };
            (text[..at].to_owned(), sign * (hours * 3600 + minutes * 60))
        }
    };
    let time = humantime::parse_rfc3339_weak(local.trim()).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let ahead_by = Duration::from_secs(ahead.unsigned_abs());
    if ahead < 0 { since.checked_add(ahead_by) } else { since.checked_sub(ahead_by) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_the_same_time() {
        for text in [
            "1700000000.5",
            "\"1700000000.5\"",
            "1700000000500",
            "1700000000500000",
            "\"2023-11-14T22:13:20.5Z\"",
            "\"2023-11-14T22:13:20.500\"",
            "\"2023-11-14T23:13:20.500+01:00\"",
            "\"2023-11-14T18:43:20.500-0330\"",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(&value), Some(Duration::from_millis(1_700_000_000_500)), "{text}");
        }
        for text in
            ["null", "\"\"", "\"today\"", "{}", "\"2023-11-14T22:13:20+x\"", "\"äääääääääää+\""]
        {
            assert_eq!(parse(&serde_json::from_str(text).unwrap()), None, "{text}");
        }
    }
}
