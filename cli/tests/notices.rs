//! Each notice on standard error is a line of `--json`, too.

mod common;

use common::capture::{Capture, all_lines};
use common::run;
use etherparse::PacketBuilder;

/// Appends a packet of a capture, of which `kept` bytes were captured.
fn append(file: &mut Vec<u8>, packet: &[u8], kept: usize) {
    let words = [1_700_000_001, 0, kept as u32, packet.len() as u32];
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(&packet[..kept]);
}

/// Returns a packet over UDP to this port.
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(50_000, port);
    builder.write(&mut packet, payload).unwrap();
    packet
}

#[test]
fn each_notice_is_a_line() {
    let mut capture = Capture::open("");
    capture.close();
    let whole = capture.file;
    let with = |packet: &[u8], kept: usize| {
        let mut file = whole.clone();
        append(&mut file, packet, kept);
        file
    };
    let quic = udp(443, &[0xC0, 0, 0, 0, 1]);
    let mut all = with(&quic, quic.len());
    append(&mut all, &udp(51820, &[1, 0, 0, 0]), 32);
    append(&mut all, &quic, 10);
    let cases = [
        (whole.clone(), &[][..]),
        (
            with(&quic, quic.len()),
            &[
                "packets skipped: 1 (QUIC, and WebSocket over HTTP/3 is not judged: turn QUIC off in \
               the client)",
            ][..],
        ),
        (
            with(&quic, 10),
            &["packets that end inside a header: 1 (capture whole packets, with -s 0)"],
        ),
        (
            whole[..whole.len() - 1].to_vec(),
            &["reading stopped after packet 7, at byte 697: the input ends inside a packet"],
        ),
        (
            all,
            &[
                "packets that end inside a header: 1 (capture whole packets, with -s 0)",
                "packets skipped: 1 (encrypted with WireGuard: capture inside the tunnel)",
                "packets skipped: 1 (QUIC, and WebSocket over HTTP/3 is not judged: turn QUIC off in \
                 the client)",
            ],
        ),
        (Vec::new(), &["no WebSocket traffic: the input is empty"]),
    ];
    for (file, expected) in cases {
        let output = run(&["check", "--json", "-"], &file);
        let told = all_lines(&String::from_utf8(output.stdout).unwrap());
        let notices: Vec<_> = told.iter().filter(|line| line["event"] == "notice").collect();
        let texts: Vec<_> = notices.iter().map(|line| line["text"].as_str().unwrap()).collect();
        assert_eq!(texts, expected);
        assert!(notices.iter().all(|line| line["input"] == "standard input"));
        let on_stderr = texts.iter().map(|text| format!("wsvet: standard input: {text}\n"));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), on_stderr.collect::<String>());
    }
}
