require 'em-websocket'

EM.run do
  EM::WebSocket.run(host: '127.0.0.1', port: ARGV[0].to_i) do |ws|
    ws.onmessage { |text| ws.send_text(text) }
    ws.onerror { |error| }
    ws.onbinary { |bytes| ws.send_binary(bytes) }
  end
end
