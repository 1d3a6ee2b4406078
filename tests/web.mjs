// SPDX-License-Identifier: Apache-2.0
//
// Checks WebAssembly as a function: linnet.mjs in node (results, refusals, memory), sizes, and the page of docs/wasm in
// headless Chromium, which has to say what the pictures are. node tests/web.mjs build/wasm32-wasi
// The last line is "N passed, N failed, N skipped"; a screenshot is left in the build folder.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

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
