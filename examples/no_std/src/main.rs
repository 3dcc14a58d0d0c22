//! A program without the standard library and without an allocator, as for a microcontroller: it
//! takes what came over a line, byte by byte, and writes what is to be sent to a buffer.
//!
//! ```sh
//! cargo run --manifest-path examples/no_std/Cargo.toml    # exit status 0: all went as it must
//! ```

#![no_std]
#![no_main]

use core::ffi::c_int;
use core::panic::PanicInfo;

use wsvet::{Accepts, Event, Policy, Responder, Role, StreamDecoder, encode};

/// A text, a Ping, and the header of a binary message that is refused with 1003.
const RECEIVED: [u8; 26] =
    *b"\x81\x82\x01\x02\x03\x04ik\x89\x84\0\0\0\0ping\x82\xFE\x10\x00\0\0\0\0";

/// What is sent: a Pong, and a Close.
const SENT: &[u8] = b"\x8A\x04ping\x881\x03\xEBthis endpoint does not accept this type of data";

const POLICY: Policy = Policy::new(Role::Server).accepts(Accepts::TextOnly).max_message(1024);

/// The C library calls it, and nothing else of the C library is used.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let mut sent = [0; 2 * encode::MAX_CONTROL_LEN];
    let (len, text) = serve(&mut sent);
    c_int::from(&sent[..len] != SENT || &text != b"hi")
}

/// Gives how much is to be sent, and the text that was received.
fn serve(sent: &mut [u8]) -> (usize, [u8; 2]) {
    let mut decoder = StreamDecoder::new(POLICY);
    let mut responder = Responder::new();
    let mut out = [0; encode::MAX_CONTROL_LEN];
    let (mut len, mut text, mut received) = (0, [0; 2], 0);
    for byte in RECEIVED {
        let mut byte = [byte];
        let answer = match decoder.decode(&mut byte) {
            Ok((_, Some(Event::Data { bytes, .. }))) => {
                for byte in bytes {
                    text[received] = *byte;
                    received += 1;
                }
                &[]
            }
            Ok((_, Some(event))) => responder.reply(&event, None, &mut out),
            Ok((_, None)) => &[],
            Err(violation) => responder.reply_to_violation(&violation, None, &mut out),
        };
        sent[len..len + answer.len()].copy_from_slice(answer);
        len += answer.len();
    }
    (len, text)
}

// The parts of `core` that come compiled name it, though nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// For `memcpy` and its like, which a target without an operating system brings along.
#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
