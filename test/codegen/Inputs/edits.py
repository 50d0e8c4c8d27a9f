"""usage: edits.py BASE FOLDER: builds BASE with one edit after the other and prints the first error of each.

A place `mine` in the output is the line that was edited.
"""
import pathlib
import re
import subprocess
import sys

base, folder = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
folder.mkdir()
EDITS = {
    "unknown-loop": ('vectorize @y "v"', 'vectorize @y "q"'),
    "unknown-func": ('compute_at @s in @y', 'compute_at @s in @z'),
    "factor-zero": ('"v" by 16 guard', '"v" by 0 guard'),
    "factor-huge": ('vectorize @t "c" by 16', 'vectorize @t "c" by 1048576'),
    "same-name": ('into "o", "v"', 'into "o", "o"'),
    "twice": ('["v", "o"]', '["v", "v"]'),
    "no-such-place": ('compute_at @t in @y at "o"', 'compute_at @t in @y at "w"'),
    "wrong-consumer": ('compute_at @s in @y at "o"', 'compute_at @s in @t at "c"'),
    "race": ('vectorize @t "c" by 16', 'vectorize @s update 0 "r"'),
    "dynamic-unroll": ('vectorize @t "c" by 16', 'unroll @y "o"'),
    "bound-too-small": ('vectorize @t "c" by 16', 'bound @t "c" from 0 extent 60'),
}


def build(name, text, line):
    path = folder / f"{name}.mlir"
    path.write_text(text)
    done = subprocess.run(["tintype", "build", "--from", "halide", path, "--emit", "stmt", "-o", folder / "stmt", "--cache", folder / "cache"],
                          capture_output=True, text=True)
    assert done.returncode == 1, (name, done)
    first = done.stderr.splitlines()[0]
    print(f"{name}: {re.sub(rf'^.*?:{line}:', f'mine:{line}:', first)}")


for name, (old, new) in EDITS.items():
    assert base.count(old) == 1, name
    build(name, base.replace(old, new), base[: base.index(old)].count("\n") + 1)

# Halide calls itself for every level of an expression.
chain = "\n".join(f"    %{i + 1} = arith.addf %{i}, %0 : f32" for i in range(150000))
build("too-deep", f"""halide.pipeline @k_2 symbols ["N"] {{
  halide.input @x <N> : f32
  halide.func @y(%i) {{
    %0 = halide.load @x[%i] : f32
{chain}
    halide.yield %150000 : f32
  }}
  halide.output @y result 0 <N> blocks [64]
}}
""", 0)
