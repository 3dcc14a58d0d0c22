package main

import (
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

type message struct {
	kind    byte
	payload []byte
}

// Keeps the type of a message, which websocket.Message does not.
var codec = websocket.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) {
		return v.(*message).payload, v.(*message).kind, nil
	},
	Unmarshal: func(payload []byte, kind byte, v interface{}) error {
		*v.(*message) = message{kind, payload}
		return nil
	},
}

func main() {
	http.Handle("/", websocket.Server{Handler: func(conn *websocket.Conn) {
		var received message
		for codec.Receive(conn, &received) == nil && codec.Send(conn, &received) == nil {
		}
	}})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
