//! Tells whether bytes are HTTP/2.

use wsvet::Role;

use crate::transport::http2::frame::{ACK, HEADER, Head, Kind, MAX_FRAME, PREFACE};

/// The frames after which bytes from the middle of a connection are taken for HTTP/2.
const PROOF: usize = 3;

/// Whether the bytes that an endpoint sends first are HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// They are not.
    No,
    /// More bytes are needed.
    Perhaps,
    /// They are.
    Yes,
}

/// Returns whether the bytes that an endpoint sends first are HTTP/2: the preface of a client, or the
/// SETTINGS of a server, which may come before the preface (RFC 9113 §3.4).
pub fn sniff(from: Role, start: &[u8]) -> Sniffed {
    if from == Role::Client {
        // `PRI * HTTP/2` is no request of HTTP/1.1.
        let len = start.len().min(PREFACE.len());
        return match start[..len] == PREFACE[..len] {
            true if len == PREFACE.len() => Sniffed::Yes,
            true => Sniffed::Perhaps,
            false => Sniffed::No,
        };
    }
    // Up to 42 settings: a server sends five.
    let zero = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == 0);
    let settings = zero(start.first())
        && zero(start.get(1))
        && start.get(2).is_none_or(|len| len.is_multiple_of(6))
        && start.get(3).is_none_or(|kind| *kind == 4)
        && (4..HEADER).all(|at| zero(start.get(at)));
    match settings {
        true if start.len() >= HEADER => Sniffed::Yes,
        true => Sniffed::Perhaps,
        false => Sniffed::No,
    }
}

/// Returns whether bytes that one endpoint sent in the middle of a connection are frames of HTTP/2: the
/// bytes must start with at least three of the frames that RFC 9113 has, or end with a frame after two.
pub fn is_middle(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut frames = 0;
    while let Some(wire) = rest.first_chunk::<HEADER>() {
        let head = Head::parse(*wire, 0);
        let reserved = wire[5] & 0x80 != 0;
        let flags = match head.kind {
            Kind::Data => 0x9,
            Kind::Headers => 0x2D,
            Kind::Settings | Kind::Ping => ACK,
            Kind::PushPromise => 0xC,
            Kind::Continuation => 0x4,
            Kind::Other(_) => return false,
            _ => 0,
        };
        if reserved || head.flags & !flags != 0 || head.check(MAX_FRAME).is_err() {
            return false;
        }
        frames += 1;
        if frames == PROOF {
            return true;
        }
        match rest.get(HEADER + head.len as usize..) {
            Some([]) => return frames + 1 >= PROOF,
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1];
    const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn the_first_bytes_tell_wherever_they_are_cut() {
        for (from, start, needed) in
            [(Role::Client, PREFACE, PREFACE.len()), (Role::Server, SETTINGS, HEADER)]
        {
            for len in 0..start.len() {
                let expected = if len < needed { Sniffed::Perhaps } else { Sniffed::Yes };
                assert_eq!(sniff(from, &start[..len]), expected, "{len}");
                let mut other = start[..=len].to_vec();
                other[len] ^= 0x40;
                let expected = if len < needed { Sniffed::No } else { Sniffed::Yes };
                assert_eq!(sniff(from, &other), expected, "{len}");
            }
        }
        assert_eq!(sniff(Role::Client, b"GET / HTTP/1.1"), Sniffed::No);
        assert_eq!(sniff(Role::Server, b"HTTP/1.1 200"), Sniffed::No);
    }

    #[test]
    fn the_middle_is_known_by_its_frames() {
        assert!(is_middle(&PING.repeat(2)));
        assert!(is_middle(&[&PING.repeat(3), &b"x"[..]].concat()));
        assert!(!is_middle(PING));
        assert!(!is_middle(&[&PING.repeat(2), &b"x"[..]].concat()));
        assert!(!is_middle(&[0; 90]));
        assert!(!is_middle(b"\x81\x05Hello\x81\x05Hello\x81\x05Hello\x81\x05Hello"));
    }
}
