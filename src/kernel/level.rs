//! The choice of the kernel, at run time or at compile time, and the calls of the kernels that need
//! registers that not every processor has.

#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
use core::sync::atomic::{AtomicU8, Ordering};

use super::{Ending, Place, Text, portable, sixteen};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{avx2, avx512};

/// Masks `buf` with `key`. The lowest byte of `key` masks the first byte of `buf`.
#[inline]
pub(crate) fn mask(key: u32, buf: &mut [u8]) {
    Level::of_this_machine().mask(key, buf);
}

/// Copies `from` to `to`, and masks the copy. Both must have the same length.
#[inline]
pub(crate) fn copy<P: Place>(key: u32, from: &[u8], to: &mut [P]) {
    Level::of_this_machine().copy(key, from, to);
}

/// Checks whether text is UTF-8, and unmasks it if it can be written.
#[inline]
pub(crate) fn judge(key: u32, text: impl Text) -> Ending {
    Level::of_this_machine().judge(key, text)
}

/// The widest registers that a kernel may use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    /// Only the registers that every processor has.
    Portable,
    /// Registers of 16 bytes: NEON, SSE4.1, or SIMD128 of WebAssembly.
    Sixteen,
    /// Registers of 32 bytes (AVX2).
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx2,
    /// Registers of 64 bytes (AVX-512), with VBMI, which has tables of 64 entries.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512,
}

impl Level {
    /// Returns the level of this processor. The first call asks the processor; later calls return
    /// the stored answer. A processor of the lowest level, from before 2008, is asked in each call,
    /// so that the others have no comparison more.
    #[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
    #[inline]
    fn of_this_machine() -> Self {
        static KNOWN: AtomicU8 = AtomicU8::new(0);
        match KNOWN.load(Ordering::Relaxed) {
            // Not known, or `Portable`.
            0 => {
                let level = Self::ask();
                KNOWN.store(level as u8, Ordering::Relaxed);
                level
            }
            1 => Self::Sixteen,
            #[cfg(target_arch = "x86_64")]
            2 => Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            _ => Self::Avx512,
            #[cfg(target_arch = "x86")]
            _ => Self::Sixteen,
        }
    }

    /// Returns the level of every processor that the crate is compiled for.
    #[cfg(not(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64"))))]
    #[inline]
    const fn of_this_machine() -> Self {
        if super::register::EVERYWHERE && !cfg!(wsvet_portable) {
            Self::Sixteen
        } else {
            Self::Portable
        }
    }

    #[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
    #[cold]
    fn ask() -> Self {
        if cfg!(wsvet_portable) || !std::arch::is_x86_feature_detected!("sse4.1") {
            return Self::Portable;
        }
        #[cfg(target_arch = "x86_64")]
        if !cfg!(wsvet_sse) && std::arch::is_x86_feature_detected!("avx2") {
            let wide = !cfg!(wsvet_avx2)
                && std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512vbmi");
            return if wide { Self::Avx512 } else { Self::Avx2 };
        }
        Self::Sixteen
    }

    /// Returns whether the kernel of this level runs on this processor. Those of other processors
    /// than x86 run wherever the crate does.
    fn is_here(self) -> bool {
        cfg!(not(any(target_arch = "x86", target_arch = "x86_64")))
            || self <= Self::of_this_machine()
    }

    /// Masks `buf` with the kernel of this level.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the processor does not have this level.
    #[inline]
    #[allow(unsafe_code)]
    fn mask(self, key: u32, buf: &mut [u8]) {
        debug_assert!(self.is_here());
        match self {
            // SAFETY: the processor has AVX-512 with VBMI: `of_this_machine` has asked it.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512 => unsafe { avx512::mask(key, buf) },
            // SAFETY: the processor has AVX2: `of_this_machine` has asked it.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx2 => unsafe { avx2::mask(key, buf) },
            // SAFETY: an x86 processor has SSE4.1: `of_this_machine` has asked it, or this was
            // compiled for no other. Others have NEON or SIMD128, because this was compiled for no
            // other, or need nothing. Where a call needs nothing, it is not unsafe.
            #[allow(unused_unsafe)]
            Self::Sixteen => unsafe { sixteen::mask(key, buf) },
            Self::Portable => {
                portable::mask(key, buf);
            }
        }
    }

