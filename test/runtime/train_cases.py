"""Training, checkpoints, data and generation on models with plain kernels.

usage: train_cases.py CASE --bin DIR --work DIR     CASE: a function below named case_CASE
"""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import tensorfile

failures = []
FILES = ("model.safetensors", "state.safetensors")


def expect(condition, message):
    print(("ok    " if condition else "WRONG ") + message, flush=True)
    if not condition:
        failures.append(message)


class Bench:
    """The binaries, a folder to work in, and a text."""

    def __init__(self, bin, work):
        self.bin, self.work = bin, work
        self.text = work / "text.txt"
        words = "and the of lord god said unto thee king shall house son day earth children".split()
        rng = random.Random(3)
        self.text.write_text("".join(rng.choice(words) + (" " if rng.random() < .9 else ".\n") for _ in range(6000)))

    def run(self, *args, model="fake-bytes", status=0, **options):
        command = [str(self.bin / model), *map(str, args)]
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", **options)
        if result.returncode != status:
            expect(False, f"{' '.join(command)}: expected status {status}, got {result.returncode}: {result.stderr[-600:]}")
        return result

    def train(self, out, *more, **options):
        return self.run("train", "--data", self.text, "--out", self.work / out, *more, **options)

    def begin(self, out, *more):
        """A run without an end, after its first step."""
        command = [self.bin / "fake-bytes", "train", "--data", self.text, "--out", out, "--steps", 10**6, *more]
        process = subprocess.Popen([str(c) for c in command], stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not ((out / "log.jsonl").exists() and (out / "log.jsonl").read_text().strip()):
            time.sleep(0.01)
        return process

    def refuse(self, *args, words, model="fake-bytes", status=1, **options):
        """Runs and expects an error that holds all `words`."""
        result = self.run(*args, model=model, status=status, **options)
        missing = [w for w in words if str(w) not in result.stderr]
        expect("error: " in result.stderr and not missing, f"{result.stderr.strip()[-300:]!r} {missing or ''}")
        return result

    def same(self, a, b):
        for name in FILES:
            equal = (self.work / a / name).read_bytes() == (self.work / b / name).read_bytes()
            expect(equal, f"{name} is the same in {a} and {b}")

    def log(self, out):
        return [json.loads(line) for line in (self.work / out / "log.jsonl").read_text().splitlines()]


def case_resume(b):
    """N + M steps = N, stop, M; in the middle of an epoch, with accumulation, with other numbers of threads, in a copy."""
    b.train("whole", "--steps", 33, "--accumulate", 3, "--val", 0.1, "--eval-every", 5)
    b.train("parts", "--steps", 7, "--accumulate", 3, "--val", 0.1, "--eval-every", 5)
    b.run("train", "--resume", "--out", b.work / "parts", "--steps", 20, "--threads", 1)
    shutil.copytree(b.work / "parts", b.work / "copy")  # links become what they lead to
    expect(not (b.work / "copy/checkpoint").is_symlink(), "the copy has no links")
    b.refuse("train", "--data", b.text, "--out", b.work / "copy", words=["holds a run at step 20"])
    for out, threads in (("parts", 3), ("copy", 2)):
        b.run("train", "--resume", "--out", b.work / out, "--steps", 33, "--threads", threads)
        b.same("whole", out)
    expect((b.work / "copy/model.safetensors").resolve() == b.work / "copy/checkpoints/step-33/model.safetensors", "it has links again")
    log, other = b.log("whole"), b.log("parts")
    expect([e["step"] for e in other] == list(range(1, 34)), "the log has each step once")
    expect([e["loss"] for e in log] == [e["loss"] for e in other], "the losses are the same")
    expect([e["step"] for e in log if "val_loss" in e] == [5, 10, 15, 20, 25, 30, 33], "validation when asked for")
    expect(log[-1]["loss"] < log[0]["loss"] - 1, f"it learns: {log[0]['loss']:.2f} -> {log[-1]['loss']:.2f}")
    again = b.run("train", "--resume", "--out", b.work / "parts")
    expect("nothing to do" in again.stderr, "a finished run says so")
    b.same("whole", "parts")
    # Small epochs: 12 windows, 4 a step, so that batches straddle epochs.
    b.text.write_text(b.text.read_text()[:230])
    b.train("small", "--steps", 11)
    b.train("small-parts", "--steps", 4)
    b.run("train", "--resume", "--out", b.work / "small-parts", "--steps", 11)
    b.same("small", "small-parts")
    b.train("limited", "--steps", 11, "--batch", 4, "--memory-limit", "1G")
    b.same("small", "limited")
    large = ("--batch", 64, "--context", 128)
    refused = b.refuse("train", "--data", b.text, "--out", b.work / "tiny", *large, "--memory-limit", "1K",
                       words=["--memory-limit", "1K", "at least"])
    # Within a limit that makes micro-batches smaller, which is a setting of the run.
    limit = f"{1.2 * float(re.search(r'at least ([0-9.]+) MiB', refused.stderr).group(1)):.1f}M"
    for out, steps in (("split", 6), ("split-parts", 3)):
        said = b.train(out, "--steps", steps, *large, "--memory-limit", limit, "--threads", 2).stderr
        expect("micro-batches of" in said, f"{limit} take smaller micro-batches")
    b.run("train", "--resume", "--out", b.work / "split-parts", "--steps", 6, "--threads", 1)
    b.same("split", "split-parts")
    b.refuse("train", "--resume", "--out", b.work / "split-parts", "--steps", 7, "--threads", 64,
             words=["--memory-limit", limit, "hint: the run remembers its limit", "--memory-limit SIZE", "fewer --threads"])


def case_kill(b):
    """Killed at 50 random moments, a run ends with the bytes of one that never stopped."""
    b.train("whole", "--steps", 400, "--save-every", 3)
    out, rng, kills = b.work / "killed", random.Random(11), 0
    for attempt in range(400):
        new = [] if (out / "run.json").exists() else ["--data", b.text, "--save-every", 3]
        command = [b.bin / "fake-bytes", "train", *new, *([] if new else ["--resume"]), "--out", out, "--steps", 400]
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=0.002 + rng.random() ** 2 * 0.4 if kills < 50 else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            if (out / "checkpoint").exists():
                b.run("eval", "--weights", out, "--data", b.text, "--batch", 64)
            continue
        if process.returncode != 0:
            return expect(False, f"attempt {attempt}: status {process.returncode}: {process.stderr.read()[-600:]}")
        if kills >= 50:
            break
        shutil.rmtree(out)  # it was done too soon
    expect(kills >= 50, f"killed {kills} times")
    b.same("whole", "killed")
    expect([e["step"] for e in b.log("killed")] == list(range(1, 401)), "the log has each step once")
    left = [str(p.relative_to(out)) for p in out.rglob("*") if re.search(r"partial|\.old", p.name)]
    expect(not left, f"nothing is left over {left}")
    expect(len(list((out / "checkpoints").iterdir())) == 1, "one checkpoint is kept")


def case_full(b):
    """A disk that is full while saving: a message, and the last checkpoint stays valid."""
    b.train("whole", "--steps", 12)
    b.train("run", "--steps", 6)

    def limited(most=15000):  # a checkpoint's state is larger than this
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = ["train", "--resume", "--out", b.work / "run", "--steps", 12]
    b.refuse(*command, words=["cannot write", "step 12 could not be saved", "last saved: step 6", "--resume"], preexec_fn=limited)
    b.run("eval", "--weights", b.work / "run", "--data", b.text)
    b.run(*command)
    b.same("whole", "run")

    b.train("log", "--steps", 30)  # a log larger than all that is written before the next line
    room = (b.work / "log/log.jsonl").stat().st_size + 50
    b.refuse("train", "--resume", "--out", b.work / "log", "--steps", 40, preexec_fn=lambda: limited(room),
             words=["log.jsonl: cannot write", "step 31 could not be saved", "last saved: step 30", "--resume"])
    b.run("train", "--resume", "--out", b.work / "log", "--steps", 40)
    expect([e["step"] for e in b.log("log")] == list(range(1, 41)), "the log has each step once")

    mount = b.work / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", mount], capture_output=True).returncode:
        return print("ok    (no right to mount a small disk here)")
    try:
        b.run("train", "--data", b.text, "--out", mount / "run", "--steps", 4)
        for room in range(0, 120, 6):  # every place where a save can run out of room
            filler = mount / "filler"
            fill = os.open(filler, os.O_WRONLY | os.O_CREAT)
            try:
                while os.write(fill, b"x" * 1024):
                    pass
            except OSError:
                os.close(fill)
            os.truncate(filler, max(0, filler.stat().st_size - room * 1024))
            before = os.readlink(mount / "run/checkpoint")
            process = subprocess.run([str(b.bin / "fake-bytes"), "train", "--resume", "--out", str(mount / "run"), "--steps",
                                      str(5 + room)], capture_output=True, text=True)
            filler.unlink()
            ok = process.returncode == 0 or (process.returncode == 1 and "No space left" in process.stderr)
            if not ok:
                expect(False, f"with {room} KiB: status {process.returncode}: {process.stderr[-300:]}")
            check = b.run("eval", "--weights", mount / "run", "--data", b.text)
            after = os.readlink(mount / "run/checkpoint")
            if check.returncode or (process.returncode == 1 and before != after):
                expect(False, f"with {room} KiB: {before} -> {after}")
        expect(os.readlink(mount / "run/checkpoint") != "checkpoints/step-4", "with enough room it went on")
    finally:
        subprocess.run(["umount", mount])


def cut_validation(b):
    """A validation that a signal cuts short, or prevents, is made up for: the log is that of a run which never stopped."""
    def same_log(out, whole, steps):
        want, got = ([(e["step"], e["loss"], e.get("val_loss")) for e in b.log(o)] for o in (whole, out))
        expect(got == want[:steps] and (steps < len(want) or None not in (v for _, _, v in got)), f"the log of {out} is that of {whole}")

    validating = ("--val", 0.5, "--eval-every", 1)
    wide = ("--batch", 16, "--context", 64)  # so that validating takes most of the time
    for attempt in range(50):
        out = b.work / "cut"
        shutil.rmtree(out, ignore_errors=True)
        process = b.begin(out, *validating, *wide)
        process.send_signal(signal.SIGINT)
        process.communicate()
        last = b.log(out)[-1]
        if "val_loss" not in last:
            break
    expect("val_loss" not in last, f"a signal came before the end of the validation of step {last['step']}")
    steps = last["step"] + 2
    said = b.run("train", "--resume", "--out", out, "--steps", steps, "--log", b.work / "second.jsonl").stderr
    expect(f"validated after step {last['step']}, where the run was stopped: " in said, said[:300])
    b.train("uncut", "--steps", steps, *validating, *wide)
    b.same("uncut", "cut")
    same_log("cut", "uncut", steps)
    expect([json.loads(x)["step"] for x in open(b.work / "second.jsonl")] == [steps - 1, steps], "a second log begins where it was asked for")

    # At the end, of all windows.
    b.train("end", "--steps", 3, "--val", 0.5, "--eval-every", 2, "--log", b.work / "copy.jsonl")
    whole = b.log("end")
    for log in (b.work / "end/log.jsonl", b.work / "copy.jsonl"):
        lines = log.read_text().splitlines()
        lines[-1] = json.dumps({k: v for k, v in json.loads(lines[-1]).items() if k != "val_loss"})
        log.write_text("\n".join(lines) + "\n")
    b.run("train", "--resume", "--out", b.work / "end", "--log", b.work / "copy.jsonl")
    expect(b.log("end") == whole and [json.loads(x) for x in open(b.work / "copy.jsonl")] == whole, "both logs have it")
    expect("validated" not in b.run("train", "--resume", "--out", b.work / "end").stderr, "once is enough")


def case_interrupt(b):
    """SIGINT and SIGTERM end after the step, save, and say how to go on, whether somebody reads it or not."""
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        out = b.work / f"run-{signal_}"
        process = b.begin(out)
        busy = b.run("train", "--resume", "--out", out, status=1)
        expect("another process" in busy.stderr, "two processes do not train in one folder")
        process.send_signal(signal_)
        message = process.communicate()[1]
        step = int(os.readlink(out / "checkpoint").rsplit("-", 1)[1])
        expect(process.returncode == 0 and "--resume" in message and f"after step {step}" in message, message.strip()[-200:])
        b.run("train", "--data", b.text, "--out", b.work / f"whole-{signal_}", "--steps", step)
        b.same(out.name, f"whole-{signal_}")
    cut_validation(b)
    process = b.begin(b.work / "unread")
    process.stderr.close()  # as `train 2>&1 | tee log` and Ctrl-C do
    process.send_signal(signal.SIGINT)
    expect(process.wait() == 0 and (b.work / "unread/checkpoint").exists(), "it saves when nobody reads its messages")


def case_faults(b):
    """A loss that is not finite; a damaged, missing or foreign run folder; changed data."""
    b.refuse("train", "--data", b.text, "--out", b.work / "nan", "--lr", 1e5, "--clip", 0, "--save-every", 1,
                      words=["step ", "is NaN", "last saved: step "])
    b.refuse("train", "--data", b.text, "--out", b.work / "nan", words=["holds a run at step", "--resume"])
    b.refuse("train", "--resume", "--out", b.work / "none", words=["no run.json"])
    b.refuse("train", "--data", b.text, "--out", "/proc/none/run", words=["/proc/none/run"])
    b.train("run", "--steps", 4, "--save-every", 2, "--keep", 2)
    run = b.work / "run"
    expect(sorted(p.name for p in (run / "checkpoints").iterdir()) == ["step-2", "step-4"], "two checkpoints are kept")
    text = b.text.read_text()
    b.text.write_text(text + "more")
    b.refuse("train", "--resume", "--out", run, "--steps", 9, words=["text.txt", "has changed", "--init"])
    b.text.write_text(text)
    process = b.begin(b.work / "shorter")
    os.truncate(b.text, 0)
    message = process.communicate()[1]
    expect(process.returncode == 1 and "text.txt: expected the file as it was opened, but it has become shorter" in message, message[-200:])
    b.text.write_text(text)
    b.run("train", "--data", b.text, "--init", run, "--out", b.work / "next", "--steps", 2)
    settings = (run / "run.json").read_text()
    for damaged in ("", "{", "[]", "{}", settings.replace('"context": 16', '"context": "x"'),
                    settings.replace('"batch": 4', '"batch": 1e300'), settings.replace('"seed": 0', '"seed": {}'),
                    settings.replace('"bytes"', '"0123456789abcdef"'), settings.replace('"dtype": "f32"', '"dtype": 3'),
                    settings.replace('"dtype": "f32"', '"dtype": "f16"'), settings.replace('"seed": 0', '"seed": -1'),
                    settings.replace('"lr_decay": 0', '"lr_decay": 18446744073709551615'),
                    settings.replace('"val": ""', '"val": ' + "[" * 2000000 + "]" * 2000000)):
        expect(damaged != settings, "it differs")
        (run / "run.json").write_text(damaged)
        b.refuse("train", "--resume", "--out", run, "--steps", 9, words=[])
    (run / "run.json").write_text(settings)
    note = b.run("train", "--resume", "--out", run, "--steps", 5, "--lr", 0.001)
    expect("lr is 0.001 from here on; the run began with 0.02" in note.stderr, "a changed setting is said")
    state = run / "checkpoints/step-5/state.safetensors"
    state.write_bytes(state.read_bytes()[:-1])
    b.refuse("eval", "--weights", run, "--data", b.text, words=["state.safetensors", "expected", "bytes", "damaged"])
    older = b.run("train", "--resume", "--out", run, "--steps", 6)
    expect("warning: " in older.stderr and "step-4" in older.stderr, older.stderr[:200])
    expect([e["step"] for e in b.log("run")] == [1, 2, 3, 4, 5, 6], "the log begins again at the older step")
    names = sorted(p.name for p in (run / "checkpoints").iterdir())
    expect(names == ["damaged-step-5", "step-4", "step-6"], f"the damaged one is put aside {names}")
    for name in ("step-4", "step-6"):
        (run / "checkpoints" / name / "model.safetensors").write_bytes(b"x")
    b.refuse("train", "--resume", "--out", run, "--steps", 9, words=["model.safetensors", "no other"])


def case_schedule(b):
    """The rates in the log are those of the schedule."""
    def rates(out, *more):
        b.train(out, "--steps", 20, *more)
        return np.array([e["lr"] for e in b.log(out)])

    def check(what, got, want):
        expect(np.allclose(got, want, rtol=1e-12), f"{what}: {got[[0, 4, 5, 10, 19]]}")

    i = np.arange(20)
    warm = np.minimum(1, (i + 1) / 5)
    cosine = lambda over: 0.5 * (1 + np.cos(np.pi * np.clip((i - 5) / (over - 5), 0, 1)))
    check("the recipe's cosine", rates("recipe"), np.where(i < 5, 0.02 * warm, 0.002 + 0.018 * cosine(40)))
    check("constant", rates("constant", "--lr", 0.3), np.full(20, 0.3))
    two = np.minimum(1, (i + 1) / 2)
    check("cosine over the steps", rates("cosine", "--schedule", "cosine", "--lr", 0.1, "--lr-floor", 0),
          np.where(i < 2, 0.1 * two, 0.05 * (1 + np.cos(np.pi * (i - 2) / 18))))
    check("linear", rates("linear", "--schedule", "linear", "--lr", 0.1, "--lr-floor", 0.01, "--warmup", 5),
          np.where(i < 5, 0.1 * warm, 0.01 + 0.09 * (1 - (i - 5) / 15)))
    check("wsd", rates("wsd", "--schedule", "wsd", "--lr", 0.1, "--lr-floor", 0, "--warmup", 5),
          np.where(i < 5, 0.1 * warm, np.where(i < 16, 0.1, 0.1 * (1 - (i - 16) / 4))))
    b.run("train", "--data", b.text, "--out", b.work / "x", "--schedule", "step", status=2)
    b.run("train", "--data", b.text, "--out", b.work / "x", "--steps", 0, status=2)
    svg = (b.work / "recipe/loss.svg").read_text()
    expect(svg.startswith("<svg") and svg.rstrip().endswith("</svg>") and "training" in svg, "the curve is a picture")


def case_data(b):
    """What cannot be data, each with its file and reason; token files; folders."""
    w = b.work
    def refuse(path, *words, model="fake-bytes"):
        b.refuse("train", "--data", path, "--out", w / "out", "--steps", 2, words=[path, *words], model=model)

    def put(name, content):
        (w / name).parent.mkdir(exist_ok=True)
        (w / name).write_bytes(content)
        return w / name

    refuse(put("empty.txt", b""), "is empty")
    refuse(put("short.txt", b"x" * 16), "at least 17 tokens", "got 16")
    refuse(w / "none.txt", "there is none")
    refuse(put("binary.txt", b"ab\0cd" * 99), "byte 2 is zero", "binary")
    refuse(put("odd.u16", b"x" * 33), "whole number")
    refuse(put("big.u16", np.array([5] * 50 + [256] + [1] * 50, "<u2").tobytes()), "[0, 256)", "byte 100", "token 50", "is 256")
    refuse(put("big.u32", np.array([1, 2**31], "<u4").tobytes()), "byte 4")
    refuse(put("high.txt", b"a" * 40 + b"\xff"), "[0, 19)", "97", model="fake-model")
    np.save(w / "float.npy", np.zeros(99)), refuse(w / "float.npy", "integers", "<f8")
    np.save(w / "minus.npy", np.array([3] * 40 + [-1])), refuse(w / "minus.npy", "is -1", "token 40")
    np.save(w / "good.npy", np.arange(2000, dtype=np.int64).reshape(2, 1000) % 256)
    whole = (w / "good.npy").read_bytes()
    refuse(put("cut.npy", whole[:-8]), "holds only 1999")
    refuse(put("no.npy", b"hello"), "does not begin")
    refuse(put("length.npy", whole[:8] + b"\xff\xff" + whole[10:]), "shorter")
    (w / "nothing").mkdir()
    refuse(w / "nothing", "has none")
    refuse(pathlib.Path("/dev/null"), "device")
    b.refuse("train", "--data", put("less.txt", b"x" * 30), "--val", 0.5, "--out", w / "out", words=["to validate", "30"])
    b.refuse("train", "--data", b.text, "--val", w / "short.txt", "--out", w / "out", words=["short.txt", "got 16"])
    b.refuse("train", "--data", b.text, "--val", 1.5, "--out", w / "out", words=["--val", "1.5"])

    content = b.text.read_bytes()
    put("folder/b.txt", content[5000:])
    put("folder/a.txt", content[:5000])
    put("folder/.hidden", b"\0")
    put("folder/empty", b"")
    put("text.u16", np.frombuffer(content, np.uint8).astype("<u2").tobytes())
    np.save(w / "text.npy", np.frombuffer(content, np.uint8).astype(np.int32))
    b.train("plain", "--steps", 5, "--val", 0.2)
    for name in ("folder", "text.u16", "text.npy"):
        b.run("train", "--data", w / name, "--out", w / ("run-" + name), "--steps", 5, "--val", 0.2)
        b.same("plain", "run-" + name)
    # A seed of its own gives another order.
    b.train("seed", "--steps", 5, "--val", 0.2, "--seed", 9)
    expect((w / "seed/model.safetensors").read_bytes() != (w / "plain/model.safetensors").read_bytes(), "a seed matters")


def case_generate(b):
    """eval and generate: numbers, greedy and sampled text, UTF-8, contexts that slide."""
    b.train("run", "--steps", 40, "--val", 0.1)
    run = b.work / "run"
    weights = tensorfile.read(run / "model.safetensors")
    table, bias = weights["table"].astype(float), weights["bias"].astype(float)
    result = json.loads(b.run("eval", "--weights", run, "--data", b.text, "--json").stdout)
    data = np.frombuffer(b.text.read_bytes(), np.uint8)
    n = (len(data) - 1) // 16 * 16
    z = table[data[:n]] @ table.T + bias
    p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    loss = -p[np.arange(n), data[1:n + 1]].mean()
    expect(abs(result["loss"] - loss) < 1e-5 and result["tokens"] == n, f"loss {result['loss']} {loss}")
    expect(abs(result["bits_per_byte"] - loss / np.log(2)) < 1e-5, "bits per byte")

    def generate(*more):
        return json.loads(b.run("generate", "--weights", run, "--json", *more).stdout)

    greedy = generate("--prompt", "And", "--max-tokens", 50, "--temperature", 0)
    want, last = [], ord("d")
    for _ in range(50):
        last = int((table[last] @ table.T + bias).argmax())
        want.append(last)
    expect(greedy["tokens"] == want, "greedy tokens are the likeliest ones, past the context too")
    expect(greedy["text"] == bytes(want).decode(errors="replace"), "the text is that of the tokens")
    expect(generate("--tokens", "65,110,100", "--max-tokens", 50, "--temperature", 0)["tokens"] == want, "ids as a prompt")
    expect(generate("--prompt", "And", "--max-tokens", 50, "--top-k", 1)["tokens"] == want, "top-k 1 is greedy")
    expect(generate("--prompt", "And", "--max-tokens", 50, "--top-p", 0)["tokens"] == want, "top-p 0 is greedy")
    one, two = (generate("--prompt", "And", "--max-tokens", 50, "--seed", s)["tokens"] for s in (1, 2))
    expect(one != two and one == generate("--prompt", "And", "--max-tokens", 50, "--seed", 1)["tokens"], "the seed draws")
    top = generate("--prompt", "And", "--max-tokens", 200, "--top-k", 3)["tokens"]
    allowed = [set(np.argsort(-(table[t] @ table.T + bias))[:3]) for t in [ord("d"), *top]]
    expect(all(t in ok for t, ok in zip(top, allowed)), "top-k 3 draws from three")
    raw = subprocess.run([b.bin / "fake-bytes", "generate", "--weights", run, "--prompt", "Ä", "--temperature", "9",
                          "--max-tokens", "300"], capture_output=True).stdout
    expect(raw.decode().startswith("Ä"), "what is printed is UTF-8")
    for args, words, status in ((["--tokens", "1,300"], ["[0, 256)", "300"], 1), (["--tokens", "1,x"], ["1,x"], 1),
                                (["--prompt", ""], ["empty"], 1), (["--prompt-file", b.work / "no"], ["no"], 1)):
        b.refuse("generate", "--weights", run, *args, words=words, status=status)
    with open("/dev/full", "w") as full:
        for command in (["generate", "--prompt", "a"], ["eval", "--data", b.text]):
            command = [b.bin / "fake-bytes", command[0], "--weights", run, *command[1:]]
            result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
            expect(result.returncode == 1 and "standard output: cannot write" in result.stderr, "a full standard output")
    b.run("generate", "--weights", run, status=2)
    b.run("generate", "--weights", run, "--prompt", "a", "--tokens", "1", status=2)
    b.run("generate", "--prompt", "a", status=2)
    b.run("train", "--no-such-flag", status=2)
    b.refuse("generate", "--weights", run / "none", "--prompt", "a", words=["none"])


def case_bpe(b):
    """A tokenizer trained with the model: kept in the run, used by eval and generate."""
    b.text.write_text(b.text.read_text() + "Größe 漢字 🙂 " * 50)
    b.train("run", "--steps", 10, "--val", 0.1, model="fake-bpe")
    run = b.work / "run"
    tokenizer = json.loads((run / "tokenizer.json").read_text())
    expect(len(tokenizer["model"]["vocab"]) <= 400 and len(tokenizer["model"]["merges"]) > 40, "it has merges")
    result = json.loads(b.run("eval", "--weights", run, "--data", b.text, "--json", model="fake-bpe").stdout)
    expect(result["tokens"] < 0.6 * len(b.text.read_bytes()), f"{result['tokens']} tokens")
    ratio = result["bits_per_byte"] / (result["loss"] * result["tokens"] / np.log(2) / len(b.text.read_bytes()))
    expect(abs(ratio - 1) < 0.01, "bits per byte of the text")
    text = json.loads(b.run("generate", "--weights", run, "--prompt", "and the", "--json", model="fake-bpe").stdout)
    expect(text["prompt_tokens"] == 2, "the prompt is two tokens")
    for path in (run / "model.safetensors", run / "checkpoints/step-10", f"{run}/"):
        same = json.loads(b.run("generate", "--weights", path, "--prompt", "and the", "--json", model="fake-bpe").stdout)
        expect(same["tokens"] == text["tokens"], "files of a run know its tokenizer")
    b.train("parts", "--steps", 4, "--val", 0.1, model="fake-bpe")
    b.run("train", "--resume", "--out", b.work / "parts", "--steps", 10, model="fake-bpe")
    b.same("run", "parts")
    b.train("given", "--steps", 10, "--val", 0.1, "--tokenizer", run / "tokenizer.json", model="fake-bpe")
    b.same("run", "given")
    (b.work / "beside").mkdir()
    shutil.copy(run / "tokenizer.json", b.work / "beside")
    b.train("beside", "--steps", 10, "--val", 0.1, "--tokenizer", b.work / "beside/tokenizer.json", model="fake-bpe")
    b.same("run", "beside")
    b.refuse("train", "--data", b.text, "--out", b.work / "large", "--tokenizer", run / "tokenizer.json",
             words=["at most 256 tokens", "tokenizer.json"])
    (run / "tokenizer.json").write_text(json.dumps(tokenizer))
    b.refuse("generate", "--weights", run, "--prompt", "a", words=["tokenizer.json", "has changed"], model="fake-bpe")

    def damage(what, word, change):
        copy = json.loads(json.dumps(tokenizer))
        path = b.work / "damaged.json"
        new = change(copy)
        path.write_text(new if isinstance(new, str) else json.dumps(copy))
        b.refuse("train", "--data", b.text, "--out", b.work / "damaged", "--tokenizer", path, words=[path, word], model="fake-bpe")

    model = lambda key, value: lambda t: t["model"].__setitem__(key, value)
    damage("no JSON", "expected JSON", lambda t: "{")
    damage("deep", "nested", lambda t: "[" * 100000)
    damage("no object", '"model"', lambda t: "[]")
    damage("no model", '"model"', lambda t: t.pop("model") and None)
    damage("other type", "BPE", model("type", "WordPiece"))
    damage("no vocab", "model.vocab", model("vocab", {}))
    damage("id", "expected an id", lambda t: t["model"]["vocab"].__setitem__("a", -1))
    damage("large id", "expected an id", lambda t: t["model"]["vocab"].__setitem__("a", 10**12))
    damage("id is text", "expected an id", lambda t: t["model"]["vocab"].__setitem__("a", "5"))
    damage("id twice", "and another", lambda t: t["model"]["vocab"].__setitem__("a", 1))
    damage("unknown merge", 'merges[0]', lambda t: t["model"]["merges"].insert(0, ["zz", "yy"]))
    damage("odd merge", 'merges[0]', lambda t: t["model"]["merges"].insert(0, "a b c"))
    damage("no merges", 'model.merges', model("merges", 5))
    damage("normalizer", 'normalizer', lambda t: t.__setitem__("normalizer", {"type": "NFC"}))
    damage("split", 'pre_tokenizer', lambda t: t.__setitem__("pre_tokenizer", None))
    damage("pattern", 'regular expression', lambda t: t.__setitem__(
        "pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated"}))
    damage("no byte", 'byte', lambda t: t["model"]["vocab"].pop("Ċ") and t["model"].__setitem__("merges", []))


def main():
    cases = {name[5:]: f for name, f in globals().items() if name.startswith("case_")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=sorted(cases))
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    cases[args.case](Bench(args.bin.resolve(), args.work.resolve()))
    if failures:
        sys.exit(f"{len(failures)} failures")
    print("all as expected")


if __name__ == "__main__":
    main()
