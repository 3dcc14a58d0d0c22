#!/bin/sh
# What tshark writes of a capture, in all forms that are read; and of one with TLS and its keys. In `cli/tests`:
#
#     sh data/record/tshark.sh captures/node-close-1001.pcap WSS.pcap KEYS.log \
#       PARTS.pcap PARTS-TLS.pcap PARTS.log COMPRESSED.pcap COMPRESSED.log
set -eu
tshark -r "$1" -q -z follow,tcp,raw,0 >data/follow-raw.txt
tshark -r "$1" -q -z follow,tcp,hex,0 >data/follow-hex.txt
tshark -r "$1" -q -z follow,tcp,yaml,0 >data/follow-yaml.txt
tshark -r "$1" -T json | gzip -9n >data/tshark.json.gz
tshark -r "$1" -T json -x | zstd -19 -q >data/tshark-x.json.zst
tshark -r "$1" -U "OSI layer 4" -w data/exported-pdus.pcapng
tshark -r "$2" -o "tls.keylog_file:$3" -T json -x | gzip -9n >data/tshark-tls-x.json.gz
tshark -r "$2" -o "tls.keylog_file:$3" -U "OSI layer 7" -w data/exported-pdus-tls.pcapng
tshark -r "$1" -T ek | gzip -9n >data/tshark.ek.gz
tshark -r "$1" -T ek -x | gzip -9n >data/tshark-x.ek.gz
# The WebSocket frames of a text that is not UTF-8, whose payloads only `-x` has.
utf8=data/wss/python-bad-utf8
for form in json ek; do
  tshark -r $utf8.pcap -o tls.keylog_file:$utf8.keys -d tcp.port==24006,tls -Y 'http || websocket' -T $form -x |
    gzip -9n >data/tshark-utf8-x.$form.gz
done
# Captures of parts.py: the same messages in the clear on port 80, and with TLS on port 9443. Their long
# messages come in parts. And one with TLS and compression, without its opening handshake.
tshark -r "$4" -U "OSI layer 4" -w - | gzip -9n >data/exported-pdus-parts.pcapng.gz
tshark -r "$5" -o "tls.keylog_file:$6" -d tcp.port==9443,tls -U "OSI layer 7" -w - |
  gzip -9n >data/exported-pdus-parts-tls.pcapng.gz
for x in "" -x; do
  tshark -r "$7" -o "tls.keylog_file:$8" -d tcp.port==9011,tls -Y websocket -T json $x |
    gzip -9n >data/tshark-filtered$x.json.gz
done
