//! What it costs to step from header to header.

/// Steps over all frames, and gives how many there were, and a number in which each length and
/// each key is. No bit of the first byte is looked at; each frame must be masked.
pub fn sum_headers(stream: &[u8]) -> (usize, u64) {
    let (mut frames, mut sum) = (0, 0u64);
    let mut rest = stream;
    while let [_, length, behind @ ..] = rest {
        let (len, behind) = match *length & 0x7F {
            126 => {
                let Some((len, behind)) = behind.split_first_chunk() else { break };
                (usize::from(u16::from_be_bytes(*len)), behind)
            }
            127 => {
                let Some((len, behind)) = behind.split_first_chunk() else { break };
                (u64::from_be_bytes(*len) as usize, behind)
            }
            len => (usize::from(len), behind),
        };
        let Some((key, behind)) = behind.split_first_chunk() else { break };
        let Some((_, behind)) = behind.split_at_checked(len) else { break };
        sum = sum.wrapping_add(len as u64 ^ u64::from(u32::from_le_bytes(*key)));
        frames += 1;
        rest = behind;
    }
    (frames, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_steps_over_lengths_of_all_three_forms() {
        let key = [1, 0, 0, 0];
        let mut stream = [&[0x82, 0x82][..], &key, &[0; 2]].concat();
        stream.extend([&[0x82, 0xFE, 1, 0][..], &key, &[0; 256]].concat());
        stream.extend([&[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0, 4][..], &key, &[0; 4]].concat());
        assert_eq!(sum_headers(&stream), (3, (2 ^ 1) + (256 ^ 1) + (4 ^ 1)));
    }
}
