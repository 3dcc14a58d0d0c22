//! A register of 16 bytes, and the few operations that the kernel for such registers needs.
//!
//! There is one file for each set of instructions. `array` does the same with plain bytes: it takes
//! the place of a register on other processors, where no kernel uses it and only the tests do.

#[cfg(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128"),
)))]
mod array;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod sse;

#[cfg(not(any(
    target_arch = "x86",
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128"),
)))]
pub(super) use array::*;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
pub(super) use neon::*;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use simd128::*;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(super) use sse::*;

/// The number of bytes in a register.
pub(super) const WIDTH: usize = 16;
