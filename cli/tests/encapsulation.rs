//! A TCP segment is the same, whatever headers stand before it, and however its packet is fragmented.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use etherparse::PacketBuilder;
use proptest::prelude::*;
use proptest::sample::Index;
use wsvet_cli::transport::packet::{Content, Moment, Packets, Unread, name_of};

/// A TCP segment, or what else was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Tcp { from: SocketAddr, to: SocketAddr, seq: u32, payload: Vec<u8>, not_captured: usize },
    Cut,
    Fragment,
    Other,
    Unread(Unread),
    UnknownLink(i32),
}

fn dissect(packets: &mut Packets, number: u64, link: i32, bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let at = Moment { packet: number, time: Duration::from_millis(number) };
    let Ok(()) = packets.dissect(at, link, bytes, &mut |content| {
        found.push(match content {
            Content::Tcp(segment) => Found::Tcp {
                from: segment.from,
                to: segment.to,
                seq: segment.seq,
                payload: segment.payload.to_vec(),
                not_captured: segment.not_captured,
            },
            Content::Cut => Found::Cut,
            Content::Fragment => Found::Fragment,
            Content::Other => Found::Other,
            Content::Unread(why) => Found::Unread(why),
            Content::UnknownLink(link) => Found::UnknownLink(link),
        });
        Ok::<_, Infallible>(())
    });
    found
}

fn alone(link: i32, bytes: &[u8]) -> Vec<Found> {
    dissect(&mut Packets::default(), 1, link, bytes)
}

/// What stands at the start of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Ethernet,
    Ip,
}

use Kind::{Ethernet, Ip};

/// The packets that carry a segment: one, or its fragments.
#[derive(Clone, Debug)]
struct Carried {
    kind: Kind,
    /// Whether the packets are fragments, which cannot be fragmented again without a header before them.
    parts: bool,
    all: Vec<Vec<u8>>,
}

/// A number that no other fragmented packet of a test has.
type Ids = u32;

fn be(number: usize) -> [u8; 2] {
    (number as u16).to_be_bytes()
}

fn is_v6(packet: &[u8]) -> bool {
    packet[0] >> 4 == 6
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if is_v6(packet) { [0x86, 0xDD] } else { [8, 0] }
}

/// Returns a packet of IP with this payload.
fn ip(v6: bool, number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    if v6 {
        let builder = PacketBuilder::ipv6([0xFD; 16], [0xFC; 16], 9);
        builder.write(&mut packet, number.into(), payload).unwrap();
    } else {
        let builder = PacketBuilder::ipv4([172, 16, 0, 1], [172, 16, 0, 2], 9);
        builder.write(&mut packet, number.into(), payload).unwrap();
    }
    packet
}

fn udp(v6: bool, port: u16, payload: &[u8]) -> Vec<u8> {
    let head = [be(50_000), port.to_be_bytes(), be(8 + payload.len()), [0; 2]].concat();
    ip(v6, 17, &[&head, payload].concat())
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &ether_type(packet), packet].concat()
}

const IP_NUMBER_OF_GRE: u8 = 47;

/// The number of the headers to put before a packet.
const HEADERS: u8 = 41;

/// The number of the ways to wrap a packet: a header, or fragments of two lengths.
const WAYS: u8 = HEADERS + 2;

/// Wraps each packet. `v6` says which IP the new header is, if it has one.
fn wrap(carried: Carried, way: u8, v6: bool, ids: &mut Ids) -> Carried {
    if way >= HEADERS {
        let carried = if carried.parts { wrap(carried, 8, v6, ids) } else { carried };
        let carried = to(carried, Ip);
        let piece = if way == HEADERS { 8 } else { 24 };
        let all = carried.all.iter().flat_map(|packet| {
            *ids += 1;
            fragments(packet, *ids, piece)
        });
        return Carried { kind: Ip, parts: true, all: all.collect() };
    }
    let (needs, gives) = match way {
        0..=7 | 26..=29 => (Ip, Ethernet),
        8..=14 | 30..=38 => (Ip, Ip),
        _ => (Ethernet, Ip),
    };
    let carried = to(carried, needs);
    let all = carried.all.iter().map(|packet| one(packet, way, v6)).collect();
    Carried { kind: gives, parts: false, all }
}

