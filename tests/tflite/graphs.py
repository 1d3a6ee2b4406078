# SPDX-License-Identifier: Apache-2.0
"""Signals, recurrent layers, control flow and variables."""
import numpy as np

from case import BOOL, F, F_, I8, I16, I32, Case, floats, ints, one, quantised
from models import Model, Tensor, const, fed


def signals():
    x = floats(3, 5, 16)
    for rows, columns in ((4, 16), (4, 8), (8, 32)):
        def make(rows=rows, columns=columns):
            m = Model()
            g = m.graph()
            z = m.op(g, "RFFT2D", [fed(x), const([rows, columns], I32)], [Tensor(dtype=np.complex64)])
            g.outputs = [m.op(g, op, [z], [F_()], *o) for op, *o in (("COMPLEX_ABS",), ("REAL",), ("IMAG",))]
            return m, g.outputs
        yield Case(f"RFFT2D_{rows}_{columns}", make, [x])
    for n, part, of in ((16, "REAL", np.real), (12, "IMAG", np.imag), (25, "COMPLEX_ABS", np.abs)):
        def flex(n=n, part=part):  # TensorFlow's own, which LiteRT has no kernel for
            m = Model()
            g = m.graph()
            shape = [3, 5, n // 2 + 1]
            z = m.custom(g, "FlexRFFT", [fed(x), const([n], I32)], [Tensor(dtype=np.complex64, shape=shape)], b"")
            g.outputs = [m.op(g, part, [z], [Tensor(dtype=F, shape=shape)])]
            return m, g.outputs
        yield Case(f"FlexRFFT_{n}_{part}", flex, [x], expected=of(np.fft.rfft(x.astype(np.float64), n)).astype(F))


def lstm_inputs(n, m, peephole, coupled, projection, norm):
    w = lambda *s: const(floats(*s, low=-0.5, high=0.5))
    out = projection or m
    gate = lambda there, *s: w(*s) if there else None
    ins = [None if coupled and i == 0 else w(m, n) for i in range(4)]
    ins += [None if coupled and i == 0 else w(m, out) for i in range(4)]
    ins += [gate(peephole and not (coupled and i == 0), m) for i in range(3)]
    ins += [None if coupled and i == 0 else w(m) for i in range(4)]
    ins += [gate(projection, projection, m), gate(projection, projection)]
    return ins, [gate(norm and not (coupled and i == 0), m) for i in range(4)]


def integer_lstm(name, major, each):
    """Of bytes, with a cell of 16 bits; each: other scales for the gates' weights."""
    n, m, batch, time = 7, 9, 2, 12
    x, of_x, of_h, of_c = floats(*((time, batch, n) if major else (batch, time, n))), (0.016, 3), (1 / 128, 0), (2**-11, 0)
    scales = [0.004 * (1 + 0.1 * k * each) for k in range(8)]
    w = lambda k, *s: const(ints(-127, 128, *s, dtype=I8), I8, quant=(scales[k], 0))
    bias = lambda k: const(ints(-3000, 3000, m), I32, quant=(of_x[0] * scales[k], 0))

    def make():
        m_, state = Model(), lambda t, q: Tensor(shape=[batch, m], dtype=t, variable=True, quant=q)
        g = m_.graph()
        ins = [fed(quantised(x, *of_x), I8, quant=of_x)] + weights + [None] * 3 + biases + [None] * 2
        y = m_.op(g, "UNIDIRECTIONAL_SEQUENCE_LSTM", ins + [state(I8, of_h), state(I16, of_c)] + [None] * 4,
                  [Tensor(dtype=I8, quant=of_h)], "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, timeMajor=major)
        g.operators[0].intermediates = [m_.tensor(g, Tensor(dtype=I16, shape=[1], quant=(2**-12, 0))) for _ in range(4)]
        g.operators[0].intermediates.append(m_.tensor(g, Tensor(dtype=I8, shape=[1], quant=of_h)))
        g.outputs = [y]
        return m_, g.outputs
    weights, biases = [w(k, m, n) for k in range(4)] + [w(4 + k, m, m) for k in range(4)], [bias(k) for k in range(4)]
    return Case(name, make, [quantised(x, *of_x)])


def recurrent():
    state = lambda *s: Tensor(shape=list(s), dtype=F, variable=True)
    for name, peephole, coupled, projection, norm, major, clip in [
            ("plain", 0, 0, 0, 0, False, 0.0), ("major", 0, 0, 0, 0, True, 0.0), ("peephole", 1, 0, 0, 0, False, 0.0),
            ("coupled", 1, 1, 0, 0, False, 0.0), ("projection", 0, 0, 3, 0, False, 0.0),
            ("everything", 1, 0, 3, 1, True, 0.4)]:
        n, m, batch, time = 5, 6, 2, 4
        x = floats(time, batch, n) if major else floats(batch, time, n)
        ins, norms = lstm_inputs(n, m, peephole, coupled, projection, norm)
        ins = [fed(x)] + ins + [state(batch, projection or m), state(batch, m)] + norms
        yield one(f"SEQUENCE_LSTM_{name}", "UNIDIRECTIONAL_SEQUENCE_LSTM", ins, [F],
                  "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, timeMajor=major, cellClip=clip)
    for major, each in ((False, False), (True, True)):
        yield integer_lstm(f"SEQUENCE_LSTM_int8_{major}", major, each)
    x = floats(2, 5)
    ins, norms = lstm_inputs(5, 6, 1, 0, 3, 0)
    yield one("LSTM", "LSTM", [fed(x)] + ins + [state(2, 3), state(2, 6)], [F], "LSTMOptions",
              fusedActivationFunction=4)
    a, _ = lstm_inputs(5, 6, 0, 0, 0, 0)
    b, _ = lstm_inputs(5, 6, 0, 0, 0, 0)
    for merge in (False, True):
        yield one(f"BIDIRECTIONAL_LSTM_{merge}", "BIDIRECTIONAL_SEQUENCE_LSTM",
                  [fed(floats(1, 4, 5))] + a + b + [state(1, 6) for _ in range(4)] + [None] * 9,
                  [F] if merge else [F, F], "BidirectionalSequenceLSTMOptions", fusedActivationFunction=4,
                  mergeOutputs=merge, timeMajor=False)
    w = lambda *s: const(floats(*s, low=-0.5, high=0.5))
    rnn = lambda: [w(6, 5), w(6, 6), w(6), state(2, 6)]
    for act in (0, 1, 4):
        yield one(f"SEQUENCE_RNN_{act}", "UNIDIRECTIONAL_SEQUENCE_RNN", [fed(floats(2, 4, 5))] + rnn(), [F],
                  "SequenceRNNOptions", fusedActivationFunction=act, timeMajor=False)
    yield one("RNN", "RNN", [fed(x)] + rnn(), [F], "RNNOptions", fusedActivationFunction=4)
    yield one("BIDIRECTIONAL_RNN", "BIDIRECTIONAL_SEQUENCE_RNN", [fed(floats(2, 4, 5))] + rnn() + rnn() + [None] * 3,
              [F], "BidirectionalSequenceRNNOptions", fusedActivationFunction=4, mergeOutputs=True, timeMajor=False)
    yield one("SVDF", "SVDF", [fed(x), w(8, 5), w(8, 7), w(4), state(2, 56)], [F], "SVDFOptions", rank=2,
              fusedActivationFunction=1)


def control():
    x = floats(2, 3)

    def branches():
        m = Model()
        g, then, other = m.graph(), m.graph(), m.graph()
        c, v = m.tensor(g, fed(np.array(True), BOOL)), m.tensor(g, fed(x))
        g.outputs = [m.op(g, "IF", [c, v], [F_()], "IfOptions", thenSubgraphIndex=1, elseSubgraphIndex=2)]
        for s, op in ((then, "ADD"), (other, "MUL")):
            a = m.tensor(s, Tensor(dtype=F, shape=[2, 3]))
            s.inputs, s.outputs = [a], [m.op(s, op, [a, const(floats(3))], [Tensor(dtype=F, shape=[2, 3])])]
        return m, g.outputs
    for taken in (True, False):
        yield Case(f"IF_{taken}", branches, [np.array(taken), x])

    def loop():
        m = Model()
        g, cond, body = m.graph(), m.graph(), m.graph()
        i, v = m.tensor(g, fed(np.array(0, I32), I32)), m.tensor(g, fed(x))
        g.outputs = m.op(g, "WHILE", [i, v], [Tensor(dtype=I32), F_()], "WhileOptions", condSubgraphIndex=1,
                         bodySubgraphIndex=2)
        for s in (cond, body):
            s.inputs = [m.tensor(s, Tensor(dtype=I32, shape=[])), m.tensor(s, Tensor(dtype=F, shape=[2, 3]))]
        cond.outputs = [m.op(cond, "LESS", [cond.inputs[0], const(5, I32)], [Tensor(dtype=BOOL, shape=[])])]
        body.outputs = [m.op(body, "ADD", [body.inputs[0], const(1, I32)], [Tensor(dtype=I32, shape=[])], "AddOptions"),
                        m.op(body, "MUL", [body.inputs[1], const(floats(3))], [Tensor(dtype=F, shape=[2, 3])], "MulOptions")]
        return m, g.outputs
    yield Case("WHILE", loop, [np.array(0, I32), x])

    def variables():
        m = Model()
        g, init = m.graph(), m.graph()
        handle = lambda s: m.op(s, "VAR_HANDLE", [], [Tensor(dtype=I32, shape=[1], resource=True)],
                                "VarHandleOptions", container=b"", sharedName=b"sum")
        h = handle(init)
        m.op(init, "ASSIGN_VARIABLE", [h, const(floats(2, 3))], [])
        m.op(g, "CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
        h = handle(g)
        old = m.op(g, "READ_VARIABLE", [h], [Tensor(dtype=F, shape=[2, 3])])
        new = m.op(g, "ADD", [old, fed(x)], [Tensor(dtype=F, shape=[2, 3])], "AddOptions")
        m.op(g, "ASSIGN_VARIABLE", [h, new], [])
        g.outputs = [m.op(g, "READ_VARIABLE", [h], [Tensor(dtype=F, shape=[2, 3])])]
        return m, g.outputs

    def half():
        m = Model()
        g = m.graph()
        w = m.op(g, "DEQUANTIZE", [const(floats(5, 4), np.float16)], [F_()])
        g.outputs = [m.op(g, "FULLY_CONNECTED", [fed(floats(2, 4)), w, None], [F_()], "FullyConnectedOptions")]
        return m, g.outputs
    yield Case("float16_weights", half, [floats(2, 4)])
    yield Case("variables", variables, [x])
