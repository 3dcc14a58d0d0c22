//! Connections of the same addresses and ports in different networks, and one connection that is seen in
//! several.

mod common;

use common::capture::{Capture, TEXT, check, lines};
use proptest::prelude::*;
use serde_json::Value;
use wsvet::Role::{Client, Server};

/// A packet of IP, its number in the order of time, and whether the client sent it.
type Packet = (u64, bool, Vec<u8>);

/// Returns the packets of a connection with these first sequence numbers. Its `n`th has the place `n`.
fn connection(seq: [u32; 2], texts: &[&str]) -> Vec<Packet> {
    let mut capture = Capture::new();
    capture.seq = seq;
    capture.upgrade("");
    for text in texts {
        capture.frame(Client, TEXT, text.as_bytes()).frame(Server, TEXT, text.as_bytes());
    }
    capture.close();
    let mut rest = &capture.file[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let packet = rest[16..16 + len].to_vec();
        packets.push((packets.len() as u64, packet[15] == 1, packet));
        rest = &rest[16 + len..];
    }
    packets
}

/// Headers that name a network.
#[derive(Clone, Copy, Debug)]
enum Header {
    Vlan,
    Vxlan,
    Geneve,
    Gre,
    Gtp,
    Mpls,
    Pppoe,
    L2tp,
    ServiceInstance,
}

const HEADERS: [Header; 9] = {
    use Header::*;
    [Vlan, Vxlan, Geneve, Gre, Gtp, Mpls, Pppoe, L2tp, ServiceInstance]
};

fn ethernet(kind: u16, rest: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), rest].concat()
}

/// Puts the header of this network before a packet of IP. Network 0 has none.
fn wrapped(header: Header, network: u16, ip: &[u8]) -> Vec<u8> {
    if network == 0 {
        return ethernet(0x0800, ip);
    }
    let number = network.to_be_bytes();
    let [high, low] = number;
    let over_ip = |protocol: u8, payload: &[u8]| {
        let mut packet = Vec::new();
        let builder = etherparse::PacketBuilder::ipv4([172, 16, 0, 1], [172, 16, 0, 2], 9);
        builder.write(&mut packet, protocol.into(), payload).unwrap();
        ethernet(0x0800, &packet)
    };
    let over_udp = |port: u16, payload: &[u8]| {
        let len = (8 + payload.len() as u16).to_be_bytes();
        let head = [[0xC3, 0x50], port.to_be_bytes(), len, [0; 2]].concat();
        over_ip(17, &[&head, payload].concat())
    };
    let inner = ethernet(0x0800, ip);
    match header {
        Header::Vlan => ethernet(0x8100, &[&number, &[8, 0], ip].concat()),
        Header::Vxlan => over_udp(4789, &[&[8, 0, 0, 0, 0, high, low, 0], &inner[..]].concat()),
        Header::Geneve => over_udp(6081, &[&[0, 0, 8, 0, 0, high, low, 0], ip].concat()),
        Header::Gre => over_ip(47, &[&[0x20, 0, 8, 0, 0, 0, high, low], ip].concat()),
        Header::Gtp => over_udp(2152, &[&[0x30, 255, 0, 0, 0, 0, high, low], ip].concat()),
        Header::Mpls => {
            let label = (u32::from(network) << 12 | 0x1FF).to_be_bytes();
            ethernet(0x8847, &[&label, ip].concat())
        }
        Header::Pppoe => {
            let [a, b] = (2 + ip.len() as u16).to_be_bytes();
            ethernet(0x8864, &[&[0x11, 0, high, low, a, b, 0, 0x21], ip].concat())
        }
        Header::L2tp => over_udp(1701, &[&[0, 2, 0, 9, high, low, 0, 0x21], ip].concat()),
        Header::ServiceInstance => ethernet(0x88E7, &[&[0, 0, high, low], &inner[..]].concat()),
    }
}

/// Returns a capture of these packets, in the order of their places.
fn capture(mut packets: Vec<(u64, Vec<u8>)>) -> Vec<u8> {
    packets.sort_by_key(|(place, _)| *place);
    let header = [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 65_535, 1];
    let mut file: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    for (n, (_, packet)) in packets.into_iter().enumerate() {
        let len = packet.len() as u32;
        let words = [1_700_000_000, n as u32, len, len];
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        file.extend(packet);
    }
    file
}

/// Returns the verdict and the payloads of each connection, in the order of the connections.
#[track_caller]
fn told(file: &[u8]) -> Vec<(Value, Vec<Value>)> {
    let (out, _) = check(&["--json", "--payload"], file);
    let mut told: Vec<(Value, Vec<Value>)> = Vec::new();
    for line in lines(&out) {
        let event = line["event"].as_str().unwrap();
        assert!(!["unjudged", "violation", "gap"].contains(&event), "{line}");
        let Some(number) = line["connection"].as_u64() else { continue };
        told.resize_with(told.len().max(number as usize + 1), Default::default);
        let (verdict, payloads) = &mut told[number as usize];
        match event {
            "verdict" => *verdict = line["outcome"].clone(),
            "frame" => payloads.push(line["payload"].clone()),
            _ => {}
        }
    }
    assert!(told.iter().all(|(verdict, payloads)| verdict.is_string() && !payloads.is_empty()));
    told
}