/// Makes the packets start with the kind of header that the next one must carry.
fn to(carried: Carried, kind: Kind) -> Carried {
    let all = carried.all.iter();
    let all = match (carried.kind, kind) {
        (Ip, Ethernet) => all.map(|packet| ethernet(packet)).collect(),
        (Ethernet, Ip) => all.map(|packet| one(packet, 15, false)).collect(),
        _ => return carried,
    };
    Carried { kind, parts: false, all }
}

fn one(packet: &[u8], way: u8, v6: bool) -> Vec<u8> {
    let typed = ether_type(packet);
    let ppp = if is_v6(packet) { [0, 0x57] } else { [0, 0x21] };
    let addresses = &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..];
    let behind = |parts: &[&[u8]]| [addresses, &parts.concat(), packet].concat();
    let gre = |parts: &[&[u8]]| ip(v6, IP_NUMBER_OF_GRE, &[&parts.concat(), packet].concat());
    let tunnel = |port: u16, parts: &[&[u8]]| udp(v6, port, &[&parts.concat(), packet].concat());
    let number = if is_v6(packet) { 41 } else { 4 };
    match way {
        0 => ethernet(packet),
        // Two VLAN tags.
        1 => behind(&[&[0x88, 0xA8, 0, 7, 0x81, 0, 0, 8], &typed]),
        // LLC with SNAP.
        2 => behind(&[&be(8 + packet.len()), &[0xAA, 0xAA, 3, 0, 0, 0], &typed]),
        // MPLS: two labels; and the same with Ethernet inside, with and without a control word.
        3 => behind(&[&[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]]),
        4 => [addresses, &[0x88, 0x47, 0, 1, 1, 64][..], &[0; 4], &ethernet(packet)].concat(),
        5 => [addresses, &[0x88, 0x48, 0, 1, 1, 64][..], &ethernet(packet)].concat(),
        6 => behind(&[&[0x88, 0x64, 0x11, 0, 0, 1], &be(2 + packet.len()), &ppp]),
        // A backbone service instance.
        7 => [addresses, &[0x88, 0xE7, 0, 0, 0, 1][..], &ethernet(packet)].concat(),
        8 => ip(v6, number, packet),
        9 => gre(&[&[0, 0], &typed]),
        10 => gre(&[&[0xB0, 0], &typed, &[0; 12]]),
        // PPTP.
        11 => gre(&[&[0x30, 0x81, 0x88, 0x0B], &be(packet.len() + 2), &[0; 10], &ppp]),
        12 => tunnel(2152, &[&[0x30, 0xFF], &be(packet.len()), &[0; 4]]),
        // GTP-U with an extension of two words.
        13 => tunnel(
            2152,
            &[
                &[0x34, 0xFF],
                &be(packet.len() + 12),
                &[0; 4],
                &[0, 0, 0, 0x85, 2, 0, 0, 0, 0, 0, 0, 0],
            ],
        ),
        14 => tunnel(6635, &[&[0, 1, 1, 64]]),
        15 => gre(&[&[0, 0, 0x65, 0x58]]),
        16 => tunnel(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0]]),
        17 => tunnel(8472, &[&[8, 0, 0, 0, 0, 0, 7, 0]]),
        18 => tunnel(4790, &[&[0x0C, 0, 0, 3, 0, 0, 7, 0]]),
        // VXLAN, then a header of NSH with a context.
        19 => tunnel(4790, &[&[0x0C, 0, 0, 4, 0, 0, 7, 0], &[0, 3, 2, 3], &[0; 8]]),
        // Geneve with an option of two words.
        20 => tunnel(6081, &[&[2, 0, 0x65, 0x58, 0, 0, 7, 0], &[1, 2, 3, 1, 0, 0, 0, 0]]),
        // ERSPAN of all types, and type III with a subheader.
        21 => gre(&[&[0, 0, 0x88, 0xBE]]),
        22 => gre(&[&[0x10, 0, 0x88, 0xBE, 0, 0, 0, 1], &[0x10, 1, 0, 1, 0, 0, 0, 1]]),
        23 => gre(&[&[0x10, 0, 0x22, 0xEB, 0, 0, 0, 1], &[0x20, 1, 0, 1], &[0; 8]]),
        24 => gre(&[&[0x10, 0, 0x22, 0xEB, 0, 0, 0, 1], &[0x20, 1, 0, 1], &[0; 7], &[1], &[0; 8]]),
        // EtherIP.
        25 => ip(v6, 97, &[&[0x30, 0][..], packet].concat()),
        // HSR, 802.1BR and another number for a VLAN.
        26 => behind(&[&[0x89, 0x2F, 0, 52, 0, 1], &typed]),
        27 => behind(&[&[0x89, 0x3F, 0, 1, 0, 2, 0, 0], &typed]),
        28 => behind(&[&[0x92, 0, 0, 7], &typed]),
        // TRILL with an option.
        29 => {
            let trill = [0x22, 0xF3, 0, 0x45, 0, 1, 0, 2, 9, 9, 9, 9];
            [addresses, &trill[..], &ethernet(packet)].concat()
        }
        // L2TP, and the same with all optional fields.
        30 => tunnel(1701, &[&[0, 2, 0, 1, 0, 2], &ppp]),
        31 => tunnel(
            1701,
            &[
                &[0x4A, 2],
                &be(packet.len() + 20),
                &[0, 1, 0, 2, 0, 3, 0, 4, 0, 3, 9, 9, 9, 0xFF, 3],
                &ppp,
            ],
        ),
        // Teredo, and the same with authentication and an origin.
        32 => tunnel(3544, &[&[]]),
        33 => tunnel(3544, &[&[0, 1, 1, 2, 7, 8, 8], &[9; 9], &[0; 2], &[5; 6]]),
        34 => tunnel(4341, &[&[0x80, 0, 0, 1, 0, 0, 0, 0]]),
        // GUE with a flag and its field, GUE without a header, FOU.
        35 => tunnel(6080, &[&[2, number, 0, 1], &[9; 8]]),
        36 => tunnel(6080, &[&[]]),
        37 => tunnel(5555, &[&[]]),
        38 => tunnel(4754, &[&[0x20, 0], &typed, &[0; 4]]),
        39 => tunnel(4341, &[&[0x84, 0, 0, 3, 0, 0, 0, 0]]),
        // CAPWAP.
        40 => tunnel(5247, &[&[0, 0x10, 0x42, 0, 0, 0, 0, 0]]),
        _ => unreachable!(),
    }
}