    /// Copies `from` to `to` with the kernel of this level, and masks the copy.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the processor does not have this level.
    #[inline]
    #[allow(unsafe_code)]
    fn copy<P: Place>(self, key: u32, from: &[u8], to: &mut [P]) {
        debug_assert!(self.is_here());
        match self {
            // SAFETY: the processor has AVX2: `of_this_machine` has asked it, and asks for AVX-512
            // only on processors with AVX2. There is no kernel for 64 bytes: each of its loads from
            // `from` crosses two cache lines, and a copy takes 1.1 times as long (AMD Zen 4).
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => unsafe { avx2::copy(key, from, to) },
            // SAFETY: an x86 processor has SSE4.1: `of_this_machine` has asked it, or this was
            // compiled for no other. Others have NEON or SIMD128, because this was compiled for no
            // other, or need nothing. Where a call needs nothing, it is not unsafe.
            #[allow(unused_unsafe)]
            Self::Sixteen => unsafe { sixteen::copy(key, from, to) },
            Self::Portable => portable::copy(key, from, to),
        }
    }

    /// Validates text with the kernel of this level, and unmasks it if it can be written.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the processor does not have this level.
    #[inline]
    #[allow(unsafe_code)]
    fn judge(self, key: u32, text: impl Text) -> Ending {
        debug_assert!(self.is_here());
        // For shorter text, loading the larger tables of AVX-512 costs more time than they save.
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        const LONG: usize = 256;
        match self {
            // SAFETY: the processor has AVX-512 with VBMI: `of_this_machine` has asked it.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512 if text.bytes().len() >= LONG => unsafe { avx512::judge(key, text) },
            // SAFETY: the processor has AVX2: `of_this_machine` has asked it, and asks for AVX-512
            // only on processors with AVX2.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => unsafe { avx2::judge(key, text) },
            // SAFETY: an x86 processor has SSE4.1: `of_this_machine` has asked it, or this was
            // compiled for no other. Others have NEON or SIMD128, because this was compiled for no
            // other, or need nothing. Where a call needs nothing, it is not unsafe.
            #[allow(unused_unsafe)]
            Self::Sixteen => unsafe { sixteen::judge(key, text) },
            Self::Portable => portable::judge(key, text),
        }
    }
}