/// The connections that two tenants with the same addresses have, and how they are told.
const ONE: [u32; 2] = [1_000, 9_000];
const OTHER: [u32; 2] = [0x8000_0000, 0x7000_0000];

/// Returns what is told of a connection alone.
fn alone(packets: &[Packet]) -> (Value, Vec<Value>) {
    let plain = packets.iter().map(|(place, _, ip)| (*place, ethernet(0x0800, ip)));
    let mut told = told(&capture(plain.collect()));
    assert_eq!(told.len(), 1);
    told.remove(0)
}

/// Puts each packet into the networks of its sender: those of the client, and of the server.
fn seen(
    packets: &[Packet],
    header: Header,
    networks: [&[u16]; 2],
    late: u64,
) -> Vec<(u64, Vec<u8>)> {
    let copies = packets.iter().flat_map(|(place, client, ip)| {
        let copies = networks[usize::from(!client)].iter();
        copies.map(move |network| (place * 10 + late, wrapped(header, *network, ip)))
    });
    copies.collect()
}

#[test]
fn two_connections_with_the_same_addresses_are_told_apart_by_their_networks() {
    let (one, other) =
        (connection(ONE, &["one", "uno"]), connection(OTHER, &["two", "due", "tre"]));
    for header in HEADERS {
        for networks in [[[1, 1], [2, 2]], [[1, 1], [0, 0]], [[1, 2], [3, 4]], [[1, 0], [2, 0]]] {
            for late in [1, 35] {
                let [first, second] = networks.map(|network| network.map(|one| [one]));
                let mut packets = seen(&one, header, [&first[0], &first[1]], 0);
                packets.extend(seen(&other, header, [&second[0], &second[1]], late));
                let expected = [alone(&one), alone(&other)];
                assert_eq!(told(&capture(packets)), expected, "{header:?} {networks:?} {late}");
            }
        }
    }
}

#[test]
fn a_connection_that_is_seen_in_several_networks_is_one() {
    let one = connection(ONE, &["one", "uno"]);
    let expected = [alone(&one)];
    for header in HEADERS {
        let all: [[&[u16]; 2]; 7] = [
            [&[1], &[2]],
            [&[1], &[0]],
            [&[0], &[1]],
            [&[1, 0], &[1, 0]],
            [&[1, 2], &[1, 2]],
            [&[1, 2], &[3, 4]],
            [&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]],
        ];
        for networks in all {
            let file = capture(seen(&one, header, networks, 0));
            assert_eq!(told(&file), expected, "{header:?} {networks:?}");
        }
        for change in 0..one.len() {
            let (before, after) = one.split_at(change);
            let mut packets = seen(before, header, [&[1], &[1]], 0);
            packets.extend(seen(after, header, [&[2], &[2]], 0));
            assert_eq!(told(&capture(packets)), expected, "{header:?} changes before {change}");
        }
    }
}

/// Both connections are also captured twice.
#[test]
fn copies_of_two_connections_are_told_apart() {
    let (one, other) = (connection(ONE, &["one"]), connection(OTHER, &["two"]));
    let mut packets = seen(&one, Header::Vlan, [&[1, 5], &[2, 5]], 0);
    packets.extend(seen(&other, Header::Vlan, [&[3, 6], &[4, 6]], 3));
    assert_eq!(told(&capture(packets)), [alone(&one), alone(&other)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the first numbers and the order, if one begins before the other.
    #[test]
    fn interleaved_connections_are_told_apart(
        (one, other) in any::<([u32; 2], [u32; 2])>().prop_filter("numbers of their own", |(one, other)| {
            one.iter().zip(other).all(|(one, other)| {
                (one.wrapping_sub(*other) as i32).unsigned_abs() > 1 << 25
            })
        }),
        order in prop::collection::vec(1u64..4, 40),
        networks in [0u16..4, 0u16..4],
        header in prop::sample::select(HEADERS.to_vec()),
    ) {
        let (one, mut other) = (connection(one, &["one", "uno"]), connection(other, &["two", "due"]));
        let mut place = 5;
        for ((at, ..), step) in other.iter_mut().zip(order) {
            place += step * 6;
            *at = place;
        }
        let mut packets = seen(&one, header, [&[networks[0]], &[networks[1]]], 0);
        packets.extend(
            seen(&other, header, [&[7], &[8]], 0).into_iter().map(|(at, packet)| (at / 10, packet)),
        );
        let told = told(&capture(packets));
        prop_assert_eq!(told.len(), 2);
        prop_assert!([one, other].iter().all(|packets| told.contains(&alone(packets))));
    }
}
