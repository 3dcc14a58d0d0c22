import sys
import eventlet
from eventlet import websocket, wsgi

@websocket.WebSocketWSGI
def echo(socket):
    while True:
        message = socket.wait()
        if message is None:
            break
        socket.send(message)

wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), echo)