/// Returns the fragments of a packet of IP, each with this many bytes.
fn fragments(packet: &[u8], id: u32, piece: usize) -> Vec<Vec<u8>> {
    let v6 = is_v6(packet);
    let (head, payload) = packet.split_at(if v6 { 40 } else { 20 });
    let last = (payload.len().max(1) - 1) / piece;
    let pieces = payload.chunks(piece).enumerate();
    pieces
        .map(|(index, bytes)| {
            let mut head = head.to_vec();
            let more = u8::from(index < last);
            let offset = index * piece;
            if v6 {
                let next = std::mem::replace(&mut head[6], 44);
                head[4..6].copy_from_slice(&be(8 + bytes.len()));
                head.extend([next, 0]);
                head.extend(be(offset | usize::from(more)));
                head.extend(id.to_be_bytes());
            } else {
                head[2..4].copy_from_slice(&be(20 + bytes.len()));
                head[4..6].copy_from_slice(&be(id as usize));
                head[6..8].copy_from_slice(&be((offset / 8) | (usize::from(more) << 13)));
            }
            [&head, bytes].concat()
        })
        .collect()
}

/// A link type, and what stands before a packet of IP.
const LINKS: usize = 32;

/// Returns a packet of this link, whose number is not that of its type.
fn on(link: usize, packet: &[u8]) -> (i32, Vec<u8>) {
    let typed = ether_type(packet);
    let ppp = if is_v6(packet) { [0, 0x57] } else { [0, 0x21] };
    let llc = [&[0xAA, 0xAA, 3, 0, 0, 0][..], &typed].concat();
    let data = |start: &[u8], qos: &[u8]| [start, &[0; 22], qos, &llc[..], packet].concat();
    let plain = data(&[0x08, 0x01], &[]);
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let before = |parts: &[&[u8]]| [&parts.concat(), packet].concat();
    match link {
        0 => (1, ethernet(packet)),
        1 => (101, packet.to_vec()),
        2 => (12, packet.to_vec()),
        3 => (0, before(&[&[2, 0, 0, 0]])),
        4 => (108, before(&[&[0, 0, 0, 2]])),
        5 => (109, before(&[&[0; 12]])),
        6 => (117, before(&[&[61], &[0; 63]])),
        7 => (113, before(&[&[0; 14], &typed])),
        8 => (276, before(&[&typed, &[0; 18]])),
        9 => (138, before(&[&[0; 16], &typed])),
        10 => (9, before(&[&ppp])),
        11 => (9, before(&[&[0xFF, 3], &ppp[1..]])),
        12 => (50, before(&[&[0xFF, 3], &ppp])),
        13 => (50, before(&[&[0x0F, 0], &typed])),
        14 => (51, before(&[&[0x11, 0, 0, 1], &be(2 + packet.len()), &ppp])),
        15 => (204, before(&[&[1, 0xFF, 3], &ppp])),
        16 => (166, before(&[&[1, 3], &ppp])),
        17 => (104, before(&[&[0x8F, 0], &typed])),
        18 => (205, before(&[&[0, 0x0F, 0], &typed])),
        // Netfilter's log, in both byte orders: a prefix, and then the payload.
        19 => {
            let len = (4 + packet.len() as u16).to_le_bytes();
            (239, before(&[&[2, 0, 0, 0, 7, 0, 10, 0, b'a', b'b', 0, 0], &len, &[9, 0]]))
        }
        20 => (
            239,
            before(&[&[2, 0, 0, 0, 0, 5, 0, 10, b'a', 0, 0, 0], &be(4 + packet.len()), &[0, 9]]),
        ),
        21 => (258, [&words(&[108, 1, 1])[..], &[0; 96], &ethernet(packet)].concat()),
        22 => (149, [&words(&[108, 1, 12])[..], &[0; 96], packet].concat()),
        23 => (105, plain),
        // QoS with HT Control, and four addresses.
        24 => (105, data(&[0x88, 0x81], &[0; 6])),
        25 => (105, data(&[0x88, 0x03], &[0; 8])),
        // Radiotap with a time and flags: a header that is filled up.
        26 => {
            let head = [&[0, 0, 17, 0, 3, 0, 0, 0][..], &[0; 8], &[0x20]].concat();
            (127, [&head[..], &data(&[0x88, 0x01], &[0; 4])].concat())
        }
        27 => (127, [&[0, 0, 12, 0, 0, 0, 0, 0x80, 0, 0, 0, 0][..], &plain].concat()),
        28 => (119, [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136], &plain].concat()),
        29 => (163, [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &plain].concat()),
        30 => (192, [&[0, 0, 12, 0, 105, 0, 0, 0, 0, 0, 0, 0][..], &plain].concat()),
        _ => (240, [&[0; 4][..], &ethernet(packet)].concat()),
    }
}

