package main

import (
	"io"
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

func main() {
	server := websocket.Server{Handler: func(conn *websocket.Conn) { io.Copy(conn, conn) }}
	http.Handle("/", server)
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
