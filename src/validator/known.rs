//! What the first bytes of a header say about the whole header.

use crate::Header;

/// The known part of a header: all of it, or its first bytes.
///
/// Every header that starts with these bytes has this first byte, this second byte if it is known,
/// and a payload length from `least` to `most`.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) first: u8,
    pub(super) second: Option<u8>,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Known {
    /// Returns the known part of a whole header.
    #[inline]
    pub(super) const fn whole(header: &Header) -> Self {
        let len = header.payload_len();
        Self {
            first: header.first_byte(),
            second: Some(header.second_byte()),
            least: len,
            most: len,
        }
    }

    /// Returns what the first bytes of a header say, or `None` if there are no bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let &first = start.first()?;
        let second = start.get(1).copied();
        let filled = |byte| {
            let mut window = [byte; Header::MAX_LEN];
            let seen = start.len().min(Header::MAX_LEN);
            window[..seen].copy_from_slice(&start[..seen]);
            Header::from_window(&window).0.payload_len()
        };
        let (least, most) = match second {
            Some(_) => (filled(0), filled(0xFF)),
            None => (0, u64::MAX),
        };
        Some(Self { first, second, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds are exact: both ends belong to a header, and the header that was cut lies between.
    #[test]
    fn the_bounds_are_those_of_all_headers_that_start_so() {
        for second in 0..=255 {
            for fill in [[0; 12], [0xFF; 12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]] {
                let mut wire = [0x82; Header::MAX_LEN];
                wire[1] = second;
                wire[2..].copy_from_slice(&fill);
                let (header, len) = Header::from_window(&wire);
                for cut in 1..=len {
                    let known = Known::of(&wire[..cut]).unwrap();
                    let filled = |byte| {
                        let mut wire = wire;
                        let second = if cut == 1 { byte | 0x7F } else { second };
                        wire[cut..].fill(byte);
                        wire[1] = second;
                        Header::from_window(&wire).0.payload_len()
                    };
                    let (least, most) = (filled(0), filled(0xFF));
                    assert_eq!((known.least, known.most), (least, most), "{:02x?}", &wire[..cut]);
                    assert!((least..=most).contains(&header.payload_len()));
                }
                assert_eq!(Known::of(&wire[..len]).unwrap().most, Known::whole(&header).least);
            }
        }
    }
}