/// Returns a packet with a TCP segment, and what must be found in it.
fn segment(v6: bool, seq: u32, payload: &[u8]) -> (Vec<u8>, Found) {
    let mut packet = Vec::new();
    let [from, to] = if v6 {
        let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40_000, 80, seq, 9).ack(7);
        builder.write(&mut packet, payload).unwrap();
        [([1; 16], 40_000).into(), ([2; 16], 80).into()]
    } else {
        let ends = [[10, 0, 0, 1], [10, 0, 0, 2]];
        let builder = PacketBuilder::ipv4(ends[0], ends[1], 64).tcp(40_000, 80, seq, 9).ack(7);
        builder.write(&mut packet, payload).unwrap();
        [(ends[0], 40_000).into(), (ends[1], 80).into()]
    };
    (packet, Found::Tcp { from, to, seq, payload: payload.to_vec(), not_captured: 0 })
}

/// Returns the packets on this link.
fn on_link(carried: Carried, link: usize) -> (i32, Vec<Vec<u8>>) {
    match carried.kind {
        Ethernet => (1, carried.all),
        Ip => {
            let all: Vec<_> = carried.all.iter().map(|packet| on(link, packet)).collect();
            (all[0].0, all.into_iter().map(|(_, packet)| packet).collect())
        }
    }
}

