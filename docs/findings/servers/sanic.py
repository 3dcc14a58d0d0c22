import sys
from sanic import Sanic

app = Sanic("echo")

@app.websocket("/")
async def echo(request, socket):
    while True:
        await socket.send(await socket.recv())

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), single_process=True)
