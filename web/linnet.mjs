// SPDX-License-Identifier: Apache-2.0
//
// Linnet in JavaScript: ONNX models on typed arrays, in node and in a browser, without a bundler.
//
//     import { load } from './linnet.mjs';
//     const linnet = await load();                       // linnet.wasm beside this file
//     const model = linnet.model(bytes);                 // Uint8Array or ArrayBuffer of an .onnx file
//     const { y } = model.run({ x: { dims: [1, 3], data: new Float32Array([1, 2, 3]) } });
//     y.dims, y.type, y.data;                            // the data is a copy
//     model.close();
//
// What Linnet refuses comes as a LinnetError. Tensors of strings, sequences and maps do not pass this boundary.

const types = {
  float32: [1, Float32Array], uint8: [2, Uint8Array], int8: [3, Int8Array], uint16: [4, Uint16Array],
  int16: [5, Int16Array], int32: [6, Int32Array], int64: [7, BigInt64Array], bool: [9, Uint8Array],
  float16: [10, Uint16Array], float64: [11, Float64Array], uint32: [12, Uint32Array], uint64: [13, BigUint64Array],
  bfloat16: [16, Uint16Array],
};
const names = Object.fromEntries(Object.entries(types).map(([name, [code]]) => [code, name]));
// What an array is where no type is said; a Uint8Array is uint8, not bool, and a Uint16Array no float16.
const ofArray = new Map(Object.entries(types).reverse().map(([name, [, array]]) => [array, name]));
ofArray.set(Uint8Array, 'uint8').set(Uint8ClampedArray, 'uint8').set(Uint16Array, 'uint16');

export class LinnetError extends Error {
  name = 'LinnetError';
}