/// Compares every kernel that this processor can run with the others, whichever kernel the crate
/// uses on this processor.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{cut_len, number};
    use proptest::prelude::*;

    /// The first and the last byte of every range in the grammar of RFC 3629 §4.
    const EDGES: [u8; 24] = [
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
        0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    /// Miri is a thousand times slower. It sees what a kernel reads and writes from few lengths.
    const STEP: usize = if cfg!(miri) { 29 } else { 1 };

    fn levels() -> impl Iterator<Item = Level> {
        let all = [
            Level::Portable,
            Level::Sixteen,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Level::Avx2,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Level::Avx512,
        ];
        all.into_iter().filter(|level| level.is_here())
    }

    fn masked(text: &[u8]) -> Vec<u8> {
        text.iter().zip(KEY.into_iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }

    /// Asserts that every level validates the text as the standard library does, masked and
    /// unmasked, and that masked text is unmasked afterwards.
    fn agree(text: &[u8]) {
        let expected = match std::str::from_utf8(text) {
            Ok(_) => Ending::Whole,
            Err(error) if error.error_len().is_none() => Ending::Cut,
            Err(_) => Ending::Bad,
        };
        for level in levels() {
            let mut work = masked(text);
            for ending in [level.judge(number(KEY), &mut work[..]), level.judge(0, text)] {
                let ending = match ending {
                    Ending::Cut if cut_len(text) == 0 => Ending::Bad,
                    ending => ending,
                };
                assert_eq!(ending, expected, "{level:?} {text:02x?}");
            }
            assert_eq!(work, text, "{level:?}");
        }
    }

    #[test]
    fn all_mask_alike() {
        let plain: Vec<u8> = (0..2_500).map(|n| (n * 7) as u8).collect();
        for len in (0..700).step_by(STEP).chain([1_023, 1_024, 1_536, 2_400]) {
            for start in [0, 1, 31, 63] {
                let text = &plain[start..start + len];
                for level in levels() {
                    let mut work = plain.clone();
                    level.mask(number(KEY), &mut work[start..start + len]);
                    assert_eq!(work[start..start + len], masked(text), "{level:?} {len}");
                    assert_eq!(work[..start], plain[..start]);
                    assert_eq!(work[start + len..], plain[start + len..]);
                }
            }
        }
    }

    #[test]
    fn all_copy_alike() {
        let plain: Vec<u8> = (0..2_500).map(|n| (n * 7) as u8).collect();
        for len in (0..700).step_by(STEP).chain([1_023, 1_024, 1_536, 2_400]) {
            for (from, to) in [(0, 0), (1, 31), (31, 1), (63, 64)] {
                let text = &plain[from..from + len];
                for level in levels() {
                    let mut out = vec![0xA5; to + len + 70];
                    level.copy(number(KEY), text, &mut out[to..to + len]);
                    assert_eq!(out[to..to + len], masked(text), "{level:?} {len}");
                    assert!(out[..to].iter().chain(&out[to + len..]).all(|byte| *byte == 0xA5));

                    let mut out: Vec<u8> = Vec::with_capacity(to + len);
                    let room = &mut out.spare_capacity_mut()[to..to + len];
                    level.copy(number(KEY), text, room);
                    let copied = room.iter().map(|byte| {
                        // SAFETY: `copy` has written all of them, or Miri reports it.
                        #[allow(unsafe_code)]
                        unsafe {
                            byte.assume_init()
                        }
                    });
                    assert!(copied.eq(masked(text)), "{level:?} {len}");
                }
            }
        }
    }

    #[test]
    fn all_judge_two_edges_in_a_row_alike_at_every_place() {
        for len in (2..200).step_by(STEP) {
            for (number, pair) in (0..EDGES.len().pow(2)).step_by(STEP).enumerate() {
                let mut text = vec![b'a'; len];
                let at = (number * 31 + len * 7) % (len - 1);
                text[at] = EDGES[pair % EDGES.len()];
                text[at + 1] = EDGES[pair / EDGES.len()];
                agree(&text);
            }
        }
    }

    #[test]
    fn all_judge_characters_alike_at_every_place_and_cut_anywhere() {
        for character in
            ["é", "\u{800}", "€", "\u{D7FF}", "\u{FFFF}", "\u{10000}", "😀", "\u{10FFFF}"]
        {
            for len in (0..300).step_by(STEP) {
                for cut in 0..character.len() {
                    let text = "a".repeat(len) + character + "b";
                    agree(&text.as_bytes()[..len + cut]);
                    agree(&text.as_bytes()[cut..]);
                    agree(&[&text.as_bytes()[..len + cut], b"cde"].concat());
                }
            }
        }
    }

    #[test]
    fn all_judge_alike_where_ascii_follows_a_character_that_is_cut_or_comes_before_its_rest() {
        for len in (0..300).step_by(STEP) {
            for character in ["é", "€", "😀"] {
                for bad in [&b"\xC3"[..], b"\xE2\x82", b"\xF0\x9F\x98", b"\xA9"] {
                    let start = character.repeat(40) + &"a".repeat(len);
                    agree(&[start.as_bytes(), bad, &[b'b'; 200]].concat());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn all_judge_any_text_alike(
            text in "[a-zäöüß€語😀]{0,200}",
            broken in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut text = text.into_bytes();
            if let (Some((at, byte)), false) = (broken, text.is_empty()) {
                let at = at.index(text.len());
                text[at] = byte;
            }
            agree(&text);
        }
    }
}
