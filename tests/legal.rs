//! Nothing illegal is written by accident, in any build.
#![cfg(feature = "codec")]

use bytes::BytesMut;
use wsvet::codec::{self, Frames, Messages};
use wsvet::encode::{self, Error};
use wsvet::{
    CloseCode, CloseFrame, Event, Frame, Header, Message, OpCode, Policy, Responder, Role,
};

const OUT: [u8; encode::MAX_CONTROL_LEN] = [0; encode::MAX_CONTROL_LEN];

/// The codes that must not be on the wire, written out from §7.4.
fn unsendable() -> impl Iterator<Item = CloseCode> {
    (0..=999).chain(1004..=1006).chain(1015..=2999).chain(5000..=u16::MAX).map(CloseCode)
}

#[test]
fn a_close_with_a_code_that_must_not_be_sent_is_an_error() {
    for code in unsendable() {
        let close = CloseFrame::new(code, "why");
        let mut out = OUT;
        assert_eq!(encode::close(&close, None, &mut out), Err(Error::InvalidCloseCode), "{code}");
        let body = code.0.to_be_bytes();
        let single = encode::single(OpCode::Close, &body, None, &mut out);
        assert_eq!(single, Err(Error::InvalidCloseCode), "{code}");
        let mut responder = Responder::new();
        let started = responder.close(Some(&close), None, &mut out);
        assert_eq!(started, Err(Error::InvalidCloseCode), "{code}");
        assert!(!responder.has_sent_close(), "{code}");
        let mut messages = Messages::new(Policy::new(Role::Server));
        let mut wire = BytesMut::new();
        let sent = messages.encode(Message::close(code, ""), &mut wire);
        assert!(matches!(sent, Err(codec::Error::Encode(Error::InvalidCloseCode))), "{code}");
        assert!(wire.is_empty() && out == OUT, "{code}: nothing is written");
    }
}

/// No decoder returns such an event, but a hand-made one may be given.
#[test]
fn a_reply_is_legal_whatever_the_event_is() {
    for code in unsendable() {
        let mut out = OUT;
        let mut responder = Responder::new();
        let close = Event::Close(Some(CloseFrame { code, reason: "" }));
        assert_eq!(responder.reply(&close, None, &mut out), b"\x88\x02\x03\xEA", "{code}");
        assert!(responder.is_done(), "{code}");
    }
    let mut out = OUT;
    assert_eq!(Responder::new().reply(&Event::Ping(&[0; 126]), None, &mut out), b"");
}

#[test]
fn a_frame_that_is_illegal_by_itself_is_an_error() {
    let mut out = [0; 300];
    for opcode in OpCode::ALL {
        for fin in [true, false] {
            for len in [0, 1, 2, 125, 126] {
                let header = Header::new(opcode, len as u64);
                let header = if fin { header } else { header.not_final() };
                let payload = &[0x03, 0xE8, b'a'].repeat(50)[..len];
                let expected = match opcode {
                    opcode if opcode.is_reserved() => Err(Error::ReservedOpcode),
                    opcode if opcode.is_data() => Ok(header.header_len() + len),
                    _ if !fin => Err(Error::FragmentedControl),
                    _ if len > 125 => Err(Error::OversizedControl),
                    OpCode::Close if len == 1 => Err(Error::InvalidCloseBody),
                    OpCode::Close if len > 2 => Err(Error::InvalidCloseBody),
                    _ => Ok(header.header_len() + len),
                };
                let framed = encode::frame(&header, payload, &mut out);
                assert_eq!(framed, expected, "{header:?}");
                let raw = encode::raw::frame(&header, payload, &mut out);
                assert_eq!(raw, Ok(header.header_len() + len), "{header:?}");
                if fin {
                    let single = encode::single(opcode, payload, None, &mut out);
                    assert_eq!(single, expected, "{header:?}");
                }
            }
        }
    }
    for promised in [0, 1, 3, 126, 1 << 40] {
        let header = Header::new(OpCode::Text, promised);
        assert_eq!(encode::frame(&header, b"hi", &mut out), Err(Error::LengthMismatch));
    }
}

/// What §5.4 allows, kept by hand beside the codec.
#[test]
fn a_frame_that_is_illegal_after_those_before_it_is_an_error() {
    let kinds = [OpCode::Continuation, OpCode::Text, OpCode::Binary, OpCode::Ping];
    // Every sequence of four frames: kind and FIN of each.
    for sequence in 0..8u32.pow(4) {
        let mut frames = Frames::new(Policy::new(Role::Server));
        let (mut wire, mut open) = (BytesMut::new(), false);
        for place in 0..4 {
            let frame = sequence >> (3 * place) & 7;
            let (opcode, fin) = (kinds[(frame & 3) as usize], frame & 4 != 0);
            let header = Header::new(opcode, 1);
            let header = if fin { header } else { header.not_final() };
            let expected = match opcode {
                OpCode::Ping if !fin => Some(Error::FragmentedControl),
                OpCode::Continuation if !open => Some(Error::UnexpectedContinuation),
                OpCode::Text | OpCode::Binary if open => Some(Error::InterruptedMessage),
                _ => None,
            };
            let before = wire.len();
            let sent = frames.encode(Frame { header, payload: "a".into() }, &mut wire);
            match expected {
                Some(expected) => {
                    let Err(codec::Error::Encode(error)) = sent else {
                        panic!("{sequence}: {sent:?}")
                    };
                    assert_eq!((error, wire.len()), (expected, before), "{sequence} at {place}");
                }
                None => {
                    sent.unwrap();
                    open = if opcode.is_data() { !fin } else { open };
                }
            }
        }
    }
}

#[test]
fn rsv_bits_are_written_only_if_an_extension_defines_them() {
    let policies = [
        (Policy::new(Role::Server), 0),
        (Policy::new(Role::Server).rsv(2), 2),
        (Policy::new(Role::Server).permessage_deflate(true), 4),
    ];
    for (policy, defined) in policies {
        for rsv in 0..8 {
            let header = Header::new(OpCode::Text, 0).with_rsv(rsv);
            let mut frames = Frames::new(policy);
            let sent = frames.encode(Frame { header, payload: "".into() }, &mut BytesMut::new());
            let illegal = matches!(sent, Err(codec::Error::Encode(Error::ReservedBits)));
            assert_eq!(illegal, rsv & !defined != 0, "{policy:?} {rsv}");
        }
    }
}
