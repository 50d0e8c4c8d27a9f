#!/usr/bin/env python3
"""Whole programs, from a model's text to a trained run, as a user would drive them.

usage: e2e.py CASE --work DIR --models DIR --build DIR

Cases are the functions named `case_...` below. All share one binary, a very small GPT over bytes,
which is built once for each build of the compiler.
"""
import argparse
import fcntl
import json
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

import numpy as np

import tensorfile

SIZES = {"layers": 2, "heads": 2, "width": 32, "ctx": 32, "vocab": 256, "drop": 0.1}
failures = []


def expect(condition, message):
    print(("ok    " if condition else "WRONG ") + message, flush=True)
    if not condition:
        failures.append(message)


def run(*command, status=0, **options):
    """Runs a command; complains unless it exits with `status` (a signal is never right)."""
    command = [str(c) for c in command]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != status:
        expect(False, f"{' '.join(command)}: expected exit status {status}, but got {result.returncode}")
        print(result.stdout[-2000:], result.stderr[-2000:], sep="\n")
    return result


def build_tiny(build, models):
    """The shared binary; built again when the compiler is newer."""
    place = build / "test" / "tiny"
    place.mkdir(parents=True, exist_ok=True)
    compiler, binary = build / "bin/tintype", place / "gpt"
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists() or binary.stat().st_mtime < compiler.stat().st_mtime:
            sets = [word for key, value in SIZES.items() for word in ("--set", f"{key}={value}")]
            subprocess.run([compiler, "build", models / "gpt2.tin", *sets, "-o", binary], check=True)
    return binary


