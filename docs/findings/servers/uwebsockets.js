const uWS = require('@btc-vision/uwebsockets.js');

uWS.App().ws('/*', {
  compression: uWS.SHARED_COMPRESSOR,
  message: (socket, message, isBinary) => socket.send(message, isBinary),
}).listen('127.0.0.1', +process.argv[2], () => {});
