"""Checks tokenizer-tool against ids and merges that Hugging Face's tokenizers 0.23.3 gave.

usage: tokenizer_vectors.py VECTORS.json WORKDIR
"""
import json
import pathlib
import subprocess
import sys

vectors, work = json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])
work.mkdir(parents=True, exist_ok=True)
wrong = 0
for name, tokenizer in vectors["tokenizers"].items():
    (work / f"{name}.json").write_text(json.dumps(tokenizer))
for name, text, want in vectors["cases"]:
    result = subprocess.run(["tokenizer-tool", "encode", work / f"{name}.json"], input=text.encode(), capture_output=True)
    got = [int(line) for line in result.stdout.split()]
    if got != want:
        wrong += 1
        print(f"{name}: {text!r}: expected {want}, but got {got} {result.stderr.decode()}")

(work / "text").write_bytes(vectors["trained_on"].encode())
model = vectors["tokenizers"]["gpt2"]["model"]
for threads in ("1", "3"):
    subprocess.run(["tokenizer-tool", "train", "500", threads, work / "text", work / "own.json"], check=True)
    own = json.loads((work / "own.json").read_text())["model"]
    if own["merges"] != model["merges"] or own["vocab"] != model["vocab"]:
        wrong += 1
        print(f"training with {threads} threads: other merges")
print(f"{len(vectors['cases'])} texts, {wrong} wrong")
sys.exit(wrong > 0)
