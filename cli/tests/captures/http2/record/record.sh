#!/usr/bin/env bash
# Records WebSocket over HTTP/2 between real endpoints, on the loopback interface. Needs root, tcpdump,
# node, npm, python3 and cargo; chromium and openssl for the recording in TLS.
#
#     ./record.sh [NAME...]
#
# Writes NAME.pcap, and NAME.jsonl with what the endpoints got, beside this folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(dirname "$here")
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cp "$here"/*.mjs "$here"/*.py "$work"
cp -r "$here/h2-client" "$work"
cd "$work"
npm install --silent --no-audit --no-fund ws@8 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet h2 wsproto hypercorn

wait_for() {
  for _ in $(seq 100); do
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.1
  done
  echo "nobody listens on port $1" >&2
  exit 1
}

# record NAME PORT SERVER CLIENT
record() {
  local name=$1 port=$2 server dump
  case " ${wanted[*]} " in *" $name "*) ;; *) return ;; esac
  eval "exec $3" >server.log &
  server=$!
  wait_for "$port"
  tcpdump -i lo -U -w "$name.pcap" --immediate-mode "tcp port $port" 2>/dev/null &
  dump=$!
  sleep 1
  eval "$4" >client.log
  sleep 1
  kill "$dump" "$server"
  wait "$dump" "$server" 2>/dev/null || true
  cat client.log server.log >"$out/$name.jsonl"
  cp "$name.pcap" "$out/$name.pcap"
  [ ! -e keys.log ] || mv keys.log "$out/$name.keys"
  rm -f server.log client.log
  echo "$name: $(wc -c <"$out/$name.pcap") bytes"
}

all=(node-text-only node-several node-cancel node-goaway node-no-connect hypercorn-several h2-node chromium-node)
wanted=("$@")
[ $# -gt 0 ] || wanted=("${all[@]}")

for scenario in text-only several cancel goaway; do
  record "node-$scenario" 8080 "node server.mjs 8080" "venv/bin/python client.py 8080 $scenario"
done
record node-no-connect 8080 "node server.mjs 8080 no-connect" "venv/bin/python client.py 8080 no-connect"
record hypercorn-several 8081 "venv/bin/hypercorn --bind 127.0.0.1:8081 app:app 2>/dev/null" \
  "venv/bin/python client.py 8081 several"
case " ${wanted[*]} " in *" h2-node "*)
  cargo build --quiet --manifest-path h2-client/Cargo.toml ;;
esac
record h2-node 8080 "node server.mjs 8080" "h2-client/target/debug/h2-client 8080"

case " ${wanted[*]} " in *" chromium-node "*)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null ;;
esac
record chromium-node 8443 "node server.mjs 8443 tls key.pem cert.pem" \
  "SSLKEYLOGFILE=keys.log timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-quic \
   --user-data-dir=profile --ignore-certificate-errors --virtual-time-budget=4000 --dump-dom \
   https://localhost:8443/ 2>/dev/null >/dev/null"
