#!/usr/bin/env python3
"""Writes NAME.frames.jsonl for each NAME.pcap: the frames that tshark finds, one per line."""

import json
import pathlib
import subprocess
import sys


def leaves(pairs):
    """Returns all fields of a layer, including nested ones; of fields with one name, the first."""
    found = {}
    for name, value in pairs:
        inside = leaves(value) if isinstance(value, list) else {name: value}
        found = inside | found
    return found


def number(found, name):
    return int(found[name], 0) if name in found else None


def text(found, name):
    whole = found.get(name)
    return whole if whole is None or len(whole) <= 200 else whole[:200] + "..."


def frame_of(found):
    field = number(found, "websocket.payload_length")
    length = field
    for longer in ["websocket.payload_length_ext_16", "websocket.payload_length_ext_64"]:
        length = number(found, longer) if longer in found else length
    pmc = number(found, "websocket.pmc")
    return {
        "fin": found["websocket.fin"] == "1",
        "rsv": number(found, "websocket.rsv"),
        "opcode": number(found, "websocket.opcode"),
        "mask": found["websocket.mask"] == "1",
        "masking_key": found.get("websocket.masking_key", "").replace(":", "") or None,
        "length_field": field,
        "payload_length": length,
        "pmc": None if pmc is None else pmc == 1,
        "close_code": number(found, "websocket.payload.close.status_code"),
        "close_reason": text(found, "websocket.payload.close.reason"),
        "text": text(found, "websocket.payload.text"),
        "reassembled_length": None,
        "expert": found.get("_ws.expert.message"),
    }


def dissect(pcap, *options):
    # Two frames in one packet are two keys with one name, so objects are read as lists of pairs.
    packets = json.loads(
        subprocess.run(["tshark", "-r", pcap, *options, "-Y", "websocket", "-T", "json"],
                       check=True, capture_output=True).stdout,
        object_pairs_hook=list)
    for packet in packets:
        layers = dict(dict(packet)["_source"])["layers"]
        tcp = leaves(dict(layers)["tcp"])
        head = {
            "packet": number(leaves(dict(layers)["frame"]), "frame.number"),
            "stream": number(tcp, "tcp.stream"),
            "src_port": number(tcp, "tcp.srcport"),
            "dst_port": number(tcp, "tcp.dstport"),
        }
        for name, value in layers:
            if name == "websocket":
                yield head | frame_of(leaves(value))


def write(pcap, *options):
    lines = [json.dumps(frame) + "\n" for frame in dissect(str(pcap), *options)]
    pathlib.Path(pcap).with_suffix(".frames.jsonl").write_text("".join(lines))
    return len(lines)


def is_whole(pcap):
    """Returns whether no packet is missing."""
    lost = "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment"
    return not subprocess.run(["tshark", "-r", str(pcap), "-Y", lost],
                              check=True, capture_output=True).stdout


if __name__ == "__main__":
    for pcap in sys.argv[1:]:
        print(pcap, write(pcap), "frames")