// The calls of WASI that a module without files, threads and arguments needs answered; all others say ENOSYS.
function system(module, memory) {
  const ENOSYS = 52, EBADF = 8;
  const view = () => new DataView(memory().buffer);
  const answers = {
    clock_time_get(id, precision, at) {
      const ms = id === 0 ? Date.now() : performance.now();
      view().setBigUint64(at, BigInt(Math.round(ms * 1e6)), true);
      return 0;
    },
    environ_sizes_get(count, size) {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,
    fd_prestat_get: () => EBADF,
    proc_exit(code) {
      throw new LinnetError(`the module ended with code ${code}`);
    },
  };
  const imports = {};
  for (const { module: space, name } of WebAssembly.Module.imports(module))
    (imports[space] ??= {})[name] = answers[name] ?? (() => ENOSYS);
  return imports;
}

// The bytes of linnet.wasm: of a URL (a path beside this file by default), a Response, a buffer or a Module.
async function compiled(source) {
  if (source instanceof WebAssembly.Module)
    return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source))
    return WebAssembly.compile(source);
  if (typeof Response !== 'undefined' && source instanceof Response)
    return WebAssembly.compile(await source.arrayBuffer());
  const url = new URL(source ?? 'linnet.wasm', import.meta.url);
  if (url.protocol === 'file:' && typeof process !== 'undefined') {
    const { readFile } = await import('node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok)
    throw new LinnetError(`${url}: ${response.status} ${response.statusText}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

export async function load(source) {
  const module = await compiled(source);
  let exports;
  const instance = await WebAssembly.instantiate(module, system(module, () => exports.memory));
  exports = instance.exports;
  exports._initialize?.();
  return new Linnet(exports);
}

class Linnet {
  #e;

  constructor(exports) {
    this.#e = exports;
  }

  get version() {
    return text(this.#e, this.#e.version());
  }

  model(bytes) {
    const e = this.#e;
    const source = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
                                             : new Uint8Array(bytes);
    const at = place(e, source);
    const handle = e.open(at, source.length);
    e.free(at);
    if (!handle)
      throw new LinnetError(text(e, e.error()));
    return new Model(e, handle);
  }
}

class Model {
  #e;
  #handle;
  #held = []; // blocks of the inputs that are set

  constructor(exports, handle) {
    this.#e = exports;
    this.#handle = handle;
    this.inputs = this.#describe(0);
    this.outputs = this.#describe(1);
  }

  // [{ name, type, dims, hasDefault }]; a dimension is a number, the name of one that is not fixed, or null; dims is null
  // where the model does not say.
  #describe(outputs) {
    const e = this.#e, h = this.#handle;
    return Array.from({ length: e.count(h, outputs) }, (_, i) => {
      const rank = e.info_rank(h, outputs, i);
      const dim = (_, axis) => {
        const n = e.info_dim(h, outputs, i, axis), name = e.info_dim_name(h, outputs, i, axis);
        return n >= 0 ? n : name ? text(e, name) : null;
      };
      return {
        name: text(e, e.info_name(h, outputs, i)),
        type: names[e.info_type(h, outputs, i)] ?? null,
        dims: rank < 0 ? null : Array.from({ length: rank }, dim),
        ...(outputs ? {} : { hasDefault: e.info_default(h, i) !== 0 }),
      };
    });
  }

  // feeds: { name: typed array | { data, dims, type } }. An array alone has the shape that the model declares.
  run(feeds = {}) {
    const e = this.#e, h = this.#live();
    this.#take(feeds);
    if (e.run(h))
      throw new LinnetError(text(e, e.error()));
    return Object.fromEntries(this.outputs.map(({ name }) => [name, this.#output(name)]));
  }

  close() {
    if (!this.#handle)
      return;
    this.#e.close(this.#handle);
    this.#handle = 0;
    this.#drop();
  }

  #live() {
    if (!this.#handle)
      throw new LinnetError('the model is closed');
    return this.#handle;
  }

  #drop() {
    for (const at of this.#held)
      this.#e.free(at);
    this.#held = [];
  }

  #take(feeds) {
    const e = this.#e, h = this.#handle;
    for (const { name } of this.inputs)
      this.#named(name, (at) => e.unset(h, at));
    this.#drop();
    for (const [name, feed] of Object.entries(feeds)) {
      const declared = this.inputs.find((i) => i.name === name);
      const data = ArrayBuffer.isView(feed) ? feed : feed.data;
      const type = feed.type ?? fitting(data, declared?.type);
      if (!types[type])
        throw new LinnetError(`input '${name}': its data is of no type that Linnet takes`);
      const dims = feed.dims ?? shape(name, declared?.dims, data.length);
      if (!dims.every((d) => Number.isSafeInteger(d) && d >= 0) || dims.reduce((n, d) => n * d, 1) !== data.length ||
          data.BYTES_PER_ELEMENT !== types[type][1].BYTES_PER_ELEMENT)
        throw new LinnetError(`input '${name}': ${data.length} elements of ${data.BYTES_PER_ELEMENT} bytes are not ` +
                              `${type} of shape [${dims.join(', ')}]`);
      const at = place(e, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.#held.push(at);
      const sizes = place(e, new Uint8Array(Float64Array.from(dims).buffer));
      const status = this.#named(name, (n) => e.set(h, n, types[type][0], dims.length, sizes, at));
      e.free(sizes);
      if (status)
        throw new LinnetError(text(e, e.error()));
    }
  }

  #named(name, call) {
    const at = place(this.#e, new TextEncoder().encode(name + '\0'));
    const result = call(at);
    this.#e.free(at);
    return result;
  }

  #output(name) {
    const e = this.#e;
    const value = this.#named(name, (at) => e.output(this.#handle, at));
    const type = value ? names[e.value_type(value)] : undefined;
    if (!type)
      throw new LinnetError(`output '${name}' is no tensor of numbers`);
    const dims = Array.from({ length: e.value_rank(value) }, (_, axis) => e.value_dim(value, axis));
    const array = types[type][1], count = dims.reduce((n, d) => n * d, 1);
    const at = e.value_data(value);
    return { type, dims, data: count ? new array(e.memory.buffer, at, count).slice() : new array(0) };
  }
}

function place(e, bytes) {
  const at = e.alloc(bytes.length);
  if (!at)
    throw new LinnetError(`no memory for ${bytes.length} bytes`);
  new Uint8Array(e.memory.buffer, at, bytes.length).set(bytes);
  return at;
}

function text(e, at) {
  const bytes = new Uint8Array(e.memory.buffer, at);
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
}

// The declared type where the array holds its elements, else the array's own.
function fitting(data, declared) {
  const array = data?.constructor === Uint8ClampedArray ? Uint8Array : data?.constructor;
  return declared && types[declared][1] === array ? declared : ofArray.get(array);
}

// The declared shape with its one open dimension made to fit.
function shape(name, dims, length) {
  const open = dims?.filter((d) => typeof d !== 'number').length;
  if (!dims || open > 1)
    throw new LinnetError(`input '${name}': its shape is open; say dims`);
  const rest = dims.reduce((n, d) => (typeof d === 'number' ? n * d : n), 1);
  return dims.map((d) => (typeof d === 'number' ? d : Math.floor(length / rest)));
}
