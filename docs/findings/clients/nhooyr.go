// Connects with nhooyr.io/websocket until nobody listens, and sends back what comes.
package main

import (
	"context"
	"errors"
	"os"
	"syscall"

	"nhooyr.io/websocket"
)

func main() {
	ctx := context.Background()
	for {
		socket, _, err := websocket.Dial(ctx, os.Args[1], nil)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err != nil {
			continue
		}
		socket.SetReadLimit(1 << 20)
		for {
			kind, data, err := socket.Read(ctx)
			if err != nil {
				break
			}
			socket.Write(ctx, kind, data)
		}
		socket.Close(websocket.StatusNormalClosure, "")
	}
}
