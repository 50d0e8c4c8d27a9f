"""Running builds, binaries and peers in turn, and keeping what they said.

A row of the suite is a function that takes a Bench and gives Lines: one number of ours, one of the
peer's, what they are to reach. What a program printed is kept beside it for the history.
"""
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Failed(Exception):
    """A program did not do what it should; the message is its last line of complaint."""


@dataclasses.dataclass
class Line:
    """One line of the table. `value` is what the bar asks for: a ratio, a fraction or seconds."""
    metric: str
    value: float = None
    unit: str = "x"          # x, %, s or MB
    bar: float = None
    higher: bool = True      # is more better?
    ours: str = ""
    peer: str = ""
    note: str = ""

    def shown(self):
        if self.value is None:
            return ""
        return {"x": f"{self.value:.2f}x", "%": f"{self.value:.1%}", "s": f"{self.value:.2f} s",
                "MB": f"{self.value:.0f} MB"}[self.unit]

    def bar_shown(self):
        if self.bar is None:
            return ""
        number = {"x": f"{self.bar:g}x", "%": f"{self.bar:.0%}", "s": f"{self.bar:g} s", "MB": f"{self.bar:g} MB"}
        return ("≥ " if self.higher else "≤ ") + number[self.unit]

    def met(self):
        if self.value is None or self.bar is None:
            return ""
        return "yes" if (self.value >= self.bar if self.higher else self.value <= self.bar) else "no"


def median(runs, key):
    return statistics.median(r[key] for r in runs)


class Bench:
    def __init__(self, args):
        self.args, self.begin, self.binaries, self.runs = args, time.time(), {}, []
        self.work = pathlib.Path(args.work)
        self.work.mkdir(parents=True, exist_ok=True)

    def say(self, text):
        print(f"[{time.time() - self.begin:5.0f} s] {text}", file=sys.stderr, flush=True)

    def execute(self, command, timeout=900):
        """Runs a command to its end: its standard output, seconds, and the memory of its largest process."""
        command = [str(c) for c in command]
        begin = time.monotonic()
        with open(self.work / "stdout", "w+") as out, open(self.work / "stderr", "w+") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err)
            try:
                while True:
                    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                    if pid:
                        break
                    if time.monotonic() - begin > timeout:
                        process.kill()
                        os.wait4(process.pid, 0)
                        raise Failed(f"{pathlib.Path(command[0]).name}: not done after {timeout} s")
                    time.sleep(0.01)
            except KeyboardInterrupt:
                process.kill()
                raise
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - begin
            out.seek(0), err.seek(0)
            text, complaint = out.read(), err.read().strip().splitlines()
        if process.returncode:
            errors = [line for line in complaint if "error" in line.lower()] or complaint[-1:] or ["no message"]
            raise Failed(f"exit status {process.returncode}: {errors[0].strip()[:200]}")
        return text, seconds, usage.ru_maxrss * 1024

    def record(self, row, who, command, numbers):
        self.runs.append({"row": row, "who": who, "command": " ".join(map(str, command)), "numbers": numbers})
        return numbers

    def binary(self, model, **sets):
        """The executable of a model at these sizes, built once a run of the suite."""
        key = (model, *sorted(sets.items()))
        if key not in self.binaries:
            source = HERE / "models" / f"{model}.tin"
            if not source.exists():
                source = ROOT / "frontend/models" / f"{model}.tin"
            name = f"{model}-{len(self.binaries)}"
            self.say(f"building {model} {' '.join(f'{k}={v}' for k, v in sets.items())}")
            self.execute([self.args.tintype, "build", source, *(f"--set={k}={v}" for k, v in sets.items()),
                          *self.args.build_flag, "-o", self.work / name])
            self.binaries[key] = self.work / name
        return self.binaries[key]

    def ours(self, row, binary, batch=None, context=None, dtype="f32", seconds=None, flags=()):
        command = [binary, "bench", "train", "--json", "--seconds", seconds or self.args.seconds, "--dtype", dtype]
        command += ["--batch", batch] * (batch is not None) + ["--context", context] * (context is not None)
        command += ["--threads", self.args.threads] * bool(self.args.threads) + list(flags)
        return self.record(row, "tintype", command, json.loads(self.execute(command)[0]))

    def torch(self, row, work, sizes, dtype="f32", steps=8, warmup=2, compiled=False):
        """The peer at `work`: train_gpt_torch.py of --peers for a gpt without dropout, if given, else peer.py."""
        script = [HERE / "peer.py", work]
        if work == "gpt" and self.args.peers and not sizes.get("drop"):
            script = [pathlib.Path(self.args.peers) / "train_gpt_torch.py"]
        command = [self.args.python, *script, f"--dtype={dtype}", f"--steps={steps}", f"--warmup={warmup}",
                   *(f"--{k.replace('_', '-')}={v}" for k, v in sizes.items())]
        command += ["--compile"] * compiled + [f"--threads={self.args.threads}"] * bool(self.args.threads)
        who = "torch compile" if compiled else "torch eager"
        return self.record(row, who, command, json.loads(self.execute(command)[0]))

    def interleave(self, row, ours, peers=()):
        """Runs {"name": function} of ours and of the peers in turn, `--rounds` times. A peer that fails is left
        out from then on; ours may not."""
        runs = {name: [] for name in [*ours, *dict(peers)]}
        failed = {}
        for i in range(self.args.rounds):
            for name, function in {**ours, **dict(peers)}.items():
                if name in failed:
                    continue
                self.say(f"{row}: round {i + 1} of {self.args.rounds}: {name}")
                try:
                    runs[name].append(function())
                except Failed as e:
                    if name in ours:
                        raise
                    failed[name] = str(e)
                    self.say(f"{row}: {name}: {e}")
        return {name: r for name, r in runs.items() if r}

    def has_peers(self):
        return bool(self.args.python)