fn payloads() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..80)
}

proptest! {
    #[test]
    fn any_nesting_carries_the_same_segment(
        v6: bool,
        payload in payloads(),
        ways in prop::collection::vec((0..WAYS, any::<bool>()), 0..5),
        link in 0..LINKS,
        order in prop::collection::vec(any::<Index>(), 400),
        again: bool,
    ) {
        let (packet, expected) = segment(v6, 77, &payload);
        let mut ids = 0;
        let start = Carried { kind: Ip, parts: false, all: vec![packet] };
        let wrap = |carried, (way, v6): (u8, bool)| wrap(carried, way, v6, &mut ids);
        let carried = ways.iter().copied().fold(start, wrap);
        let (link, mut packets) = on_link(carried, link);
        if packets.len() > 400 {
            return Ok(());
        }
        for (at, other) in (1..packets.len()).zip(&order) {
            packets.swap(at, other.index(at + 1));
        }
        if again {
            packets = packets.into_iter().flat_map(|packet| [packet.clone(), packet]).collect();
        }
        let mut reader = Packets::default();
        let numbered = packets.iter().zip(1..);
        let found: Vec<_> = numbered
            .flat_map(|(packet, number)| dissect(&mut reader, number, link, packet))
            .filter(|found| *found != Found::Fragment)
            .collect();
        let expected = vec![expected; found.len().max(1)];
        prop_assert_eq!(&found, &expected);
        prop_assert!(found.len() == 1 || again);
        prop_assert_eq!(reader.incomplete(), 0);
    }

    /// Any bytes are dissected without a panic.
    #[test]
    fn any_bytes_on_any_link(link in 0..300, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = alone(link, &bytes);
    }

    /// A packet of which a byte is changed anywhere is never lost without a word. It may become an
    /// aggregate of several.
    #[test]
    fn any_change_of_a_header(
        ways in prop::collection::vec((0..HEADERS, any::<bool>()), 1..4),
        link in 0..LINKS,
        at: Index,
        byte: u8,
    ) {
        let start = Carried { kind: Ip, parts: false, all: vec![segment(false, 77, b"payload").0] };
        let wrap = |carried, (way, v6): (u8, bool)| wrap(carried, way, v6, &mut 0);
        let (link, mut packets) = on_link(ways.iter().copied().fold(start, wrap), link);
        let len = packets[0].len();
        packets[0][at.index(len)] = byte;
        prop_assert!(!alone(link, &packets[0]).is_empty());
    }
}

