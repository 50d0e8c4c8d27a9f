#!/usr/bin/env python3
"""Training speed of built binaries beside PyTorch, interleaved in one run.

usage: train.py --tintype build/release/bin/tintype --peers DIR --python PYTHON [--size small|124m|all] [--rounds 3] [--json FILE]

PYTHON has torch; DIR holds train_gpt_torch.py. For each size the model is
compiled without dropout (the peer has none), then both are run in turn,
`rounds` times, PyTorch eager and compiled. Prints medians and the ratio to the
better PyTorch mode.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile

SIZES = {
    "small": dict(layers=6, heads=6, width=384, vocab=4096, context=256, batch=8),
    "124m": dict(layers=12, heads=12, width=768, vocab=50257, context=256, batch=4),
}


def output(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(tintype, models, size, folder):
    binary = os.path.join(folder, "gpt")
    sets = [f"--set={k}={size[k]}" for k in ("layers", "heads", "width", "vocab")] + ["--set=drop=0"]
    subprocess.run([tintype, "build", os.path.join(models, "gpt2.tin"), *sets, "-o", binary], check=True)
    return binary


def ours(binary, size, seconds):
    return json.loads(output([binary, "bench", "train", "--batch", str(size["batch"]), "--context", str(size["context"]),
                              "--seconds", str(seconds), "--json"]))


def peer(args, size, compiled, steps):
    flags = [f"--{k}={v}" for k, v in size.items()] + [f"--steps={steps}", "--warmup=2"] + ["--compile"] * compiled
    return json.loads(output([args.python, os.path.join(args.peers, "train_gpt_torch.py"), *flags]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tintype", required=True)
    parser.add_argument("--models", default=os.path.join(os.path.dirname(__file__), "../../frontend/models"))
    parser.add_argument("--peers", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--size", choices=[*SIZES, "all"], default="small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    args = parser.parse_args()
    rows = []
    for name in SIZES if args.size == "all" else [args.size]:
        size = SIZES[name]
        steps = 8 if name == "small" else 3
        with tempfile.TemporaryDirectory() as folder:
            binary = build(args.tintype, args.models, size, folder)
            runs = {"tintype": [], "torch eager": [], "torch compile": []}
            for _ in range(args.rounds):
                runs["tintype"].append(ours(binary, size, 10))
                runs["torch eager"].append(peer(args, size, False, steps))
                runs["torch compile"].append(peer(args, size, True, steps))
        speed = {k: statistics.median(r["tokens_per_s"] for r in v) for k, v in runs.items()}
        best = max(speed["torch eager"], speed["torch compile"])
        print(f"{name}: tintype {speed['tintype']:.0f} tokens/s ({runs['tintype'][0]['fraction']:.0%} of the FMA peak), "
              f"torch eager {speed['torch eager']:.0f}, compile {speed['torch compile']:.0f}: {speed['tintype'] / best:.2f}x; "
              f"peak memory {runs['tintype'][0]['peak_rss_bytes'] / 1e6:.0f} MB against {runs['torch eager'][0]['peak_rss_mb']} MB")
        rows.append({"size": name, "tokens_per_s": speed, "ratio": speed["tintype"] / best, "runs": runs})
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
