# SPDX-License-Identifier: Apache-2.0
"""ai.onnx.ml, and the optimisers of ai.onnx.preview.training."""
import numpy as np
from onnx import numpy_helper

from case import NUMPY, generator

TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
WORDS = ["a", "b", "cat", "dog", "é", ""]


def numbers(c, n):
    return [round(c.r.uniform(-2, 2), 2) for _ in range(n)]


def rows(c, features, param="T", most=6):
    t = c.type(param)
    c.input([c.r.randint(1, most), features], t, -3, 3)
    return t


@generator("ai.onnx.ml.ArrayFeatureExtractor")
def extractor(c):
    s = c.shape(1, 3, zero=0)
    c.input(s, c.type("T"))
    c.ints([c.r.randrange(s[-1]) for _ in range(c.r.randint(1, 4))])


@generator("ai.onnx.ml.Binarizer")
def binarizer(c):
    c.input(c.shape(1, 3), c.type("T"), -3, 3)
    c.maybe("threshold", 0.5)


@generator("ai.onnx.ml.CategoryMapper")
def category(c):
    n = c.r.randint(1, 4)
    words, ids = c.r.sample(WORDS, n), c.r.sample(range(10), n)
    c.attr("cats_strings", words)
    c.attr("cats_int64s", ids)
    c.maybe("default_int64", -7)
    c.maybe("default_string", "none")
    t = c.type("T1")
    x = np.array([c.r.choice(WORDS if t == "string" else list(range(10))) for _ in range(8)], NUMPY[t])
    c.add(x.reshape(c.r.choice([(8,), (2, 4)])))


@generator("ai.onnx.ml.CastMap")
def cast_map(c):
    sparse, text = c.r.random() < 0.5, c.r.random() < 0.5
    most = c.r.randint(1, 12)
    keys = c.r.sample(range(most), c.r.randint(1, most))
    to = c.r.choice(["TO_FLOAT", "TO_STRING", "TO_INT64"])
    number = lambda: c.r.choice([c.r.randint(-99, 99), round(c.r.uniform(-9, 9), 2)]) if to != "TO_INT64" else c.r.randint(-99, 99)
    value = (lambda: str(number())) if text else (lambda: float(np.float32(number())))
    c.maps["i0"] = {k: value() for k in keys}, "int64", "string" if text else "float32"
    c.attr("cast_to", to)
    c.attr("map_form", "SPARSE" if sparse else "DENSE")
    if sparse:
        c.attr("max_map", most + c.r.randint(0, 3))
    c.nodes = [c.node(["i0"])]


@generator("ai.onnx.ml.DictVectorizer")
def dict_vectorizer(c):
    text = c.r.random() < 0.5
    value = c.r.choice(["float32", "float64", "string" if not text else "int64"])
    words = WORDS if text else list(range(6))
    vocabulary = c.r.sample(words, c.r.randint(1, len(words)))
    of = {"string": lambda: c.r.choice(WORDS), "int64": lambda: c.r.randint(-9, 9)}.get(value, lambda: round(c.r.uniform(-9, 9), 2))
    keys = c.r.sample(vocabulary, c.r.randint(1, len(vocabulary)))
    c.maps["i0"] = {k: of() for k in keys}, "string" if text else "int64", value
    c.attr("string_vocabulary" if text else "int64_vocabulary", vocabulary)
    c.nodes = [c.node(["i0"])]


@generator("ai.onnx.ml.FeatureVectorizer")
def vectorizer(c):
    t, n = c.type("T1"), c.r.randint(1, 4)
    b = c.r.randint(1, 3)
    widths = [c.r.randint(1, 4) for _ in range(n)]
    for w in widths:
        c.input([b, w], t, constant=False)
    c.attr("inputdimensions", widths)