def corpus(work):
    """Real text, from the package bible-kjv; the first 200 kB are enough here."""
    path = work / "kjv.txt"
    text = subprocess.run(["bible", "-f", "Gen1:1-Exo40:38"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout
    path.write_text("\n".join(line.split(" ", 1)[1] for line in text.splitlines())[:200_000] + "\n")
    return path


def train(gpt, data, out, steps, *more, **options):
    return run(gpt, "train", "--data", data, "--out", out, "--steps", steps, "--batch", 4, "--lr", 3e-3, "--seed", 7,
               *more, **options)


def same_bytes(a, b, name):
    expect((a / name).read_bytes() == (b / name).read_bytes(), f"{name} is equal to the byte in {a.name} and {b.name}")


# -- cases ---------------------------------------------------------------------


def case_learn(gpt, work):
    """The loss falls, the log says so, and evaluation and generation work on the run."""
    data = corpus(work)
    train(gpt, data, work / "run", 60, "--val", "0.05", "--eval-every", 20)
    log = [json.loads(line) for line in (work / "run/log.jsonl").read_text().splitlines()]
    steps = [entry for entry in log if "loss" in entry]
    expect([e["step"] for e in steps] == list(range(1, 61)), "the log has each step once")
    keys = {"step", "loss", "grad_norm", "lr", "tokens_per_s", "seconds"}
    expect(all(keys <= e.keys() for e in steps), f"each entry has {sorted(keys)}")
    expect(5.0 < steps[0]["loss"] < 6.2, f"the first loss {steps[0]['loss']:.3f} is near ln 256 = 5.545")
    last = sum(e["loss"] for e in steps[-5:]) / 5
    expect(last < 3.6, f"the loss after 60 steps {last:.3f} is below 3.6")
    expect(any("val_loss" in e for e in log), "validation losses are in the log")
    svg = (work / "run/loss.svg").read_text()
    expect(svg.lstrip().startswith(("<svg", "<?xml")) and "</svg>" in svg, "loss.svg is a picture")
    for name in ("model.safetensors", "state.safetensors", "run.json"):
        expect((work / "run" / name).exists(), f"the run folder has {name}")

    result = json.loads(run(gpt, "eval", "--weights", work / "run", "--data", data, "--json").stdout)
    expect(abs(result["loss"] - last) < 0.5, f"eval gives {result['loss']:.3f}")
    expect(abs(result["perplexity"] - np.exp(result["loss"])) < 1e-3 * result["perplexity"], "perplexity = exp(loss)")
    expect(abs(result["bits_per_byte"] - result["loss"] / np.log(2)) < 1e-3, "bits per byte = loss / ln 2 for bytes")

    command = [gpt, "generate", "--weights", work / "run", "--prompt", "In the beginning", "--max-tokens", 40,
               "--temperature", 0, "--json"]
    first, again = (json.loads(run(*command).stdout) for _ in range(2))
    expect(len(first["tokens"]) == 40, "40 tokens are written")
    expect(first["tokens"] == again["tokens"], "greedy generation repeats itself")
    one = json.loads(run(*command, "--threads", 1).stdout)
    expect(one["tokens"] == first["tokens"], "one thread writes the same")
    text = run(gpt, "generate", "--weights", work / "run", "--prompt", "And God", "--max-tokens", 20, "--seed", 3).stdout
    expect(len(text) > 10, f"sampled text: {text!r}")


def case_resume(gpt, work):
    """N + M steps are N, stop, M: byte for byte, also between two parts of one step, and with another number of threads."""
    data = corpus(work)
    train(gpt, data, work / "whole", 14, "--accumulate", 3, "--keep", 1)
    train(gpt, data, work / "parts", 5, "--accumulate", 3, "--keep", 1)
    run(gpt, "train", "--resume", "--out", work / "parts", "--steps", 14)
    for name in ("model.safetensors", "state.safetensors"):
        same_bytes(work / "whole", work / "parts", name)


def case_bf16(gpt, work):
    """Training with factors in bf16: the losses are those of f32 within 1 %, a run is the same to the byte however it is cut
    and threaded, and a run that changes its type says so."""
    data = corpus(work)
    for dtype in ("f32", "bf16"):
        train(gpt, data, work / dtype, 150, "--dtype", dtype)
    losses = {d: [json.loads(line)["loss"] for line in (work / d / "log.jsonl").read_text().splitlines()] for d in ("f32", "bf16")}
    expect(losses["f32"] != losses["bf16"], "the two types give different numbers")
    means = {d: np.mean(l[-50:]) for d, l in losses.items()}
    ratio = means["bf16"] / means["f32"]
    expect(abs(ratio - 1) < 0.01, f"the loss over the last 50 of 150 steps is {means['bf16']:.4f} against {means['f32']:.4f} in f32")

    train(gpt, data, work / "whole", 12, "--dtype", "bf16", "--accumulate", 2, "--threads", 2)
    train(gpt, data, work / "parts", 5, "--dtype", "bf16", "--accumulate", 2, "--threads", 1)
    second = run(gpt, "train", "--resume", "--out", work / "parts", "--steps", 12)
    expect("note: dtype" not in second.stderr, "a resumed run keeps its type without a word")
    for name in ("model.safetensors", "state.safetensors"):
        same_bytes(work / "whole", work / "parts", name)
    expect(json.loads((work / "parts/run.json").read_text())["dtype"] == "bf16", "run.json has the type")
    other = run(gpt, "train", "--resume", "--out", work / "parts", "--steps", 13, "--dtype", "f32")
    expect("note: dtype is f32 from here on; the run began with bf16" in other.stderr, "another type is said")
    wrong = run(gpt, "train", "--data", data, "--out", work / "wrong", "--dtype", "f16", status=2)
    expect("f32" in wrong.stderr and "bf16" in wrong.stderr, "a type that is none is refused with what there is")


def case_kill(gpt, work):
    """A run that is killed at any moment goes on as if nothing had been."""
    data = corpus(work)
    train(gpt, data, work / "whole", 30, "--save-every", 3)
    rng = random.Random(1)
    out = work / "killed"
    for attempt in range(60):
        new = [] if (out / "run.json").exists() else ["--data", data, "--batch", 4, "--lr", 3e-3, "--seed", 7]
        resume = [] if new else ["--resume"]
        command = [gpt, "train", *new, *resume, "--out", out, "--steps", 30, "--save-every", 3]
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            process.wait(timeout=0.05 + rng.random() * (0.3 if attempt < 12 else 60))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            continue
        message = process.stderr.read()
        if process.returncode != 0:
            expect(False, f"attempt {attempt}: exit status {process.returncode}: {message[-500:]}")
            return
        break
    expect(process.returncode == 0, f"finished at attempt {attempt}")
    for name in ("model.safetensors", "state.safetensors"):
        same_bytes(work / "whole", out, name)
    leftovers = [p.name for p in out.iterdir() if re.search(r"tmp|part|~", p.name)]
    expect(not leftovers, f"no half-written files are left {leftovers}")


def case_interrupt(gpt, work):
    """SIGINT finishes the step, saves, says how to go on; the run then goes on."""
    data = corpus(work)
    command = [gpt, "train", "--data", data, "--out", work / "run", "--steps", 100000, "--batch", 4, "--seed", 7]
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = work / "run/log.jsonl"
    while not (log.exists() and log.stat().st_size) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    expect(process.returncode == 0, f"exit status 0 after SIGINT, got {process.returncode}: {err[-500:]}")
    expect("--resume" in out + err, "it says how to go on")
    done = len((work / "run/log.jsonl").read_text().splitlines())
    run(gpt, "train", "--resume", "--out", work / "run", "--steps", done + 2)


def case_weights(gpt, work):
    """Each kind of broken weight file is refused with the tensor and the reason."""
    run(gpt, "init", "--seed", 1, "--out", work / "init")
    good = work / "init/model.safetensors"
    tensors = {k: v.copy() for k, v in tensorfile.read(good).items()}
    data = corpus(work)
    name = next(k for k in tensors if k.endswith("h.1.mlp.c_fc.weight"))
    raw = good.read_bytes()
    header = struct.unpack("<Q", raw[:8])[0]

    def refused(what, content, *words):
        path = work / (what.replace(" ", "-") + ".safetensors")
        if isinstance(content, dict):
            tensorfile.write(path, content)
        else:
            path.write_bytes(content)
        result = run(gpt, "eval", "--weights", path, "--data", data, status=1)
        missing = [word for word in words if word not in result.stderr]
        expect("error: " in result.stderr and not missing, f"{what}: {result.stderr.strip()[:300]!r} {missing or ''}")

    refused("missing", {k: v for k, v in tensors.items() if k != name}, name)
    refused("extra", tensors | {"h.9.surprise": np.zeros(3, np.float32)}, "h.9.surprise")
    refused("other shape", tensors | {name: tensors[name].T.copy()}, name, str(tensors[name].shape[0]))
    refused("other dtype", tensors | {name: tensors[name].astype(np.int32)}, name, "I32")
    refused("not finite", tensors | {name: np.where(np.arange(tensors[name].size).reshape(tensors[name].shape) == 5,
                                                    np.float32("nan"), tensors[name])}, name)
    refused("truncated", raw[:-10], "truncated.safetensors")
    refused("header longer than the file", struct.pack("<Q", 10**9) + raw[8:], "header")
    refused("header is no JSON", raw[:8] + b"x" * header + raw[8 + header:], "header")
    table = json.loads(raw[8:8 + header])
    first, second = (k for k in list(table) if k != "__metadata__" and k in (name, next(iter(tensors))))
    table[second]["data_offsets"] = [o - 4 for o in table[second]["data_offsets"]]
    text = json.dumps(table).encode()
    refused("overlapping", struct.pack("<Q", len(text)) + text + raw[8 + header:], "overlap")
    refused("empty", b"", "empty.safetensors")
    result = run(gpt, "eval", "--weights", work / "none.safetensors", "--data", data, status=1)
    expect("none.safetensors" in result.stderr, f"absent: {result.stderr.strip()!r}")


def case_data(gpt, work):
    """Each kind of unusable data is refused with the file and the reason."""
    (work / "empty.txt").write_bytes(b"")
    (work / "short.txt").write_bytes(b"too short")
    (work / "folder").mkdir(exist_ok=True)
    for what, path in (("empty", "empty.txt"), ("shorter than a context", "short.txt"), ("absent", "none.txt"),
                       ("empty folder", "folder")):
        result = train(gpt, work / path, work / ("out-" + path), 2, status=1)
        expect("error: " in result.stderr and path in result.stderr, f"{what}: {result.stderr.strip()[:300]!r}")
        expect(not (work / ("out-" + path) / "model.safetensors").exists(), f"{what}: nothing is written")
    result = run(gpt, "train", "--data", corpus(work), "--out", "/proc/nowhere/run", "--steps", 2, status=1)
    expect("/proc/nowhere" in result.stderr, f"no place for the run: {result.stderr.strip()[:300]!r}")
    result = run(gpt, "train", "--no-such-flag", status=2)
    expect("--no-such-flag" in result.stderr, f"a wrong flag is named: {result.stderr.strip()[:300]!r}")
    result = run(gpt, "eval", "--weights", work / "run", "--data", work / "empty.txt", "--context", 9999, status=1)


def case_binary(gpt, work):
    """The binary stands alone and is small."""
    needs = subprocess.run(["ldd", str(gpt)], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in needs.splitlines()]
    rest = [n for n in names if not re.search(r"^linux-vdso|^libc\.so|^libm\.so|ld-linux", n.split("/")[-1])]
    expect(not rest, f"it needs only libc, libm and the loader, and {rest}")
    size = gpt.stat().st_size / 2**20
    expect(size <= 6, f"it is {size:.2f} MiB, at most 6")
    strings = subprocess.run(["llvm-strings", "-n", "8", str(gpt)], capture_output=True, text=True).stdout
    expect("/home/" not in strings, "it holds no path of the machine that built it")
    info = json.loads(run(gpt, "info", "--json").stdout)
    expect(info.get("parameters") is not None, "info lists the parameters")
    children = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])  # seconds of CPU
    begin = children()
    run(gpt, "--help")
    expect(children() - begin < 0.5, "it starts at once")
    bench = json.loads(run(gpt, "bench", "train", "--batch", 2, "--context", 16, "--seconds", 1, "--json").stdout)
    run(gpt, "bench", "train", "--batch", 2, "--context", 16, "--seconds", 0.1, "--trace", work / "trace.json")
    run(sys.executable, pathlib.Path(__file__).parent / "timeline.py", work / "trace.json", "--steps", 3, "--phases", "step",
        "train_step", "optimiser")
    keys = {"tokens_per_s", "step_seconds", "first_step_seconds", "peak_rss_bytes", "gflops", "peak_gflops", "read_gbs",
            "fraction"}
    expect(keys <= bench.keys(), f"bench gives {sorted(keys - bench.keys()) or 'every number'}")


def case_again(gpt, work):
    """One seed gives one result, and any batch and context within the bounds runs."""
    data = corpus(work)
    for name in ("a", "b"):
        train(gpt, data, work / name, 6)
    same_bytes(work / "a", work / "b", "model.safetensors")
    for batch, context in ((1, 32), (3, 7), (16, 2)):
        run(gpt, "train", "--data", data, "--out", work / f"run-{batch}-{context}", "--steps", 2, "--batch", batch,
            "--context", context)
    result = run(gpt, "train", "--data", data, "--out", work / "long", "--steps", 2, "--context", 33, status=1)
    expect("33" in result.stderr and "32" in result.stderr, f"a context past the bound: {result.stderr.strip()!r}")


def main():
    cases = {name[5:]: function for name, function in globals().items() if name.startswith("case_")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=sorted(cases))
    for option in ("--work", "--models", "--build"):
        parser.add_argument(option, type=pathlib.Path, required=True)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    cases[args.case](build_tiny(args.build, args.models), args.work)
    if failures:
        sys.exit(f"{len(failures)} failures")
    print("all as expected")


if __name__ == "__main__":
    main()
