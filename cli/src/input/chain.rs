//! Tells whether bytes of unknown origin are frames: whether the lengths of headers lead from one
//! legal header to the next.

use wsvet::{Header, OpCode, Role};

/// The length below which bytes that nothing else explains are taken as frames, in bytes.
const SHORT: usize = 64;

/// The number of legal headers at the start of a chain that prove it.
const PROOF: u64 = 3;

/// Returns whether an input that starts with these bytes may be judged as frames. `whole` says whether
/// these are all of its bytes.
///
/// A header that breaks a rule does not end the chain. But chance makes headers, too, so that the
/// first three must be legal, or the last payload must end with the input and most headers be legal.
pub(super) fn is_plausible(start: &[u8], whole: bool) -> bool {
    if whole && start.len() < SHORT {
        return true;
    }
    let mut rest = start;
    let mut open = false;
    let mut masked = None;
    let [mut legal, mut illegal] = [0u64; 2];
    while let Ok((header, after)) = Header::decode(rest) {
        // Zeros are fragments without a payload, as many as you like.
        let filler = header.first_byte() == 0 && header.second_byte() == 0;
        let consistent = *masked.get_or_insert(header.is_masked()) == header.is_masked();
        if !is_legal(&header, open) || !consistent {
            illegal += 1;
        } else if !filler {
            legal += 1;
        }
        if illegal == 0 && legal >= PROOF {
            return true;
        }
        if !header.opcode().is_control() {
            open = !header.fin();
        }
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        match after.get(len..) {
            Some([]) => return whole && legal > illegal,
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

/// Returns whether bytes that somebody wrote down may be judged as frames. It takes less, because a dump
/// of a frame is often cut, and because few write down anything else.
pub(super) fn is_plausible_paste(bytes: &[u8]) -> bool {
    is_plausible(bytes, true) || starts_legal(bytes) || reaches_the_end(bytes)
}

/// Returns whether the first header breaks no rule, or is cut.
pub(super) fn starts_legal(bytes: &[u8]) -> bool {
    match Header::decode(bytes) {
        Ok((header, _)) => is_legal(&header, false),
        Err(_) => {
            let first = bytes.first().copied().unwrap_or_default();
            is_legal(&Header::from_wire(first, 0, 0, [0; 4]), false)
        }
    }
}

/// Returns the endpoint that sent a frame which starts like this, if the mask bit of its header is there:
/// only the frames of a client are masked (§5.1).
pub(super) fn sender(start: &[u8]) -> Option<Role> {
    let second = *start.get(1)?;
    Some(if second & 0x80 != 0 { Role::Client } else { Role::Server })
}

/// Returns the headers to which the lengths lead.
pub(super) fn headers(bytes: &[u8]) -> impl Iterator<Item = Header> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (header, after) = Header::decode(rest).ok()?;
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        rest = after.get(len..).unwrap_or_default();
        Some(header)
    })
}

/// Returns whether the lengths of the headers, legal or not, lead to the end of the bytes.
pub(super) fn reaches_the_end(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Ok((header, after)) = Header::decode(rest) {
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        match after.get(len..) {
            Some([]) => return true,
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

/// Returns whether a header breaks no rule. `open` says whether a message waits for its next fragment.
fn is_legal(header: &Header, open: bool) -> bool {
    let opcode = header.opcode();
    let in_turn = match opcode {
        OpCode::Text | OpCode::Binary => !open && header.rsv() & 3 == 0,
        OpCode::Continuation => open && header.rsv() == 0,
        OpCode::Close | OpCode::Ping | OpCode::Pong => {
            header.fin() && header.rsv() == 0 && header.payload_len() <= 125
        }
        _ => false,
    };
    in_turn && header.is_minimal() && header.payload_len() < 1 << 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_proven_by_its_end_or_by_three_headers() {
        let text: Vec<u8> = [&[0x81, 80][..], &[b'a'; 80]].concat();
        assert!(is_plausible(&text, true));
        // More may follow, and one header proves nothing.
        assert!(!is_plausible(&text, false));
        assert!(!is_plausible(&text[..81], true));
        assert!(is_plausible(&text.repeat(3), false));
        let reserved: Vec<u8> = [&[0xB1, 80][..], &[b'a'; 80]].concat();
        assert!(!is_plausible(&reserved, true));
        assert!(is_plausible(&[&text[..], &reserved, &text].concat(), true));
        assert!(!is_plausible(&[&text[..], &reserved, &text].concat(), false));
    }

    #[test]
    fn zeros_are_no_frames() {
        assert!(!is_plausible(&[0; 4096], true));
        assert!(!is_plausible(&[&[1][..], &[0; 4095]].concat(), false));
        assert!(!is_plausible(&[&[2, 0][..], &[0; 4094]].concat(), false));
    }
}