@generator("ai.onnx.ml.Imputer")
def imputer(c):
    f = c.r.randint(1, 4)
    t = rows(c, f)
    n = c.r.choice([1, f])
    if t.startswith("float"):
        c.attr("imputed_value_floats", numbers(c, n))
        nan = c.r.random() < 0.4
        c.attr("replaced_value_float", float("nan") if nan else 1.0)
        c.inputs[0][1].reshape(-1)[::3] = np.nan if nan else 1.0
    else:
        c.attr("imputed_value_int64s", [c.r.randint(-3, 9) for _ in range(n)])
        c.attr("replaced_value_int64", 1)


@generator("ai.onnx.ml.LabelEncoder")
def label_encoder(c):
    if c.version == 1:
        words = c.r.sample(WORDS, c.r.randint(1, 4))
        c.attr("classes_strings", words)
        text = c.type("T1") == "string"
        c.add(np.array([c.r.choice(WORDS) if text else c.r.randint(0, 5) for _ in range(6)], object if text else np.int64))
        return
    n = c.r.randint(1, 5)
    k, v = c.type("T1"), c.type("T2")
    make = {"string": lambda: c.r.sample(WORDS, n), "float": lambda: [float(x) for x in c.r.sample(range(8), n)],
            "int": lambda: c.r.sample(range(8), n)}
    kind = lambda t: "string" if t == "string" else "float" if t.startswith("float") else "int"
    ks, vs = make[kind(k)](), make[kind(v)]()
    for end, t, values in (("keys", k, ks), ("values", v, vs)):
        name = {"string": "strings", "int64": "int64s", "float32": "floats"}.get(t)
        if name:
            c.attr(f"{end}_{name}", values)
        else:
            c.attr(f"{end}_tensor", numpy_helper.from_array(np.array(values, NUMPY[t]), "t"))
    if v in ("string", "int64", "float32"):
        c.maybe({"string": "default_string", "int64": "default_int64", "float32": "default_float"}[v],
                {"string": "none", "int64": 77, "float32": 7.5}[v])
    else:
        c.attr("default_tensor", numpy_helper.from_array(np.array([5], NUMPY[v]), "d"))
    pool = WORDS if k == "string" else list(range(9))
    c.add(np.array([c.r.choice(pool) for _ in range(6)], NUMPY[k]).reshape(c.r.choice([(6,), (2, 3)])))


@generator("ai.onnx.ml.LinearClassifier")
def linear_classifier(c):
    f, n = c.r.randint(1, 5), c.r.randint(3, 5)
    rows(c, f, "T1")
    c.attr("coefficients", numbers(c, f * n))
    c.maybe("intercepts", numbers(c, n), 0.8)
    labels(c, n, "classlabels_ints")
    c.maybe("post_transform", c.r.choice(TRANSFORMS[:4]))
    c.outputs = 2


def labels(c, n, ints="classlabels_int64s"):
    if c.r.random() < 0.5:
        c.attr("classlabels_strings", [f"c{k}" for k in range(n)])
    else:
        c.attr(ints, [3 * k + 1 for k in range(n)])


@generator("ai.onnx.ml.LinearRegressor")
def linear_regressor(c):
    f, n = c.r.randint(1, 5), c.r.randint(1, 3)
    rows(c, f)
    c.attr("targets", n)
    c.attr("coefficients", numbers(c, f * n))
    c.maybe("intercepts", numbers(c, n))


@generator("ai.onnx.ml.Normalizer")
def normalizer(c):
    rows(c, c.r.randint(1, 5))
    c.maybe("norm", c.r.choice(["MAX", "L1", "L2"]))


@generator("ai.onnx.ml.OneHotEncoder")
def one_hot(c):
    t = c.type("T")
    text = t == "string"
    c.attr("cats_strings" if text else "cats_int64s", c.r.sample(WORDS, 3) if text else c.r.sample(range(8), 3))
    pool = c.attrs["cats_strings" if text else "cats_int64s"] if c.r.random() < 0.5 else (WORDS if text else list(range(8)))
    c.add(np.array([c.r.choice(pool) for _ in range(6)], NUMPY[t]).reshape(c.r.choice([(6,), (2, 3)])))
    c.attr("zeros", 1)


