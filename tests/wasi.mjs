// SPDX-License-Identifier: Apache-2.0
//
// Runs a WASI program under node: node tests/wasi.mjs program.wasm [arguments]. It sees the working folder and the one
// above by relative paths, the folders of the root by absolute ones, and the environment; its exit code is this one's.
// What a module counts (bench/count_wasm.py) goes to the file that INSTRUCTIONS names.
import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { WASI } from 'node:wasi';

// V8 may call WASI's functions in a short way, in which nothing may be collected; those of node 20 ask for the memory's
// buffer, a new object once the memory has grown, and a collection then misses the objects of the frames below: a crash
// at the end of start().
setFlagsFromString('--no-turbo-fast-api-calls');
if (parseInt(process.versions.node) < 21)
  setFlagsFromString('--experimental-wasm-relaxed-simd'); // later ones have it without

const [program, ...rest] = process.argv.slice(2);
// wasi-libc takes "/" and "." for the same, so the folders of the root are given one by one.
const folders = readdirSync('/', { withFileTypes: true }).filter((entry) => entry.isDirectory());
const wasi = new WASI({
  version: 'preview1',
  args: [program, ...rest],
  env: process.env,
  preopens: { ...Object.fromEntries(folders.map(({ name }) => [`/${name}`, `/${name}`])), '.': process.cwd(), '..': process.cwd() + '/..' },
});
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
if (process.env.INSTRUCTIONS)
  writeFileSync(process.env.INSTRUCTIONS, `${instance.exports.instructions.value}\n`);
