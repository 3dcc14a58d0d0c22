"""Connects with `websocket-client` until nobody listens, and sends back what comes."""

import sys
import websocket

while True:
    socket = websocket.WebSocket()
    try:
        socket.connect(sys.argv[1], timeout=5)
        while True:
            opcode, data = socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                break
            socket.send(data, opcode)
    except ConnectionRefusedError:
        break
    except Exception:
        pass
    socket.shutdown()