@generator("ai.onnx.ml.Scaler")
def scaler(c):
    f = c.r.randint(1, 5)
    rows(c, f)
    n = c.r.choice([1, f])
    c.attr("offset", numbers(c, n))
    c.attr("scale", numbers(c, n))


@generator("ai.onnx.ml.SVMRegressor")
def svm_regressor(c):
    f, n = c.r.randint(1, 5), c.r.randint(1, 4)
    rows(c, f)
    kernel(c)
    if c.r.random() < 0.7:
        c.attr("support_vectors", numbers(c, f * n))
        c.attr("coefficients", numbers(c, n))
        c.attr("n_supports", n)
    else:
        c.attr("coefficients", numbers(c, f))
        c.attrs["kernel_type"] = "LINEAR"
    c.attr("rho", numbers(c, 1))
    c.maybe("one_class", c.r.randint(0, 1))
    c.terms = 64


def kernel(c):
    kind = c.r.choice(["LINEAR", "POLY", "RBF", "SIGMOID"])
    c.attr("kernel_type", kind)
    c.attr("kernel_params", [round(c.r.uniform(0.1, 0.5), 2), round(c.r.uniform(0, 1), 2), float(c.r.randint(1, 3))])


@generator("ai.onnx.ml.SVMClassifier")
def svm_classifier(c):
    f, n = c.r.randint(1, 4), c.r.randint(2, 4)
    rows(c, f, "T1")
    kernel(c)
    per = [c.r.randint(1, 3) for _ in range(n)]
    total = sum(per)
    c.attr("vectors_per_class", per)
    c.attr("support_vectors", numbers(c, f * total))
    c.attr("coefficients", numbers(c, total * (n - 1)))
    pairs = n * (n - 1) // 2
    c.attr("rho", numbers(c, pairs))
    if c.r.random() < 0.4:
        c.attr("prob_a", [-abs(x) - 0.1 for x in numbers(c, pairs)])
        c.attr("prob_b", numbers(c, pairs))
    labels(c, n, "classlabels_ints")
    c.outputs = 2
    c.terms = 1 << 12


