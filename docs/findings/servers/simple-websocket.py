import sys
from flask import Flask
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)

@sock.route("/")
def echo(socket):
    while True:
        socket.send(socket.receive())

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
