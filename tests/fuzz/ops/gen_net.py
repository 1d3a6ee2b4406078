# SPDX-License-Identifier: Apache-2.0
"""Layers of networks: convolutions, pools, products, resampling."""
import numpy as np

from case import COMPLEX, FLOATS, INTS, NUMPY, generator


def window(c, sizes, pads=True, dilate=True):
    """kernel_shape, strides, dilations, pads that fit, as attributes; sizes: spatial. Returns the kernel's shape."""
    kernel = [c.r.randint(1, min(3, d)) for d in sizes]
    c.maybe("strides", [c.r.randint(1, 3) for _ in sizes])
    if dilate and c.has("dilations") and c.r.random() < 0.4:
        c.attr("dilations", [c.r.randint(1, 2) if (k - 1) * 2 + 1 <= d else 1 for k, d in zip(kernel, sizes)])
    way = c.r.random()
    if way < 0.2 and c.has("auto_pad"):
        c.attr("auto_pad", c.r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    elif way < 0.7 and pads:
        c.attr("pads", [c.r.randint(0, k - 1) for k in kernel + kernel])
    return kernel


@generator("Conv")
def conv(c):
    t = c.type("T")
    g = c.r.choice([1, 1, 1, 2, 3])
    cin, cout = g * c.r.randint(1, 5), g * c.r.randint(1, 5)
    if c.r.random() < 0.2:
        g = cin = cout = c.r.choice([4, 8, 17])
    sizes = [c.r.randint(3, 9) for _ in range(c.r.choice([1, 2, 2, 2, 3]))]
    kernel = window(c, sizes)
    c.input([c.r.randint(1, 2), cin] + sizes, t)
    c.input([cout, cin // g] + kernel, t)
    if c.r.random() < 0.5:
        c.input([cout], t)
    if g > 1:
        c.attr("group", g)
    c.maybe("kernel_shape", kernel)
    c.terms = 64


@generator("ConvTranspose")
def conv_transpose(c):
    t, g = c.type("T"), c.r.choice([1, 1, 2])
    cin, cout = g * c.r.randint(1, 4), c.r.randint(1, 4)
    sizes = [c.r.randint(2, 6) for _ in range(c.r.choice([1, 2, 2, 3]))]
    kernel = [c.r.randint(1, 3) for _ in sizes]
    c.input([c.r.randint(1, 2), cin] + sizes, t)
    c.input([cin, cout] + kernel, t)
    if c.r.random() < 0.5:
        c.input([g * cout], t)
    strides = [c.r.randint(1, 3) for _ in sizes]
    c.attr("strides", strides)
    c.attr("group", g)
    c.maybe("kernel_shape", kernel)
    way = c.r.random()
    if way < 0.4:
        c.attr("pads", [c.r.randint(0, (k - 1) // 2) for k in kernel + kernel])
        c.maybe("output_padding", [c.r.randint(0, s - 1) for s in strides])
    elif way < 0.55:
        c.attr("auto_pad", c.r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        if c.attrs["auto_pad"] != "VALID":
            c.attrs["strides"] = [max(1, min(s, k)) for s, k in zip(strides, kernel)]
    c.terms = 64


@generator("MaxPool", "AveragePool", "LpPool")
def pool(c):
    t = c.type("T")
    sizes = [c.r.randint(3, 9) for _ in range(c.r.choice([1, 2, 2, 3]))]
    kernel = window(c, sizes)
    c.input([c.r.randint(1, 2), c.r.choice([1, 3, 16, 17])] + sizes, t)
    c.attr("kernel_shape", kernel)
    if "auto_pad" not in c.attrs:
        c.maybe("ceil_mode", 1, 0.3)
    c.maybe("count_include_pad", c.r.randint(0, 1))
    c.maybe("p", c.r.choice([1, 2, 3]))
    c.maybe("storage_order", c.r.randint(0, 1), 0.3)
    if c.op == "MaxPool" and c.version >= 8 and c.r.random() < 0.3:
        c.outputs = 2
    elif "storage_order" in c.attrs:
        c.attrs.pop("storage_order")


@generator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(c):
    c.input([c.r.randint(1, 2), c.r.randint(1, 20)] + c.shape(1, 3, 6, zero=0), c.type("T"))
    c.maybe("p", c.r.choice([1, 2, 3]))
    c.terms = 16


@generator("MaxUnpool")
def max_unpool(c):
    n, ch, h, w = c.r.randint(1, 2), c.r.randint(1, 3), c.r.randint(1, 4), c.r.randint(1, 4)
    c.input([n, ch, h, w], c.type("T1"))
    total = n * ch * 4 * h * w
    c.add(np.sort(c.rng.permutation(total)[:n * ch * h * w]).reshape(n, ch, h, w).astype(np.int64))
    c.attr("kernel_shape", [2, 2])
    c.attr("strides", [2, 2])


@generator("MaxRoiPool")
def max_roi(c):
    t = c.type("T")
    c.input([2, c.r.randint(1, 3), 7, 8], t)
    n = c.r.randint(1, 4)
    lo = c.rng.integers(0, 4, (n, 2))
    c.add(np.concatenate([c.rng.integers(0, 2, (n, 1)), lo, lo + c.rng.integers(0, 4, (n, 2))], 1).astype(NUMPY[t]))
    c.attr("pooled_shape", [c.r.randint(1, 3), c.r.randint(1, 3)])
    c.maybe("spatial_scale", c.r.choice([1.0, 0.5]))


@generator("RoiAlign")
def roi_align(c):
    t = c.type("T1")
    c.input([2, c.r.randint(1, 3), c.r.randint(3, 9), c.r.randint(3, 9)], t)
    n = c.r.randint(1, 4)
    lo = c.rng.random((n, 2)) * 6 - 1
    c.add(np.concatenate([lo, lo + c.rng.random((n, 2)) * 6], 1).astype(NUMPY[t]))
    c.add(c.rng.integers(0, 2, n).astype(np.int64))
    c.maybe("mode", c.r.choice(["avg", "max"]))
    c.attr("output_height", c.r.randint(1, 3))
    c.attr("output_width", c.r.randint(1, 3))
    c.maybe("sampling_ratio", c.r.randint(0, 2))
    c.maybe("spatial_scale", c.r.choice([1.0, 0.5]))
    c.maybe("coordinate_transformation_mode", c.r.choice(["half_pixel", "output_half_pixel"]))
    c.terms = 32


@generator("DeformConv")
def deform(c):
    t, g, og = c.type("T"), c.r.choice([1, 2]), c.r.choice([1, 2])
    cin, cout = g * og * c.r.randint(1, 2), g * c.r.randint(1, 3)
    h, w, kernel = c.r.randint(4, 7), c.r.randint(4, 7), [c.r.randint(1, 3), c.r.randint(1, 3)]
    strides, dil = [c.r.randint(1, 2) for _ in "hw"], [c.r.randint(1, 2) if k < 3 else 1 for k in kernel]
    pads = [c.r.randint(0, 1) for _ in range(4)]
    out = [(d + pads[k] + pads[k + 2] - (kernel[k] - 1) * dil[k] - 1) // strides[k] + 1 for k, d in enumerate((h, w))]
    n, cells = c.r.randint(1, 2), kernel[0] * kernel[1]
    c.input([n, cin, h, w], t)
    c.input([cout, cin // g] + kernel, t)
    c.input([n, og * cells * 2] + out, t)
    if c.r.random() < 0.5:
        c.input([cout], t)
    else:
        c.none()
    if c.r.random() < 0.5:
        c.input([n, og * cells] + out, t, 0, 1)
    for k, v in (("group", g), ("offset_group", og), ("strides", strides), ("dilations", dil), ("pads", pads),
                 ("kernel_shape", kernel)):
        c.attr(k, v)
    c.terms = 64


@generator("Col2Im")
def col2im(c):
    t = c.type("T", FLOATS + INTS + COMPLEX)
    image, block = [c.r.randint(3, 7), c.r.randint(3, 7)], [c.r.randint(1, 3), c.r.randint(1, 3)]
    strides, dil = [c.r.randint(1, 2) for _ in "hw"], [c.r.randint(1, 2) if b == 1 or i >= 2 * b else 1 for b, i in zip(block, image)]
    pads = [c.r.randint(0, 1) for _ in range(4)]
    cells = [(i + pads[k] + pads[k + 2] - dil[k] * (b - 1) - 1) // strides[k] + 1
             for k, (i, b) in enumerate(zip(image, block))]
    c.input([c.r.randint(1, 2), c.r.randint(1, 3) * block[0] * block[1], cells[0] * cells[1]], t, *((-3, 3) if t in INTS else (None, None)))
    c.ints(image)
    c.ints(block)
    for k, v in (("strides", strides), ("dilations", dil), ("pads", pads)):
        c.maybe(k, v, 1.0)


# -- products --

@generator("MatMul")
def matmul(c):
    t = c.type("T")
    m, k, n = c.r.randint(1, 20), c.r.randint(1, 40), c.r.randint(1, 40)
    batch = c.shape(0, 2, 3, zero=0)
    thin = [1 if c.r.random() < 0.3 else d for d in batch]
    a, b = (batch + [m, k], thin[c.r.randint(0, len(thin)):] + [k, n])
    way = c.r.random()
    if way < 0.1:
        a = [k]
    elif way < 0.2:
        b = [k]
    c.input(a, t, *((-5, 5) if t in INTS else (None, None)))
    c.input(b, t, *((-5, 5) if t in INTS else (None, None)))
    c.terms = 2 * k + 8


@generator("Gemm")
def gemm(c):
    t = c.type("T")
    m, k, n = c.r.randint(1, 20), c.r.randint(1, 40), c.r.randint(1, 40)
    ta, tb = c.r.randint(0, 1), c.r.randint(0, 1)
    small = (-5, 5) if t in INTS else (None, None)
    c.input([k, m] if ta else [m, k], t, *small)
    c.input([n, k] if tb else [k, n], t, *small)
    if c.version < 11 or c.r.random() < 0.7:
        c.input(c.r.choice([[m, n], [n], [1, n], [m, 1], [1], []]) if c.version >= 7 else [m, n], t, *small)
    for key, v in (("transA", ta), ("transB", tb)):
        if v or c.r.random() < 0.3:
            c.attr(key, v)
    c.maybe("alpha", 2.0 if t in INTS else 0.7)
    c.maybe("beta", 2.0 if t in INTS else 0.3)
    c.terms = 2 * k + 8


@generator("Einsum")
def einsum(c):
    t = c.type("T")
    equation, ranks = c.r.choice([("ij,jk->ik", (2, 2)), ("bij,bjk->bik", (3, 3)), ("ij->ji", (2,)), ("ii->i", (2,)), ("ij->", (2,)),
                                  ("i,j->ij", (1, 1)), ("bhid,bhjd->bhij", (4, 4)), ("...ij,...jk->...ik", (4, 4)), ("ij,ij", (2, 2)),
                                  ("abc,cd,de->abe", (3, 2, 2)), ("bi,i->b", (2, 1)), ("iij->j", (3,)), ("ijk->kji", (3,))])
    size = {}
    left = equation.split("->")[0].split(",")
    for term, rank in zip(left, ranks):
        letters = term.replace("...", "XY"[:rank - len(term.replace(".", ""))])
        c.input([size.setdefault(x, c.r.randint(1, 4)) for x in letters], t, *((-5, 5) if t in INTS else (None, None)))
    c.attr("equation", equation)
    c.terms = 64


@generator("Det")
def det(c):
    n = c.r.randint(1, 5)
    c.input(c.shape(0, 2, zero=0) + [n, n], c.type("T"))
    c.terms = 256


# -- resampling --

@generator("GridSample")
def grid_sample(c):
    t = c.type("T1", None if c.r.random() < 0.4 else FLOATS)
    g = c.type("T2", [t] if t in FLOATS else None)
    d = 3 if c.version >= 20 and c.r.random() < 0.3 else 2
    n = c.r.randint(1, 2)
    c.input([n, c.r.randint(1, 3)] + [c.r.randint(1, 6) for _ in range(d)], t)
    c.input([n] + [c.r.randint(1, 5) for _ in range(d)] + [d], g, -1.5, 1.5)
    names = ["linear", "nearest"] + (["cubic"] if d == 2 else []) if c.version >= 20 else ["bilinear", "nearest", "bicubic"]
    c.attr("mode", c.r.choice(names) if t != "string" else "nearest")
    c.int_tolerance = 1  # at the middle between two
    c.attr("padding_mode", c.r.choice(["zeros", "border", "reflection"]))
    c.attr("align_corners", c.r.randint(0, 1))
    c.terms, c.float32 = 64, True  # coordinates


@generator("AffineGrid")
def affine_grid(c):
    d, n = c.r.choice([2, 3]), c.r.randint(1, 2)
    c.input([n, d, d + 1], c.type("T1"))
    c.ints([n, c.r.randint(1, 3)] + [c.r.randint(2, 5) for _ in range(d)])
    c.maybe("align_corners", c.r.randint(0, 1))


@generator("Upsample")
def upsample(c):
    t = c.type("T", ["float32", "int32", "uint8", "int8", "float64", "float16"])
    rank = c.r.choice([2, 4]) if c.version > 1 else 4
    scales = [1.0, 1.0, 2.0, c.r.choice([2.0, 3.0, 1.5])][-rank:]
    c.input([c.r.randint(1, 4) for _ in range(rank)], t)
    c.attr("mode", c.r.choice(["nearest", "linear"]) if t in FLOATS else "nearest")
    if c.has("height_scale"):
        c.attr("height_scale", scales[-2])
        c.attr("width_scale", scales[-1])
    elif c.has("scales"):
        c.attr("scales", scales)
    else:
        c.add(np.array(scales, np.float32))


def resize_10(c):
    s = [1, c.r.randint(1, 3), c.r.randint(1, 7), c.r.randint(1, 7)]
    t = c.type("T", ["float32", "int32", "uint8"])
    c.input(s, t)
    c.add(np.array([1, 1, c.r.choice([2, 1.5, 0.6]), c.r.choice([2, 3, 0.5])], np.float32))
    c.attr("mode", c.r.choice(["nearest", "linear"]) if t == "float32" else "nearest")


@generator("Resize")
def resize(c):
    if c.version < 11:
        return resize_10(c)
    rank = c.r.choice([2, 3, 4, 4, 4, 5])
    s = [c.r.randint(1, 2) if i < rank - 2 and c.r.random() < 0.7 else c.r.randint(1, 8) for i in range(rank)]
    mode = c.r.choice(["nearest", "linear", "cubic", "linear"]) if c.types.get("T1") != "string" else "nearest"
    where = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    where = c.r.choice(where + (["half_pixel_symmetric"] if c.version >= 19 else []))
    if mode == "cubic" and rank != 4:
        mode = "linear"
    t = c.type("T1", FLOATS + ["int8", "uint8", "int32", "int64"] + (["complex64"] if mode != "nearest" else []))
    c.int_tolerance = int(mode != "nearest")  # at the middle between two
    c.attr("mode", mode)
    c.attr("coordinate_transformation_mode", where)
    if mode == "nearest":
        c.maybe("nearest_mode", c.r.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]))
    anti = c.has("antialias") and c.r.random() < 0.25 and mode != "nearest" and where != "tf_crop_and_resize"
    if anti:
        c.attr("antialias", 1)
    if mode == "cubic":
        c.maybe("cubic_coeff_a", -0.5, 0.4)
        c.maybe("exclude_outside", 1, 0.4)
        c.terms = 64 if "exclude_outside" in c.attrs else 16  # products; the weights that are left are divided by their sum
    if where == "tf_crop_and_resize":
        c.attr("extrapolation_value", 9.5)
    if c.version >= 18:
        axes = list(range(rank - (2 if rank < 5 else 3), rank))
        c.attr("axes", axes)
    else:
        axes = list(range(rank))
    free = range(rank - min(rank, 2 if rank < 5 else 3), rank)  # those whose size changes
    c.input(s, t)
    c.constants = c.constants or where == "tf_crop_and_resize"
    if where == "tf_crop_and_resize":
        lo = [c.r.choice([0, 0.1, -0.2, 0.3]) if a in free else 0 for a in axes]
        hi = [c.r.choice([1, 0.9, 1.2, 0.7]) if a in free else 1 for a in axes]
        c.add(np.array(lo + hi, np.float32))
    elif c.version >= 13:
        c.none()
    else:
        c.add(np.array([], np.float32), constant=True)
    if c.r.random() < 0.5:
        c.add(np.array([c.r.choice([2, 0.5, 1.5, 0.6, 3, 0.8, 1, 2.3]) if a in free else 1 for a in axes], np.float32))
        return
    if c.version >= 13:
        c.none()
    else:
        c.add(np.array([], np.float32), constant=True)
    c.ints([c.r.randint(1, 12) if a in free else s[a] for a in axes])
    if c.version >= 18 and not anti:
        c.maybe("keep_aspect_ratio_policy", c.r.choice(["not_larger", "not_smaller"]), 0.3)
