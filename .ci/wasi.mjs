// Runs a test that was built for wasm32-wasip1, in Node.js: `node .ci/wasi.mjs FILE [ARGUMENT]...`
// Set CARGO_TARGET_WASM32_WASIP1_RUNNER to `node --no-warnings` and the path of this file.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [file, ...rest] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [file, ...rest],
  env: process.env,
  preopens: { "/": "/" },
  returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(file));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
