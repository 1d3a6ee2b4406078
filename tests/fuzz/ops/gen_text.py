# SPDX-License-Identifier: Apache-2.0
"""Operators on strings."""
import numpy as np

from case import NUMPY, generator
from gen_maps import broadcast_shapes

WORDS = ["Monday", "tuesday", "été", "ÉTÉ", "x", "", "monday", "The Sky", "ß", "Straße"]


def strings(c, shape, words):
    n = int(np.prod(shape))
    return np.array([c.r.choice(words) for _ in range(n)], object).reshape(shape)


@generator("StringConcat")
def concat(c):
    a, b = broadcast_shapes(c, 2)
    c.add(strings(c, a, WORDS))
    c.add(strings(c, b, WORDS))


@generator("StringSplit")
def split(c):
    c.add(strings(c, c.shape(0, 2), ["a,b", "a,,b", "a b  c", " lead", "trail ", "one", "a, b, c,", "x--y--z", ""]))
    c.maybe("delimiter", c.r.choice([",", " ", "--", ", "]), 0.7)
    c.maybe("maxsplit", c.r.randint(1, 3), 0.4)
    c.outputs = 2


@generator("StringNormalizer")
def normalizer(c):
    n = c.r.randint(1, 6)
    c.add(strings(c, [n] if c.r.random() < 0.6 else [1, n], WORDS))
    c.attr("locale", "C.UTF-8")
    c.attr("case_change_action", c.r.choice(["NONE", "LOWER", "UPPER"]))
    c.maybe("is_case_sensitive", c.r.randint(0, 1))
    c.maybe("stopwords", c.r.sample(["monday", "x", "Monday", "the"], c.r.randint(1, 3)))


@generator("RegexFullMatch")
def regex(c):
    c.add(strings(c, c.shape(0, 3), ["abc", "a1", "www.foo.com", "test@x.org", "", "aab", "AB", "été", "12-34"]))
    c.attr("pattern", c.r.choice([r"[a-z]+", r"\w+@\w+\.(com|org)", r"www\.\w+\.\w{2,3}", r"a*b?", r"(?i)ab+", r"\d+-\d+", r".*",
                                  r"[^0-9]*", r"(a|b|ab)*", r"[[:alpha:]]+"]))


@generator("TfIdfVectorizer")
def tfidf(c):
    t = c.type("T")
    tokens = ["a", "b", "c", "d"] if t == "string" else [1, 2, 3, 4]
    grams = [[x] for x in c.r.sample(tokens, c.r.randint(1, 3))]
    pairs = sorted({tuple(c.r.choice(tokens) for _ in "xy") for _ in range(c.r.randint(1, 4))})
    counts = [0, len(grams)]
    pool = [x for g in grams for x in g] + [x for p in pairs for x in p]
    total = len(grams) + len(pairs)
    index = list(range(total))
    c.r.shuffle(index)
    shape = [c.r.randint(1, 9)] if c.r.random() < 0.5 else [c.r.randint(1, 3), c.r.randint(1, 9)]
    data = np.array([c.r.choice(tokens) for _ in range(int(np.prod(shape)))], object).reshape(shape)
    c.add(data if t == "string" else data.astype(NUMPY[t]))
    least = c.r.randint(1, 2)
    c.attr("mode", c.r.choice(["TF", "IDF", "TFIDF"]))
    c.attr("min_gram_length", least)
    c.attr("max_gram_length", c.r.randint(least, 2))
    c.attr("max_skip_count", c.r.randint(0, 3))
    c.attr("ngram_counts", counts)
    c.attr("ngram_indexes", index)
    c.attr("pool_strings" if t == "string" else "pool_int64s", pool)
    c.maybe("weights", [round(c.r.uniform(0.1, 3), 2) for _ in range(total)])


@generator("com.microsoft.Tokenizer")
def tokenizer(c):
    c.add(strings(c, c.r.choice([[c.r.randint(1, 4)], [2, c.r.randint(1, 3)]]), ["a b c", "été x", "one,two", "hello world", "x", "a,b c"]))
    c.attr("mark", c.r.randint(0, 1))
    c.attr("pad_value", "#")
    way = c.r.choice(["characters", "separators", "expression"])
    c.attr("mincharnum", 1 if way == "characters" else c.r.randint(1, 2))
    if way == "expression":
        c.attr("tokenexp", c.r.choice(["[a-z]+", "[a-zé]", "\\w+", "[^ ,]+", "(a|b| )c?", "o.", "x*"]))
    else:
        c.attr("separators", [""] if way == "characters" else c.r.choice([[" "], [",", " "], [","], ["[ ,]"], ["l+", " "], ["o", "[, ]+"]]))
