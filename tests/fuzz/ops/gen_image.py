# SPDX-License-Identifier: Apache-2.0
"""Images: files of random pixels for ImageDecoder, as Pillow writes them; ImageScaler."""
import io

import numpy as np

from case import generator

# Formats, the modes of Pillow that they hold, and options of which a file takes some at random.
FILES = {
    "PNG": (["1", "L", "LA", "P", "RGB", "RGBA", "I;16"], {"optimize": [True], "compress_level": [0, 9]}),
    "BMP": (["1", "L", "P", "RGB", "RGBA"], {}),
    "JPEG": (["L", "RGB", "CMYK"], {"quality": [5, 60, 100], "subsampling": [0, 1, 2], "progressive": [True], "optimize": [True],
                                   "restart_marker_rows": [1]}),
    "WEBP": (["RGB", "RGBA"], {"lossless": [True, False], "quality": [10, 90]}),
    "TIFF": (["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"],
             {"compression": ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"], "strip_size": [64]}),
    "JPEG2000": (["L", "RGB", "RGBA"], {"irreversible": [True, False], "num_resolutions": [1, 3], "no_jp2": [True],
                                       "quality_layers": [[20], [5, 2]]}),
    "PPM": (["1", "L", "RGB", "I;16"], {}),
}


def pixels(c, h, w, channels):
    """Noise, or what codecs with a model of images like better: a slope and few colors."""
    way = c.r.choice(["noise", "slope", "few"])
    if way == "noise":
        return c.rng.integers(0, 256, (h, w, channels), dtype=np.uint8)
    if way == "few":
        return c.rng.choice(np.array([0, 17, 128, 255], np.uint8), (h, w, channels))
    slope = np.add.outer(np.arange(h) * c.r.randint(0, 9), np.arange(w) * c.r.randint(0, 9))[:, :, None] + np.arange(channels) * 40
    return (slope % 256).astype(np.uint8)


def image(c, mode):
    from PIL import Image
    h, w = c.r.randint(1, 40), c.r.randint(1, 40)
    if mode == "I;16":
        return Image.fromarray(c.rng.integers(0, 65536, (h, w), dtype=np.uint16))
    if mode == "1":
        return Image.fromarray(pixels(c, h, w, 1)[:, :, 0]).point(lambda v: 255 * (v > 127)).convert("1")
    if mode == "P":
        return Image.fromarray(pixels(c, h, w, 3)).quantize(c.r.choice([2, 4, 16, 100, 256]))
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    data = pixels(c, h, w, channels)
    return Image.frombytes(mode, (w, h), data.tobytes())


@generator("ImageDecoder")
def decoder(c):
    kind = c.r.choice(sorted(FILES))
    modes, options = FILES[kind]
    mode = c.r.choice(modes)
    chosen = {k: c.r.choice(v) for k, v in options.items() if c.r.random() < 0.5}
    if mode == "1":
        chosen.pop("compression", None)
    data, picture = io.BytesIO(), image(c, mode)
    try:
        picture.save(data, kind, **chosen)
    except OSError:  # an image too small for these options
        data = io.BytesIO()
        picture.save(data, kind)
    c.types = {"file": f"{kind} {mode} {chosen}"}
    c.add(np.frombuffer(data.getvalue(), np.uint8))
    c.maybe("pixel_format", c.r.choice(["RGB", "BGR", "Grayscale"]), 0.8)
    if (kind, mode) == ("TIFF", "CMYK"):
        c.int_tolerance = 1  # libtiff cuts, Pillow rounds
    c.peer = "numpy"  # the reference evaluator gives a grey image or an alpha channel as they are


@generator("ImageScaler")
def scaler(c):
    t = c.type("T")
    n = c.r.randint(1, 5)
    c.input([c.r.randint(1, 2), n, c.r.randint(1, 6), c.r.randint(1, 6)], t)
    c.attr("scale", round(c.r.uniform(0.1, 2), 2), always=True)
    c.attr("bias", [round(c.r.uniform(-2, 2), 2) for _ in range(n)], always=True)
