"""Converses as a client by libcurl: curl.py URL"""

import contextlib
import sys

from curl_cffi import requests
from curl_cffi.const import CurlWsFlag

with requests.Session(impersonate="chrome", verify=False) as session:
    socket = session.ws_connect(sys.argv[1])
    socket.send(b"hello from curl", CurlWsFlag.TEXT)
    socket.recv()
    socket.send(b"\x01\x02\x03", CurlWsFlag.BINARY)
    with contextlib.suppress(Exception):
        socket.recv()
        socket.close(1003)
