import sys
from gevent import pywsgi
from geventwebsocket.handler import WebSocketHandler

def echo(environ, start_response):
    socket = environ.get("wsgi.websocket")
    if socket is None:
        start_response("400 Bad Request", [])
        return [b""]
    while True:
        message = socket.receive()
        if message is None:
            return []
        socket.send(message)

pywsgi.WSGIServer(("127.0.0.1", int(sys.argv[1])), echo, handler_class=WebSocketHandler).serve_forever()
