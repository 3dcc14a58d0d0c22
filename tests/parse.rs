//! The nom parsers: right at every cut, for every header, and inside other grammars.

mod common;

use nom::error::{Error, ErrorKind};
use nom::sequence::{delimited, pair};
use nom::{Err, IResult, Needed, Parser, bytes::streaming::tag};
use wsvet::{CloseCode, Header, parse};

/// Every first and second byte, with extended lengths at their edges.
fn headers() -> impl Iterator<Item = Vec<u8>> {
    const KEY: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];
    const EDGES: [u64; 9] = [0, 1, 125, 126, 0xFFFF, 0x1_0000, (1 << 63) - 1, 1 << 63, u64::MAX];
    (0..=u16::MAX).flat_map(|start| {
        let [first, second] = start.to_be_bytes();
        let lens: Vec<Vec<u8>> = match second & 0x7F {
            126 => EDGES[..5].iter().map(|len| (*len as u16).to_be_bytes().to_vec()).collect(),
            127 => EDGES.iter().map(|len| len.to_be_bytes().to_vec()).collect(),
            _ => vec![vec![]],
        };
        let key = if second & 0x80 == 0 { &[][..] } else { &KEY[..] };
        lens.into_iter().map(move |len| [&[first, second], &len[..], key].concat())
    })
}

#[test]
fn every_header_is_lossless() {
    for wire in headers() {
        let (rest, header) = parse::header::<()>(&wire).unwrap();
        assert!(rest.is_empty());
        assert_eq!(header.header_len(), wire.len());
        let mut out = [0xFF; Header::MAX_LEN];
        assert_eq!(header.encode(&mut out), wire.len());
        assert_eq!(out[..wire.len()], wire);
        // With bytes behind it, the same header.
        let longer = [&wire[..], &[0x5A; 20]].concat();
        assert_eq!(Header::decode(&longer), Ok((header, &[0x5A; 20][..])));
    }
}

#[test]
fn a_header_that_is_cut_says_how_many_bytes_are_missing() {
    for wire in headers().step_by(97) {
        for cut in 0..wire.len() {
            let needed = if cut < 2 { 2 - cut } else { wire.len() - cut };
            let expected = Err(Err::Incomplete(Needed::new(needed)));
            assert_eq!(parse::header::<()>(&wire[..cut]), expected, "{wire:02x?} cut at {cut}");
        }
    }
}

#[test]
fn a_frame_that_is_cut_says_how_many_bytes_are_missing() {
    for (head, key, len) in [
        ("8105", "", 5),
        ("8185", "37fa213d", 5),
        ("827e0100", "", 256),
        ("82fe0100", "00000000", 256),
    ] {
        let head = common::hex(head);
        let wire = [&head[..], &common::hex(key), &vec![b'x'; len]].concat();
        for cut in 0..wire.len() {
            let needed = match cut {
                0 | 1 => 2 - cut,
                // The length has not arrived: the header alone is sure to be needed.
                _ if cut < head.len() => wire.len() - len - cut,
                _ => wire.len() - cut,
            };
            let expected = Err(Err::Incomplete(Needed::new(needed)));
            assert_eq!(parse::frame::<()>(&wire[..cut]), expected, "{head:02x?} cut at {cut}");
        }
        let (rest, frame) = parse::frame::<()>(&wire).unwrap();
        assert_eq!((rest.len(), frame.payload.len()), (0, len));
    }
    // More than any memory has.
    let huge = common::hex("827fffffffffffffffff");
    assert_eq!(parse::frame::<()>(&huge), Err(Err::Incomplete(Needed::new(usize::MAX))));
}

#[test]
fn a_close_body() {
    let (_, close) = parse::close::<()>(b"\x03\xEBtext only").unwrap();
    let close = close.unwrap();
    assert_eq!((close.code, close.reason), (CloseCode(1003), "text only"));
    assert_eq!(parse::close::<()>(b""), Ok((&b""[..], None)));
    assert_eq!(parse::close::<()>(b"\x03"), Err(Err::Incomplete(Needed::new(1))));
    let bad = b"\x03\xE8ok\xC3(";
    assert_eq!(parse::close(bad), Err(Err::Error(Error::new(&bad[5..], ErrorKind::Char))));
    let cut = b"\x03\xE8ok\xE2\x82";
    assert_eq!(parse::close(cut), Err(Err::Error(Error::new(&cut[5..], ErrorKind::Char))));
}

#[test]
fn the_parsers_are_part_of_any_grammar() {
    type Result<'a, T> = IResult<&'a [u8], T>;
    let input = b"<\x81\x02hi\x89\x00>\x8A\x00";
    let two: Result<'_, _> =
        delimited(tag("<"), pair(parse::frame, parse::header), tag(">")).parse(input);
    let (rest, (text, ping)) = two.unwrap();
    assert_eq!((text.payload.into_raw(), ping.first_byte()), (&b"hi"[..], 0x89));
    assert_eq!(rest, b"\x8A\x00");
}

#[cfg(feature = "alloc")]
#[test]
fn many_frames() {
    use nom::combinator::complete;
    use nom::multi::{many0, many1};

    type Result<'a, T> = IResult<&'a [u8], T>;
    let all: Result<'_, _> = many0(complete(parse::frame)).parse(b"\x8A\x00\x8A\x00\x89");
    assert_eq!(all.unwrap().1.len(), 2);
    let cut: Result<'_, _> = many1(parse::frame).parse(b"\x8A\x00\x81\x05He");
    assert_eq!(cut, Err(Err::Incomplete(Needed::new(3))));
}
