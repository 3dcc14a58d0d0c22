// Converses as a client with TLS 1.2 and a CBC suite: client URL KEYLOG
package main

import (
	"crypto/tls"
	"os"

	"github.com/gorilla/websocket"
)

func main() {
	keys, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{
		KeyLogWriter:       keys,
		InsecureSkipVerify: true,
		MaxVersion:         tls.VersionTLS12,
		CipherSuites:       []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256},
	}}
	socket, _, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	socket.WriteMessage(websocket.TextMessage, []byte("hello from Go"))
	socket.ReadMessage()
	socket.WriteMessage(websocket.BinaryMessage, []byte{1, 2, 3})
	socket.ReadMessage()
	socket.Close()
}
