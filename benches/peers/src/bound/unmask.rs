//! What it costs to find the payloads and unmask them, and to judge nothing.

use multiversion::multiversion;

/// The length of a cache line.
const LINE: usize = 64;

/// Unmasks every frame of `stream` where it lies, and gives how many there were.
///
/// It trusts every byte: each frame must be whole and masked. No bit of the first byte is looked
/// at, and no text; the only checks are those that keep safe Rust within the slice. The whole loop
/// is compiled for each kind of register, so the choice between them is made once for all frames.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2",
    "aarch64+neon"
))]
pub fn unmask_all(stream: &mut [u8]) -> usize {
    let mut frames = 0;
    let mut rest = stream;
    while let [_, length, behind @ ..] = rest {
        let (len, behind) = match *length & 0x7F {
            126 => {
                let Some((len, behind)) = behind.split_first_chunk_mut() else { break };
                (usize::from(u16::from_be_bytes(*len)), behind)
            }
            127 => {
                let Some((len, behind)) = behind.split_first_chunk_mut() else { break };
                (u64::from_be_bytes(*len) as usize, behind)
            }
            len => (usize::from(len), behind),
        };
        let Some((key, behind)) = behind.split_first_chunk_mut() else { break };
        let Some((payload, behind)) = behind.split_at_mut_checked(len) else { break };
        unmask(u32::from_le_bytes(*key), payload);
        frames += 1;
        rest = behind;
    }
    frames
}

/// Unmasks a payload; a long one from where a cache line starts, so that no store crosses two.
#[inline(always)]
fn unmask(key: u32, payload: &mut [u8]) {
    if payload.len() < 512 {
        return xor(key, payload);
    }
    let start = payload.as_ptr().align_offset(LINE);
    let (head, lines) = payload.split_at_mut(start);
    xor(key, head);
    xor(key.rotate_right(8 * (start as u32 % 4)), lines);
}

/// Unmasks word by word, which the compiler turns into the widest registers that there are.
///
/// The last word is read before all others and written after them, so that a length that is no
/// multiple of eight needs no loop over single bytes.
#[inline(always)]
fn xor(key: u32, payload: &mut [u8]) {
    let word = u64::from(key) << 32 | u64::from(key);
    let Some(&last) = payload.last_chunk() else {
        for (byte, key) in payload.iter_mut().zip(word.to_le_bytes()) {
            *byte ^= key;
        }
        return;
    };
    let last_word = word.rotate_right(8 * (payload.len() as u32 % 4));
    let (words, tail) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    if !tail.is_empty()
        && let Some(end) = payload.last_chunk_mut()
    {
        *end = (u64::from_le_bytes(last) ^ last_word).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_unmasks_as_a_loop_over_bytes_does() {
        let key = [0x37, 0xFA, 0x21, 0x3D];
        for len in (0..1_200).chain([70_000]) {
            let plain: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut stream = match len {
                0..=125 => vec![0x82, 0x80 | len as u8],
                126..=0xFFFF => [&[0x82, 0xFE][..], &(len as u16).to_be_bytes()].concat(),
                _ => [&[0x82, 0xFF][..], &(len as u64).to_be_bytes()].concat(),
            };
            stream.extend(key);
            let header = stream.len();
            stream.extend(plain.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            let mut twice = stream.repeat(2);
            assert_eq!(unmask_all(&mut twice), 2);
            for frame in twice.chunks(stream.len()) {
                assert_eq!(frame[header..], plain, "{len} bytes");
            }
        }
    }
}
