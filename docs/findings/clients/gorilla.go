// Connects with gorilla/websocket until nobody listens, and sends back what comes.
package main

import (
	"errors"
	"os"
	"syscall"

	"github.com/gorilla/websocket"
)

func main() {
	dialer := websocket.Dialer{EnableCompression: true}
	for {
		socket, _, err := dialer.Dial(os.Args[1], nil)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err != nil {
			continue
		}
		for {
			kind, data, err := socket.ReadMessage()
			if err != nil {
				break
			}
			socket.WriteMessage(kind, data)
		}
		socket.Close()
	}
}
