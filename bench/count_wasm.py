#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Has a WebAssembly module count the instructions that it executes, in a global which it exports as "instructions".

Each stretch of code without a branch or a target of one adds its length to the global at its end. What a compiler of
WebAssembly makes registers, constants in instructions or nothing of is not counted: blocks and their ends, local.get,
local.set, local.tee, constants, drop, nop. All else is one, whatever it computes.
Specification: WebAssembly 2.0 with SIMD, binary format; exceptions as they were before 3.0 (try, catch, delegate), which
the image libraries come with.

usage: bench/count_wasm.py MODULE OUT
"""
import sys

FREE = {0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x0b, 0x18, 0x19, 0x1a, 0x20, 0x21, 0x22, 0x41, 0x42, 0x43, 0x44}
ENDS = {0x00, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,  # unreachable, loop, if, else, end, br..., return
        0x07, 0x08, 0x09, 0x18, 0x19}  # catch, throw, rethrow, delegate, catch_all
ONE_NUMBER = {0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x18, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2}


def leb(data, at):
    """Unsigned LEB128: value, what follows."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def skip(data, at, count=1):
    for _ in range(count):
        while data[at] >= 0x80:
            at += 1
        at += 1
    return at


def unsigned(value):
    out = bytearray()
    while True:
        out.append(value & 0x7f | (0x80 if value > 0x7f else 0))
        value >>= 7
        if not value:
            return bytes(out)


def signed(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        if value == (-1 if byte & 0x40 else 0):
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def behind(data, at):
    """What follows the instruction at `at`."""
    op = data[at]
    at += 1
    if op in ONE_NUMBER or 0x20 <= op <= 0x26:
        return skip(data, at)
    if op == 0x11 or 0x28 <= op <= 0x3e:
        return skip(data, at, 2)
    if op in (0x0e, 0x1c):  # br_table, select with types
        count, at = leb(data, at)
        return skip(data, at, count + (op == 0x0e))
    if op in (0x43, 0x44):
        return at + (4 if op == 0x43 else 8)
    if op == 0xfc:
        sub, at = leb(data, at)
        return skip(data, at, 0 if sub < 8 else 1 if sub in (9, 11, 13, 15, 16, 17) else 2)
    if op == 0xfd:
        sub, at = leb(data, at)
        if sub in (12, 13):  # v128.const, i8x16.shuffle
            return at + 16
        lane = 21 <= sub <= 34 or 84 <= sub <= 91
        memory = sub <= 11 or 84 <= sub <= 93
        return skip(data, at, 2 * memory) + lane
    if op <= 0x1b or 0x45 <= op <= 0xc4 or op == 0xd1:
        return at
    raise SystemExit(f"count_wasm: no instruction 0x{op:02x} is known")


def counting(body, index):
    """The body of a function, with what adds to the global."""
    groups, at = leb(body, 0)
    for _ in range(groups):
        at = skip(body, at) + 1
    out, pending, begin = bytearray(body[:at]), 0, at
    where = unsigned(index)
    while at < len(body):
        op = body[at]
        if op not in FREE:
            pending += 1
        if op in ENDS and pending:
            out += body[begin:at] + b"\x23" + where + b"\x42" + signed(pending) + b"\x7c\x24" + where
            begin, pending = at, 0
        at = behind(body, at)
    return bytes(out + body[begin:])


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    sections, at = [], 8
    while at < len(data):
        kind = data[at]
        size, at = leb(data, at + 1)
        sections.append((kind, data[at:at + size]))
        at += size
    parts = dict((kind, payload) for kind, payload in sections if kind)
    index, begin = leb(parts[6], 0)  # of the new global: there are no imported ones
    exports, behind_exports = leb(parts[7], 0)
    out = bytearray(data[:8])
    for kind, payload in sections:
        if kind == 6:  # i64, mutable, 0 at first
            payload = unsigned(index + 1) + payload[begin:] + b"\x7e\x01\x42\x00\x0b"
        elif kind == 7:
            payload = unsigned(exports + 1) + payload[behind_exports:] + b"\x0cinstructions\x03" + unsigned(index)
        elif kind == 10:
            count, at = leb(payload, 0)
            bodies = [unsigned(count)]
            for _ in range(count):
                size, at = leb(payload, at)
                body = counting(payload[at:at + size], index)
                bodies += [unsigned(len(body)), body]
                at += size
            payload = b"".join(bodies)
        if kind:  # custom sections speak of positions that are others now
            out += bytes([kind]) + unsigned(len(payload)) + payload
    with open(sys.argv[2], "wb") as f:
        f.write(out)


if __name__ == "__main__":
    main()
