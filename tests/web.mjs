// SPDX-License-Identifier: Apache-2.0
//
// Checks WebAssembly as a function: linnet.mjs in node (results, refusals, memory), sizes, and the page of docs/wasm in
// headless Chromium, which has to say what the pictures are; and the demo model as a module of its own.
// node tests/web.mjs build/wasm32-wasi build/wasm32/digits.wasm
// The last line is "N passed, N failed, N skipped"; a screenshot is left in the build folder.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { gzipSync, inflateSync } from 'node:zlib';

const build = resolve(process.argv[2] ?? 'build/wasm32-wasi'), web = join(build, 'web');
let passed = 0, failed = 0;

function check(ok, what) {
  ok ? passed++ : failed++;
  if (!ok)
    console.log(`failed: ${what}`);
}

function refused(call, part, what) {
  try {
    call();
    check(false, `${what}: not refused`);
  } catch (error) {
    check(error.name === 'LinnetError' && error.message.includes(part), `${what}: ${error}`);
  }
}

// -- sizes --
const wasm = await readFile(join(web, 'linnet.wasm'));
const packed = gzipSync(wasm, { level: 9 }).length;
console.log(`linnet.wasm, all operators: ${wasm.length} bytes, ${packed} compressed`);
check(wasm.length <= 1.5e6, 'linnet.wasm is above 1.5 MB');
check(packed <= 600e3, 'linnet.wasm is above 600 KB compressed');

// -- the module in node --
const { load } = await import(join(web, 'linnet.mjs'));
const linnet = await load();
const model = linnet.model(await readFile(join(web, 'digits.onnx')));
check(/^\d+\.\d+\.\d+$/.test(linnet.version), 'version');
check(model.inputs.length === 1 && model.inputs[0].name === 'image' && model.inputs[0].type === 'float32' &&
      JSON.stringify(model.inputs[0].dims) === '["batch",1,8,8]', 'what the model declares');
const two = model.run({ image: new Float32Array(128).fill(255, 64) }).probabilities;
check(JSON.stringify(two.dims) === '[2,10]' && two.data.length === 20, 'a batch of two');
const again = model.run({ image: { dims: [1, 1, 8, 8], data: new Float32Array(64) } }).probabilities;
check(again.data.every((p, i) => p === two.data[i]), 'the same alone and in a batch');
check(Math.abs(again.data.reduce((s, p) => s + p, 0) - 1) < 1e-5, 'probabilities');
refused(() => model.run({ image: new Float32Array(63) }), '63 elements', 'a wrong size');
refused(() => model.run({}), 'not set', 'no input');
refused(() => model.run({ images: new Float32Array(64) }), 'images', 'a wrong name');
refused(() => model.run({ image: new Float64Array(64) }), 'float64', 'a wrong type');
refused(() => linnet.model(new Uint8Array([1, 2, 3])), 'broken', 'a broken model');

// -- one model alone --
// An 8 x 8 picture, gray, 8 bits: rows of a byte that says how they are filtered, and eight more.
function gray(png) {
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const lines = inflateSync(Buffer.concat(parts)), out = new Uint8Array(64);
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) {
      const a = x ? out[8 * y + x - 1] : 0, b = y ? out[8 * y + x - 8] : 0, c = x && y ? out[8 * y + x - 9] : 0;
      const p = [a, b, c].map((v) => Math.abs(a + b - c - v));
      const paeth = p[0] <= p[1] && p[0] <= p[2] ? a : p[1] <= p[2] ? b : c;
      out[8 * y + x] = lines[9 * y + 1 + x] + [0, a, b, (a + b) >> 1, paeth][lines[9 * y]];
    }
  return Float32Array.from(out);
}
const one = await readFile(process.argv[3]);
const source = await readFile(process.argv[3].replace(/wasm$/, 'c'), 'utf8');
const words = /uint64_t weights\[[^{]*\{([^}]*)\}/.exec(source)[1].split(',').filter((word) => word.trim());
const weights = 8 * words.length;
console.log(`${process.argv[3]}, one model: ${one.length} bytes, of them ${weights} weights`);
check(one.length - weights <= 200e3, 'the operators of one model are above 200 KB');
const counted = 1024 * /flash: ([\d.]+) KiB/.exec(await readFile(process.argv[3].replace(/wasm$/, 'txt'), 'utf8'))[1];
check(Math.abs(one.length / counted - 1) < 0.03, `linnet compile counted ${counted} bytes for it`);
const { exports: digits } = (await WebAssembly.instantiate(one, {})).instance;
check(digits.init() === 0, 'init');
for (let digit = 0; digit < 10; digit++) {
  const image = gray(await readFile(join(web, `digit_${digit}.png`)));
  new Float32Array(digits.memory.buffer, digits.input(), 64).set(image);
  check(digits.run() === 0, 'run');
  const own = [...new Float32Array(digits.memory.buffer, digits.output(), 10)];
  const whole = model.run({ image: { dims: [1, 1, 8, 8], data: image } }).probabilities.data;
  check(own.indexOf(Math.max(...own)) === digit, `digit ${digit} by one model`);
  check(own.every((p, i) => Math.abs(p - whole[i]) < 1e-5), `digit ${digit} by one model and by the engine`);
}
model.close();
refused(() => model.run({ image: new Float32Array(64) }), 'closed', 'a closed model');

// -- the page in Chromium --
const kinds = { '.html': 'text/html', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.png': 'image/png' };
const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname.replace(/\/$/, '/index.html');
  try {
    const body = await readFile(join(web, path));
    response.writeHead(200, { 'content-type': kinds[extname(path)] ?? 'application/octet-stream' });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const page = `http://127.0.0.1:${server.address().port}/`;
// Chromium's DevTools protocol over a pipe: messages end with a zero byte.
const browser = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
                                   '--window-size=720,640', '--remote-debugging-pipe', `--user-data-dir=${join(build, 'chromium')}`],
                      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const waiting = new Map();
let last = 0, rest = '';
browser.stdio[4].setEncoding('utf8').on('data', (data) => {
  const parts = (rest + data).split('\0');
  rest = parts.pop();
  for (const { id, result, error } of parts.map((part) => JSON.parse(part)))
    waiting.get(id)?.(error ? { error } : result);
});
const tell = (method, params = {}, sessionId) => new Promise((done) => {
  waiting.set(++last, done);
  browser.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + '\0');
});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const { targetId } = await tell('Target.createTarget', { url: 'about:blank' });
const { sessionId } = await tell('Target.attachToTarget', { targetId, flatten: true });
for (const digit of [5, 3]) {
  await tell('Page.navigate', { url: `${page}?digit=${digit}` }, sessionId);
  const expression = 'document.title + ": " + document.getElementById("answer")?.textContent';
  let said = '';
  for (let i = 0; i < 600 && !new RegExp(`^(digit ${digit}|failed)`).test(said); i++) {
    await pause(100);
    said = (await tell('Runtime.evaluate', { expression }, sessionId)).result?.value ?? '';
  }
  console.log(`the page: ${said}`);
  check(said.startsWith(`digit ${digit}: This is a ${digit}, to 9`), `the page on digit ${digit}`);
}
const { data } = await tell('Page.captureScreenshot', {}, sessionId);
const shot = join(build, 'web.png');
await writeFile(shot, Buffer.from(data ?? '', 'base64'));
check((await stat(shot)).size > 5000, 'the screenshot');
console.log(`screenshot: ${shot}`);
await tell('Browser.close');
server.close();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed ? 1 : 0;