/// Each packet that is cut anywhere is a segment with fewer bytes, or is said to be cut.
fn assert_cuts(link: i32, packet: &[u8], expected: &Found) {
    assert_eq!(&alone(link, packet), std::slice::from_ref(expected), "link {link}");
    let Found::Tcp { payload: whole, .. } = expected else { panic!() };
    for len in 0..packet.len() {
        match &alone(link, &packet[..len])[..] {
            [Found::Cut] => {}
            // The number is PKTAP only if its header is there.
            [Found::UnknownLink(149)] => {}
            [Found::Tcp { payload, not_captured, .. }] => {
                assert!(whole.starts_with(payload));
                assert_eq!(payload.len() + not_captured, whole.len(), "link {link}, {len} bytes");
            }
            found => panic!("link {link}, {len} of {} bytes: {found:?}", packet.len()),
        }
    }
}

#[test]
fn every_truncation_is_said() {
    for v6 in [false, true] {
        let (packet, expected) = segment(v6, 5, b"some payload");
        for link in 0..LINKS {
            let (link, packet) = on(link, &packet);
            assert_cuts(link, &packet, &expected);
        }
        for way in 0..HEADERS {
            let carried = Carried { kind: Ip, parts: false, all: vec![packet.clone()] };
            let carried = to(wrap(carried, way, v6, &mut 0), Ethernet);
            assert_cuts(1, &carried.all[0], &expected);
        }
    }
}

#[test]
fn fragments_that_are_missing_or_contradict_each_other_are_counted() {
    let (packet, expected) = segment(false, 5, &[b'a'; 40]);
    let parts = fragments(&packet, 9, 16);
    let read = |parts: &[&[u8]]| {
        let mut packets = Packets::default();
        let numbered = parts.iter().zip(1..);
        let found = numbered.flat_map(|(part, number)| dissect(&mut packets, number, 101, part));
        let found: Vec<_> = found.filter(|found| *found != Found::Fragment).collect();
        (found, packets.incomplete())
    };
    let [a, b, c, d] = [0, 1, 2, 3].map(|part| &parts[part][..]);
    assert_eq!(read(&[a, b, c, d]), (vec![expected.clone()], 0));
    assert_eq!(read(&[d, b, b, a, c, a]), (vec![expected], 0));
    assert_eq!(read(&[a, b, d]), (vec![], 1));
    // Other bytes in the place of those that came before: nobody knows which the receiver took.
    let mut other = b.to_vec();
    *other.last_mut().unwrap() = b'b';
    assert_eq!(read(&[a, b, &other, c, d]), (vec![], 1));
    // A fragment that is cut has no certain end.
    assert_eq!(read(&[a, b, &c[..c.len() - 1], d]), (vec![], 1));
    // Those of another packet with the same number are too late to contradict.
    let mut packets = Packets::default();
    dissect(&mut packets, 1, 101, &other);
    let late = [a, b, c, d].map(|part| dissect(&mut packets, 40_000, 101, part));
    assert!(matches!(late[3][..], [Found::Tcp { .. }]));
    assert_eq!(packets.incomplete(), 1);
}

#[test]
fn memory_for_fragments_is_bounded() {
    let (packet, _) = segment(false, 5, &[b'a'; 4000]);
    let first = &fragments(&packet, 0, 2000)[0];
    let mut packets = Packets::default();
    for id in 0..20_000_u32 {
        let mut part = first.clone();
        part[4..6].copy_from_slice(&(id as u16).to_be_bytes());
        part[15] = (id >> 16) as u8;
        assert_eq!(dissect(&mut packets, 1, 101, &part), [Found::Fragment]);
    }
    assert_eq!(packets.incomplete(), 20_000);
}

#[test]
fn fragments_of_other_protocols_are_not_missed() {
    let mut packets = Packets::default();
    let dns = udp(false, 53, &[0; 64]);
    dissect(&mut packets, 1, 101, &fragments(&dns, 1, 16)[0]);
    assert_eq!(packets.incomplete(), 0);
    let vxlan = udp(false, 4789, &[0; 64]);
    dissect(&mut packets, 2, 101, &fragments(&vxlan, 2, 16)[0]);
    assert_eq!(packets.incomplete(), 1);
}

