"""Checks that every op of a dialect is complete, from the dialect's TableGen definitions.

usage: op_table.py DIALECT.td SOURCES TESTS [--without PART ...]

Each op needs: a lower-case summary; an example that tintype-opt accepts; for each numbered constraint
a verifier that carries its label (`// compute_c1`) and a function of that name in invalid.mlir; and in
ops.mlir a line that prints it. Where a gradient can flow through an op, passes/graph must name it; where
code runs for it, codegen/halide; where it costs anything, the kernels' cost in passes/.
"""
import json
import pathlib
import re
import subprocess
import sys

# What the examples leave out: the text around them, with EXAMPLE for the example itself.
PARAMETER = 'graph.parameter @"h.0.weight" : tensor<768x768xf32> normal(0.0, 0.02)\n'
VECTORS = """%x: tensor<?x4xf32, #graph.dims<B, 4>>, %w: tensor<8x4xf32>, %id: tensor<?xi32, #graph.dims<B>>,
             %dy: tensor<?x8xf32, #graph.dims<B, 8>>"""
IN_FUNCTION = f"func.func @f({VECTORS}) {{\nEXAMPLE\nreturn\n}}"
IN_BODY = """func.func @f(%w: tensor<50x8xf32>, %ids: tensor<?xi32, #graph.dims<B>>, %rng: tensor<2xi32>) {
  %r = graph.compute none over <B, 8> by <> : tensor<?x8xf32, #graph.dims<B, 8>> {
    %id = graph.read %ids[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    %x = arith.constant 1.0 : f32
    EXAMPLE
    graph.yield %x : f32
  }
  return
}"""
IN_SCATTER = """func.func @f(%ids: tensor<?xi32, #graph.dims<B>>) {
  %r = graph.scatter over <B, 8> : tensor<50x8xf32> {
    %place = graph.read %ids[(d0, d1) -> (d0)] : tensor<?xi32, #graph.dims<B>>
    %value = arith.constant 1.0 : f32
    %filter = arith.constant true
    EXAMPLE
  }
  return
}"""
AROUND = {
    "graph.parameter": "EXAMPLE",
    "graph.param": PARAMETER + "func.func @f() {\nEXAMPLE\nreturn\n}",
    "graph.grad": PARAMETER + IN_FUNCTION,
    "graph.set_grad": PARAMETER + "func.func @f(%g: tensor<768x768xf32>) {\nEXAMPLE\nreturn\n}",
    "graph.reshape": "func.func @f(%x: tensor<?x12xf32, #graph.dims<B, 12>>) {\nEXAMPLE\nreturn\n}",
    "graph.yield": IN_SCATTER,
    **{f"graph.{name}": IN_BODY for name in ("read", "inside", "index", "size", "random", "stop")},
}

# Ops through which no gradient flows, and why.
NO_GRADIENT = {
    "graph.parameter": "a declaration", "graph.grad": "holds gradients itself", "graph.set_grad": "holds gradients itself",
    "graph.yield": "part of its definition", "graph.inside": "a condition", "graph.index": "an integer",
    "graph.size": "an integer", "graph.random": "does not depend on any tensor", "graph.stop": "stops gradients by name", "graph.rows": "made when gradients are there",
}
# Ops that stand outside kernels: the host program reads them.
NO_KERNEL = {"graph.parameter", "graph.param", "graph.grad", "graph.set_grad", "graph.reshape", "graph.rows"}

# What costs nothing or exactly one operation, which is the default.
NO_COST = NO_KERNEL | {"graph.yield", "graph.inside"}


def sources(root, folder):
    """All C++ and TableGen text under a folder."""
    files = [p for p in sorted((root / folder).rglob("*")) if p.suffix in (".cpp", ".h", ".td")]
    return "\n".join(p.read_text() for p in files)


def parses(text):
    result = subprocess.run(["tintype-opt", "-"], input=text, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def check_op(op, dialect, root, texts):
    name = f"{dialect}.{op['opName']}"
    short = op["opName"]
    complaints = []
    summary, description = op["summary"], op["description"] or ""
    if not summary or summary[0] != summary[0].lower() or summary.endswith("."):
        complaints.append(f"expected a lower-case summary without full stop, but got '{summary}'")
    examples = re.findall(r"```mlir\n(.*?)```", description, re.S)
    if not examples:
        complaints.append("expected an example")
    for example in examples:
        error = parses(AROUND.get(name, IN_FUNCTION).replace("EXAMPLE", example.strip()))
        if error:
            complaints.append("expected an example that parses, but got\n" + error)
    labels = [f"{short}_c{n}" for n in re.findall(r"\* \(C(\d+)\)", description)]
    if re.search(r"Constraints: \(C1\) of", description):
        labels.append(f"{short}_c1")
    for label in labels:
        if f"@{label}" not in texts["invalid"]:
            complaints.append(f"expected a test @{label} in invalid.mlir")
        if f"* (C{label[-1]})" in description and not re.search(rf"// .*\b{label}\b", texts["dialect"]):
            complaints.append(f"expected a check marked `// {label}` in the verifier")
    if labels and not (op["hasVerifier"] or "verifySymbolUses" in texts["dialect"]):
        complaints.append("expected a verifier")
    if not re.search(rf"// CHECK.*{re.escape(name)}\b", texts["ops"]):
        complaints.append("expected a line of ops.mlir that prints it")
    cxx = op["!name"].split("_")[-1]
    for part, exempt in (("gradient", NO_GRADIENT), ("lowering", NO_KERNEL), ("cost", NO_COST)):
        if part in texts and name not in exempt and not re.search(rf"\b{cxx}\b", texts[part]):
            complaints.append(f"expected a {part} rule that names {cxx}")
    return [f"{name}: error: {c}" for c in complaints]


def main():
    definitions, root, tests = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    dump = subprocess.run(["llvm-tblgen", "--dump-json", "-I", root, "-I", "/usr/lib/llvm-22/include", definitions],
                          capture_output=True, text=True, check=True).stdout
    records = json.loads(dump)
    dialect = definitions.parent.name
    texts = {"invalid": (tests / "invalid.mlir").read_text(), "ops": (tests / "ops.mlir").read_text(),
             "dialect": sources(root, f"dialects/{dialect}")}
    if dialect == "graph" and "--without-passes" not in sys.argv:
        texts["gradient"] = sources(root, "passes/graph")
        texts["lowering"] = sources(root, "passes/schedule")
        texts["cost"] = "".join((root / f).read_text() for f in ("passes/fusion/Cost.cpp", "passes/schedule/Grid.cpp"))
    complaints, count = [], 0
    for record in records["!instanceof"]["Op"]:
        op = records[record]
        if op["opDialect"] and records[op["opDialect"]["def"]]["name"] == dialect:
            complaints += check_op(op, dialect, root, texts)
            count += 1
    for complaint in complaints:
        print(complaint)
    print(f"{count} ops of {dialect}, {len(complaints)} complaints")
    return 1 if complaints or not count else 0


if __name__ == "__main__":
    sys.exit(main())
