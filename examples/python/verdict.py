"""How a connection was closed, and whose fault it was: the library through ctypes.

    cargo rustc --release --lib --features c --crate-type cdylib
    WSVET_LIBRARY=target/release/libwsvet.so python3 examples/python/verdict.py

The structures and numbers below are those of include/wsvet.h.
"""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

CLIENT, SERVER = 1, 2
TEXT_ONLY = 1
FIN, RST = 0, 1
MAX_FINDINGS = 3
ROLES = {CLIENT: "client", SERVER: "server"}


class Policy(ctypes.Structure):
    _fields_ = [
        ("max_frame", c_uint64),
        ("max_message", c_uint64),
        ("max_fragments", c_uint32),
        ("role", c_uint8),
        ("accepts", c_uint8),
        ("rsv", c_uint8),
        ("permessage_deflate", c_uint8),
    ]


class Violation(ctypes.Structure):
    _fields_ = [("offset", c_uint64), ("rule", c_uint8)]


class Event(ctypes.Structure):
    _fields_ = [
        ("bytes", c_void_p),
        ("len", c_size_t),
        ("close_code", c_uint16),
        ("kind", c_uint8),
        ("opcode", c_uint8),
        ("rsv", c_uint8),
        ("end", c_uint8),
    ]


class Deflate(ctypes.Structure):
    _fields_ = [
        ("server_no_context_takeover", c_uint8),
        ("client_no_context_takeover", c_uint8),
        ("server_max_window_bits", c_uint8),
        ("client_max_window_bits", c_uint8),
    ]


class Verdict(ctypes.Structure):
    _fields_ = [
        ("violation", Violation),
        ("len", c_uint64),
        ("code", c_uint16),
        ("status", c_uint16),
        ("kind", c_uint8),
        ("by", c_uint8),
        ("why", c_uint8),
        ("handshake_rule", c_uint8),
    ]


class Finding(ctypes.Structure):
    _fields_ = [
        ("at", c_uint64),
        ("waited", c_uint64),
        ("count", c_uint64),
        ("other_pongs", c_uint64),
        ("lapse", c_uint8),
        ("by", c_uint8),
    ]


EACH = ctypes.CFUNCTYPE(None, c_void_p, POINTER(Event))


def load(path):
    """Loads the library, and declares the functions that this program calls."""
    library = ctypes.CDLL(path)

    def declare(name, result, *arguments):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments

    declare("wsvet_policy", Policy, c_uint8)
    declare("wsvet_rule_id", c_char_p, c_uint8)
    declare("wsvet_rule_text", c_char_p, c_uint8)
    declare("wsvet_accept_key", ctypes.c_bool, c_char_p, c_size_t, c_char_p)
    declare("wsvet_conversation_new", c_void_p, POINTER(Policy), POINTER(Policy), POINTER(Deflate))
    declare("wsvet_conversation_free", None, c_void_p)
    declare("wsvet_conversation_at", None, c_void_p, c_uint64)
    declare("wsvet_conversation_bytes", ctypes.c_bool, c_void_p, c_uint8, c_char_p, c_size_t)
    declare("wsvet_conversation_end", ctypes.c_bool, c_void_p, c_uint8, c_uint8)
    declare("wsvet_conversation_verdict", Verdict, c_void_p)
    declare("wsvet_conversation_verdict_id", c_size_t, c_void_p, c_char_p, c_size_t)
    declare("wsvet_conversation_verdict_text", c_size_t, c_void_p, c_char_p, c_size_t)
    declare("wsvet_conversation_findings", c_size_t, c_void_p, POINTER(Finding))
    declare("wsvet_inflating_decoder_new", c_void_p, POINTER(Policy), POINTER(Deflate))
    declare("wsvet_inflating_decoder_free", None, c_void_p)
    declare(
        "wsvet_inflating_decode", Violation, c_void_p, c_char_p, c_size_t, EACH, c_void_p
    )
    return library


class Conversation:
    """Both directions of a connection. Use it in a `with` statement, which frees it."""

    def __init__(self, library, client, server):
        self.library = library
        self.handle = library.wsvet_conversation_new(client, server, None)
        if not self.handle:
            raise ValueError("a policy is out of range")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.wsvet_conversation_free(self.handle)

    def at(self, seconds):
        self.library.wsvet_conversation_at(self.handle, int(seconds * 1e9))

    def sent(self, role, data):
        self.library.wsvet_conversation_bytes(self.handle, role, data, len(data))

    def ended(self, role, end=FIN):
        self.library.wsvet_conversation_end(self.handle, role, end)

    def verdict(self):
        return self.library.wsvet_conversation_verdict(self.handle)

    def findings(self):
        found = (Finding * MAX_FINDINGS)()
        return found[: self.library.wsvet_conversation_findings(self.handle, found)]

    def __str__(self):
        name, text = ctypes.create_string_buffer(32), ctypes.create_string_buffer(512)
        self.library.wsvet_conversation_verdict_id(self.handle, name, len(name))
        self.library.wsvet_conversation_verdict_text(self.handle, text, len(text))
        return f"{name.value.decode()}: {text.value.decode()}"


def inflate(library, policy, data):
    """Returns the content of the messages in the bytes of a direction with permessage-deflate."""
    decoder = library.wsvet_inflating_decoder_new(policy, Deflate())
    content = bytearray()

    @EACH
    def each(_, event):
        content.extend(ctypes.string_at(event.contents.bytes, event.contents.len))

    chunk = ctypes.create_string_buffer(data, len(data))  # it is unmasked in place
    violation = library.wsvet_inflating_decode(decoder, chunk, len(data), each, None)
    library.wsvet_inflating_decoder_free(decoder)
    if violation.rule:
        raise ValueError(library.wsvet_rule_id(violation.rule).decode())
    return bytes(content)


def main():
    library = load(os.environ.get("WSVET_LIBRARY", "libwsvet.so"))

    accept = ctypes.create_string_buffer(29)
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    if library.wsvet_accept_key(key, len(key), accept):
        print(accept.value.decode())

    client, server = library.wsvet_policy(CLIENT), library.wsvet_policy(SERVER)
    server.accepts = TEXT_ONLY
    with Conversation(library, client, server) as conversation:
        conversation.sent(CLIENT, b"\x81\x82\x01\x02\x03\x04ik")
        conversation.sent(CLIENT, b"\x82\x81\x01\x02\x03\x04\x00")  # binary
        conversation.sent(SERVER, b"\x88\x02\x03\xe8")  # 1000, and 1003 is due
        print(conversation)
        violation = conversation.verdict().violation
        rule, text = (
            function(violation.rule).decode()
            for function in (library.wsvet_rule_id, library.wsvet_rule_text)
        )
        print(f"the client broke {rule} at byte {violation.offset}: {text}")

    with Conversation(library, client, server) as conversation:
        conversation.sent(CLIENT, b"\x89\x80\x01\x02\x03\x04")  # a Ping
        conversation.at(10)
        conversation.sent(SERVER, b"\x81\x02hi")
        for finding in conversation.findings():
            name = library.wsvet_rule_id(finding.lapse).decode()
            text = library.wsvet_rule_text(finding.lapse).decode()
            print(f"{name}: {text}, by the {ROLES[finding.by]}, after {finding.waited / 1e9} s")

    hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
    print("inflated:", inflate(library, client, hello).decode())


if __name__ == "__main__":
    main()
