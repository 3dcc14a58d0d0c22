"""What send.py and answer.py have in common."""

import time


def read(peer, seconds):
    """All that comes within the seconds, and whether TCP ended."""
    received, until = b"", time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        peer.settimeout(left)
        try:
            chunk = peer.recv(1 << 16)
        except TimeoutError:
            break
        except ConnectionResetError:
            return received, "TCP was reset"
        if not chunk:
            return received, "TCP ended"
        received += chunk
    return received, "TCP is open"