#[test]
fn what_cannot_be_read_is_named() {
    let (packet, _) = segment(false, 5, b"payload");
    let deep = (0..40).fold(packet.clone(), |packet, _| ip(false, 4, &packet));
    assert_eq!(alone(101, &deep), [Found::Unread(Unread::Depth)]);
    assert_eq!(alone(101, &ip(false, 50, &[0; 40])), [Found::Unread(Unread::Ipsec)]);
    let encrypted = [&[0x08, 0x41][..], &[0; 60]].concat();
    assert_eq!(alone(105, &encrypted), [Found::Unread(Unread::Wifi)]);
    let fragment = [&[0x08, 0x05][..], &[0; 60]].concat();
    assert_eq!(alone(105, &fragment), [Found::Unread(Unread::WifiFragment)]);
    assert_eq!(alone(9, &[0, 0xFD, 1, 2, 3]), [Found::Unread(Unread::Ppp)]);
    let over_udp = |port, payload: &[u8]| alone(101, &udp(false, port, payload));
    assert_eq!(alone(101, &ip(true, 108, &[0; 40])), [Found::Unread(Unread::IpComp)]);
    assert_eq!(alone(101, &ip(false, 115, &[0; 40])), [Found::Unread(Unread::L2tp)]);
    assert_eq!(over_udp(1701, &[0, 3, 0, 0]), [Found::Unread(Unread::L2tp)]);
    assert_eq!(over_udp(4500, &[1; 40]), [Found::Unread(Unread::Ipsec)]);
    assert_eq!(over_udp(51820, &[4, 0, 0, 0, 1, 2]), [Found::Unread(Unread::WireGuard)]);
    assert_eq!(over_udp(1194, &[0x48, 0, 0, 1]), [Found::Unread(Unread::OpenVpn)]);
    assert_eq!(over_udp(5247, &[1, 0, 0, 0, 1]), [Found::Unread(Unread::Capwap)]);
    assert_eq!(over_udp(443, &[0xC0, 0, 0, 0, 1]), [Found::Unread(Unread::Quic)]);
    // Keys are exchanged, the other side is kept awake, a name is asked for from the same port.
    assert_eq!(over_udp(1701, &[0xC8, 2, 0, 0]), [Found::Other]);
    assert_eq!(over_udp(4500, &[0; 40]), [Found::Other]);
    assert_eq!(over_udp(4500, &[0xFF]), [Found::Other]);
    assert_eq!(over_udp(51820, &[4, 0, 0x81, 0x80]), [Found::Other]);
    // MACsec that encrypts.
    let macsec = [&[0; 12][..], &[0x88, 0xE5, 0x0C, 0, 0, 0, 0, 1], &[7; 40]].concat();
    assert_eq!(alone(1, &macsec), [Found::Unread(Unread::Macsec)]);
    assert_eq!(alone(220, &packet), [Found::UnknownLink(220)]);
    assert_eq!(name_of(220), Some("USB"));
    // Beacons, and data without data.
    assert_eq!(alone(105, &[0x80; 60]), [Found::Other]);
    assert_eq!(alone(105, &[0x48; 60]), [Found::Other]);
    // A frame that arrived damaged.
    let damaged = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x40][..], &on(23, &packet).1].concat();
    assert_eq!(alone(127, &damaged), [Found::Other]);
}

#[test]
fn an_aggregate_of_802_11_has_several_segments() {
    let all = [segment(false, 5, b"one"), segment(true, 6, b"second"), segment(false, 7, b"")];
    let mut frame = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0]].concat();
    for (packet, _) in &all {
        let llc = [&[0xAA, 0xAA, 3, 0, 0, 0][..], &ether_type(packet), packet].concat();
        frame.extend([&[0; 12][..], &be(llc.len()), &llc].concat());
        frame.resize(26 + (frame.len() - 26).next_multiple_of(4), 0);
    }
    let expected: Vec<_> = all.into_iter().map(|(_, found)| found).collect();
    assert_eq!(alone(105, &frame), expected);
}
