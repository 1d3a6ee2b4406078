// SPDX-License-Identifier: Apache-2.0
//
// Runs a WASI program under node: node tests/wasi.mjs program.wasm [arguments]. It sees the whole file system, below the
// working folder by relative paths, and the environment, and its exit code is this one's.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [program, ...rest] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: [program, ...rest],
  env: process.env,
  preopens: { '/': '/', '.': process.cwd(), '..': process.cwd() + '/..' },
});
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
