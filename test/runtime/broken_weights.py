"""Writes one damaged weight file per line of the table below into a folder, and checks what
fake-model says about each: exit status 1 and a message that names the tensor and the reason.

usage: broken_weights.py FOLDER
"""
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np
import tensorfile

BASE = {"table": np.arange(152, dtype=np.float32).reshape(19, 8) / 100, "bias": np.zeros(19, np.float32),
        "batch.tokens": np.zeros((1, 4), np.int64), "batch.targets": np.zeros((1, 4), np.int64)}


def split(raw):
    size = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + size]), raw[8 + size:]


def join(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def edit(change):
    """A file whose header went through `change`."""
    def make(raw):
        header, data = split(raw)
        return join(change(header) or header, data)
    return make


def field(name, key, value):
    return edit(lambda h: h[name].__setitem__(key, value))


def without(name):
    def make(raw):
        tensors = dict(BASE)
        del tensors[name]
        return written(tensors)
    return make


def written(tensors):
    tensorfile.write("scratch", tensors)
    with open("scratch", "rb") as f:
        return f.read()


def replaced(name, array):
    return lambda raw: written(BASE | {name: array})


def poisoned(value):
    table = BASE["table"].copy()
    table[3, 5] = value
    return replaced("table", table)


def doubled(raw):
    header, data = split(raw)
    text = json.dumps(header)[:-1] + ', "bias": ' + json.dumps(header["bias"]) + "}"
    return join(text.encode(), data)


TABLE = [
    ("empty", lambda raw: b"", "expected a safetensors file, but it has 0 bytes"),
    ("seven", lambda raw: raw[:7], "expected a safetensors file, but it has 7 bytes"),
    ("header-longer", lambda raw: struct.pack("<Q", len(raw)) + raw[8:], "the header claims"),
    ("header-huge", lambda raw: struct.pack("<Q", 2**64 - 1) + raw[8:], "the header claims 18446744073709551615 bytes"),
    ("truncated", lambda raw: raw[:-10], "batch.targets: data_offsets end at .* truncated"),
    ("tail", lambda raw: raw + b"abc", "3 bytes at the end belong to no tensor"),
    ("hole", lambda raw: edit(lambda h: h["batch.targets"].__setitem__("data_offsets", [h["batch.targets"]["data_offsets"][0] + 8, h["batch.targets"]["data_offsets"][1] + 8]))(raw) + bytes(8),
     "batch.targets: 8 bytes before its data belong to no tensor"),
    ("overlap", field("bias", "data_offsets", [604, 680]), "bias: its data overlaps that of table"),
    ("backwards", field("bias", "data_offsets", [684, 608]), "bias: data_offsets .* run backwards"),
    ("span", field("bias", "shape", [20]), "bias: expected 80 bytes for F32 .20., but data_offsets span 76"),
    ("overflow", field("bias", "shape", [2**40, 2**40]), "bias: the shape .* overflows 64 bits"),
    ("overflow-bytes", field("bias", "shape", [2**62]), "bias: the shape .* overflows 64 bits"),
    ("negative", field("bias", "shape", [-19]), "bias: expected sizes that are whole numbers in the shape, but got -19"),
    ("fraction", field("bias", "shape", [19.5]), "bias: expected sizes that are whole numbers in the shape, but got 19.5"),
    ("rank", field("bias", "shape", [1] * 17), "bias: expected a shape of at most 16 dimensions"),
    ("dtype-unknown", field("bias", "dtype", "F33"), 'bias: unknown dtype "F33"'),
    ("dtype-number", field("bias", "dtype", 3), "bias: unknown dtype 3"),
    ("offsets", field("bias", "data_offsets", [0]), "bias: expected data_offsets to be two whole numbers"),
    ("offsets-text", field("bias", "data_offsets", ["0", "76"]), "bias: expected data_offsets to be two whole numbers"),
    ("no-shape", edit(lambda h: h["bias"].pop("shape") and None), "bias: expected the field shape in the header, but there is none"),
    ("entry-list", edit(lambda h: h.__setitem__("bias", [])), "bias: expected an object in the header"),
    ("list", lambda raw: join(b"[]", b""), "expected a JSON object as header"),
    ("not-json", lambda raw: join(b"{" * 5, b""), "the header is not JSON"),
    ("not-utf8", lambda raw: join(b'{"\xff": 1}', b""), "the header is not JSON"),
    ("deep", lambda raw: join(b'{"a":' * 1000 + b"1" + b"}" * 1000, b""), "the header is nested too deeply"),
    ("duplicate", doubled, "bias: the name comes twice in the header"),
    ("metadata", edit(lambda h: h.__setitem__("__metadata__", {"a": 1})), "expected __metadata__ to hold strings, but a is none"),
    ("escape", edit(lambda h: h.__setitem__("\x1b[31m", 1)), r"\?\[31m: expected an object in the header"),
    ("missing", without("bias"), "bias: missing; expected F32, F16 or BF16 .19."),
    ("shape", replaced("table", BASE["table"].T.copy()), "table: expected shape .19, 8., but got .8, 19."),
    ("dtype", replaced("bias", np.zeros(19, np.int64)), "bias: expected F32, F16 or BF16, but got I64"),
    ("dtype-f64", replaced("bias", np.zeros(19)), "bias: expected F32, F16 or BF16, but got F64"),
    ("nan", poisoned(np.nan), "table: element 29 is NaN"),
    ("infinite", poisoned(-np.inf), "table: element 29 is infinite"),
    ("twice", replaced("transformer.bias", np.zeros(19, np.float32)), "means the parameter bias, and so does bias"),
    ("float-tokens", replaced("batch.tokens", np.zeros((1, 4), np.float32)), "batch.tokens: expected integers, but got F32"),
]


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    os.chdir(sys.argv[1])
    good, failed = written(BASE), 0
    cases = [(name + ".safetensors", make(good), message) for name, make, message in TABLE]
    cases += [("list.index.json", b"[]", "expected JSON with an object weight_map"),
              ("deep.index.json", b'{"weight_map":' + b"[" * 100000 + b"]" * 100000 + b"}", "expected JSON with an object weight_map"),
              ("number.index.json", b'{"weight_map": {"bias": 3}}', "bias: expected a file name in weight_map"),
              ("above.index.json", b'{"weight_map": {"bias": "../x"}}', "bias: expected a file beside the index, but got ../x"),
              ("without.index.json", b'{"weight_map": {}}', "table: missing")]
    for name, data, message in cases + [("none.safetensors", None, "no such file or folder"), (".", None, "expected model.safetensors or")]:
        if data is not None:
            with open(name, "wb") as f:
                f.write(data)
        run = subprocess.run(["fake-model", "trace", "--in", name, "--out", "out"], capture_output=True, text=True, errors="replace")
        ok = run.returncode == 1 and re.match("error: [^\n]*" + message, run.stderr) and "\x1b" not in run.stderr
        failed += not ok
        if not ok:
            print(name, "expected", repr(message), "but got", run.returncode, run.stderr)
    with open("good.safetensors", "wb") as f:
        f.write(good)
    failed += subprocess.run(["fake-model", "trace", "--in", "good.safetensors", "--out", "out"]).returncode
    print(len(cases) + 3, "files,", failed, "wrong")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
