require 'eventmachine'
require 'websocket/driver'

# The server of the documentation of websocket-driver.
module Connection
  def initialize
    @driver = WebSocket::Driver.server(self)
    @driver.on(:connect) { @driver.start if WebSocket::Driver.websocket?(@driver.env) }
    @driver.on(:message) { |e| e.data.is_a?(String) ? @driver.text(e.data) : @driver.binary(e.data) }
    @driver.on(:close) { close_connection_after_writing }
  end

  def receive_data(data)
    @driver.parse(data)
  end

  def write(data)
    send_data(data)
  end
end

EM.run { EM.start_server('127.0.0.1', ARGV[0].to_i, Connection) }
