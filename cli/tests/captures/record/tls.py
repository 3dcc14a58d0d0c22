"""Records one WebSocket conversation over TLS in each way that OpenSSL knows, into ../tls.

Run it as root, because tcpdump needs it; it needs openssl, tcpdump and tshark. Each recording is a
capture of the loopback interface and the key log of the client. The endpoints are `openssl s_server`
and `openssl s_client`, to which this script gives the bytes of the handshake and of the frames.
"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time

OUT = pathlib.Path(__file__).parent.parent / "tls"
PORT = 18443

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def frame(opcode, payload, masked):
    head = bytes([0x80 | opcode])
    bit = 0x80 if masked else 0
    length = len(payload)
    head += bytes([bit | length]) if length < 126 else bytes([bit | 126]) + length.to_bytes(2, "big")
    if not masked:
        return head + payload
    key = b"\x37\xfa\x21\x3d"
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


CLOSE = (1003).to_bytes(2, "big") + b"text only"


def steps(long):
    size = 20_000 if long else 300
    return [
        ("client", REQUEST),
        ("server", ANSWER),
        ("client", frame(1, b"hello", True)),
        ("server", frame(1, b"hello", False)),
        ("client", frame(2, bytes(size), True)),
        ("server", frame(1, b"x" * 300, False)),
        ("server", frame(8, CLOSE, False)),
        ("client", frame(8, CLOSE, True)),
    ]


def run(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def serve(folder, options, connections):
    """Starts a server that ends after this many connections."""
    cert = "ec" if any("ECDSA" in option for option in options) else "rsa"
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(PORT), "-naccept", str(connections), "-cert",
         folder / f"{cert}.pem", "-key", folder / f"{cert}.key", *options], **PIPES)
    time.sleep(0.3)
    return server


def converse(server, keys, options, wanted, early=None):
    """Opens one connection, and sends what is wanted."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-servername", "example.test",
         "-keylogfile", keys, *options], **PIPES)
    time.sleep(0.5)
    ends = {"server": server, "client": client}
    for who, data in wanted:
        if (who, data) != ("client", early):
            ends[who].stdin.write(data)
            ends[who].stdin.flush()
            time.sleep(0.12)
    client.stdin.write(b"Q\n")
    client.stdin.flush()
    time.sleep(0.3)
    client.terminate()
    client.wait()


def record(folder, name, server=(), client=(), long=False, resumes=False, early=None, updates=False):
    keys, path = OUT / f"{name}.keys", OUT / f"{name}.pcap"
    keys.unlink(missing_ok=True)
    wanted = steps(long)
    if updates:
        wanted[4:4] = [("client", b"K\n"), ("server", b"K\n")]
    serving = serve(folder, server, 1 + resumes)
    if resumes:
        saved = folder / "session"
        converse(serving, folder / "other.keys", [*client, "-sess_out", saved], wanted[:4])
        client = [*client, "-sess_in", saved]
    if early:
        client = [*client, "-early_data", folder / "request"]
    tcpdump = subprocess.Popen(
        ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-w", path, f"tcp port {PORT}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.6)
    converse(serving, keys, client, wanted, REQUEST if early else None)
    serving.terminate()
    serving.wait()
    time.sleep(0.3)
    tcpdump.send_signal(signal.SIGINT)
    tcpdump.wait()
    seen = subprocess.run(
        ["tshark", "-r", path, "-o", f"tls.keylog_file:{keys}", "-d", f"tcp.port=={PORT},tls", "-Y",
         "websocket", "-T", "fields", "-e", "websocket.opcode", "-e", "websocket.payload_length"],
        check=True, capture_output=True, text=True).stdout.split()
    print(f"{name:<28} {path.stat().st_size:>6} B  {' '.join(seen)}")


def main():
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "request").write_bytes(REQUEST)
        for kind, key in (("rsa", ["rsa:2048"]), ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])):
            run("openssl", "req", "-x509", "-nodes", "-newkey", *key, "-subj", "/CN=example.test", "-days",
                "30", "-keyout", folder / f"{kind}.key", "-out", folder / f"{kind}.pem")
        only = sys.argv[1:]

        def one(name, **how):
            if not only or name in only:
                record(folder, name, **how)

        for suite in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256",
                      "AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256"):
            options = ["-tls1_3", "-ciphersuites", f"TLS_{suite}"]
            one(f"tls13-{suite}", server=options, client=options, long=suite == "AES_128_GCM_SHA256")
        for suite in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "AES128-GCM-SHA256",
                      "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8",
                      "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "AES128-SHA256"):
            options = ["-tls1_2", "-cipher", suite]
            one(f"tls12-{suite}", server=options, client=options, long=suite == "AES128-GCM-SHA256")
        cbc = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"]
        one("tls12-mac-then-encrypt", server=cbc, client=[*cbc, "-no_etm"])
        tls13 = ["-tls1_3"]
        one("tls13-key-update", server=tls13, client=tls13, updates=True)
        one("tls13-retry", server=[*tls13, "-groups", "P-256"], client=[*tls13, "-groups", "X25519:P-256"])
        one("tls13-padding", server=[*tls13, "-record_padding", "512"], client=[*tls13, "-record_padding", "100"])
        one("tls13-client-certificate", server=[*tls13, "-Verify", "1"],
            client=[*tls13, "-cert", folder / "rsa.pem", "-key", folder / "rsa.key"])
        one("tls13-resumed", server=tls13, client=tls13, resumes=True)
        one("tls13-early-data", server=[*tls13, "-early_data", "-no_anti_replay"], client=tls13, resumes=True,
            early=True)
        one("tls12-resumed", server=["-tls1_2"], client=["-tls1_2"], resumes=True)


main()