def tree(c, features, depth, tree_id, nodes):
    """Adds a random tree's nodes to the table; the ids of its leaves."""
    ids, leaves = [0], []

    def grow(level):
        me = ids[0]
        ids[0] += 1
        row = dict(treeid=tree_id, nodeid=me, featureid=0, value=0.0, mode="LEAF", true=0, false=0)
        nodes.append(row)
        if level < depth and (level == 0 or c.r.random() < 0.7):
            row.update(featureid=c.r.randrange(features), value=round(c.r.uniform(-2, 2), 1),
                       mode=c.r.choice(["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]))
            row["true"] = grow(level + 1)
            row["false"] = grow(level + 1)
        else:
            leaves.append(me)
        return me
    grow(0)
    return leaves


@generator("ai.onnx.ml.TreeEnsembleClassifier", "ai.onnx.ml.TreeEnsembleRegressor")
def ensemble(c):
    classify = c.op.endswith("Classifier")
    f, n = c.r.randint(1, 4), c.r.randint(3, 4) if classify else c.r.randint(2, 3)
    rows(c, f, "T1" if classify else "T")
    nodes, votes = [], []
    for t in range(c.r.randint(1, 4)):
        for leaf in tree(c, f, c.r.randint(1, 3), t, nodes):
            for k in c.r.sample(range(n), c.r.randint(1, n)):
                votes.append((t, leaf, k, round(c.r.uniform(-1, 1), 6)))  # a tie has no determined winner
    tensors = c.version >= 3 and c.types.get("T1" if classify else "T") == "float64"
    for name, key in (("treeids", "treeid"), ("nodeids", "nodeid"), ("featureids", "featureid"), ("modes", "mode"),
                      ("truenodeids", "true"), ("falsenodeids", "false")):
        c.attr("nodes_" + name, [row[key] for row in nodes])
    values, weights = [row["value"] for row in nodes], [v[3] for v in votes]
    who = "class" if classify else "target"
    for name, data in (("nodes_values", values), (who + "_weights", weights)):
        if tensors:
            c.attr(name + "_as_tensor", numpy_helper.from_array(np.array(data), name))
        else:
            c.attr(name, data)
    for k, name in enumerate(("treeids", "nodeids", "ids")):
        c.attr(f"{who}_{name}", [v[k] for v in votes])
    if classify:
        labels(c, n)
        c.outputs = 2
        c.maybe("post_transform", c.r.choice(TRANSFORMS[:4]))
    else:
        c.attr("n_targets", n)
        c.maybe("aggregate_function", c.r.choice(["SUM", "AVERAGE", "MIN", "MAX"]))
    c.terms = 16


@generator("ai.onnx.ml.TreeEnsemble")
def ensemble5(c):
    t = c.type("T")
    f, n = c.r.randint(1, 4), c.r.randint(1, 3)
    c.input([c.r.randint(1, 6), f], t, -3, 3)
    c.widen = False
    roots, feature, split, mode = [], [], [], []
    true, true_leaf, false, false_leaf, target, weight = [], [], [], [], [], []

    def leaf():
        target.append(c.r.randrange(n))
        weight.append(round(c.r.uniform(-1, 1), 2))
        return len(weight) - 1

    def grow(level):
        me = len(feature)
        feature.append(c.r.randrange(f))
        split.append(round(c.r.uniform(-2, 2), 1))
        mode.append(c.r.randint(0, 5))
        for at in (true, true_leaf, false, false_leaf):
            at.append(0)
        for at, is_leaf in ((true, true_leaf), (false, false_leaf)):
            if level < 2 and c.r.random() < 0.5:
                at[me] = grow(level + 1)
            else:
                at[me], is_leaf[me] = leaf(), 1
        return me
    for _ in range(c.r.randint(1, 3)):
        roots.append(grow(0))
    tensor = lambda x, t: numpy_helper.from_array(np.array(x, NUMPY[t]), "t")
    for k, v in (("tree_roots", roots), ("nodes_featureids", feature), ("nodes_splits", tensor(split, t)),
                 ("nodes_modes", tensor(mode, "uint8")), ("nodes_truenodeids", true), ("nodes_trueleafs", true_leaf),
                 ("nodes_falsenodeids", false), ("nodes_falseleafs", false_leaf), ("leaf_targetids", target),
                 ("leaf_weights", tensor(weight, t)), ("n_targets", n), ("aggregate_function", c.r.randint(0, 3))):
        c.attr(k, v)
    c.terms = 16


@generator("ai.onnx.ml.ZipMap")
def zipmap(c):
    n = c.r.randint(1, 4)
    c.input([c.r.randint(1, 3), n], "float32")
    labels(c, n)


@generator("ai.onnx.preview.training.Adagrad", "ai.onnx.preview.training.Adam", "ai.onnx.preview.training.Momentum")
def optimizer(c):
    t1, t3 = c.type("T1"), c.type("T3")
    states = 2 if c.op == "Adam" else 1
    n = c.r.randint(1, 2)
    shapes = [c.shape(1, 2) for _ in range(n)]
    c.add(np.array(0.1, NUMPY[t1]))
    c.add(np.array(c.r.randint(0, 3), np.int64))
    for k in range(2 + states):
        for s in shapes:
            c.input(s, t3, 0 if k >= 2 else None, 3 if k >= 2 else None)
    if c.op == "Momentum":
        c.attr("mode", c.r.choice(["standard", "nesterov"]))
        c.attr("alpha", 0.9)
        c.attr("beta", 0.8)
        c.attr("norm_coefficient", 0.01)
    else:
        c.maybe("norm_coefficient", 0.01)
        c.maybe("epsilon", 1e-3)
        c.maybe("decay_factor", 0.1)
    c.outputs = n * (1 + states)
    c.terms = 64
