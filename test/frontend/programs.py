"""The functions of a task: their arguments, where training differs, and the smoothed loss against plain numpy."""
import re
import subprocess
import sys

import numpy as np

import graph_eval

SMALL = ["heads=2", "width=8", "layers=2"]


def graph(model, *sets):
    command = ["tintype", "check", model, "--graph"]
    for s in [*SMALL, *sets]:
        command += ["--set", s]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def roles(module, name):
    return [attr["role"] for _, _, attr in module.arguments(name)]


def expect(what, got, want):
    if got != want:
        sys.exit(f"{what}: expected {want}, but got {got}")


def main():
    models = sys.argv[1]

    text = graph(f"{models}/gpt2.tin", "vocab=16", "ctx=8", "drop=0.5")
    gpt2 = graph_eval.Module(text)
    expect("gpt2 forward", roles(gpt2, "forward"), ["tokens"])
    expect("gpt2 loss", roles(gpt2, "loss"), ["tokens", "targets", "targets_keep"])
    expect("gpt2 train_loss", roles(gpt2, "train_loss"), ["tokens", "targets", "targets_keep", "rng"])
    # One draw for the embedding and three for each layer, no two from the same site.
    drawn = {name: re.findall(r"graph\.random uniform (\d+)", "\n".join(lines)) for name, lines in gpt2.functions.items()}
    expect("draws outside of training", drawn["forward"] + drawn["loss"], [])
    expect("draws in training", len(drawn["train_loss"]), 7)
    expect("sites", len(set(drawn["train_loss"])), 7)
    still = graph_eval.Module(graph(f"{models}/gpt2.tin", "vocab=16", "ctx=8", "drop=0.0"))
    expect("without dropout", roles(still, "train_loss"), ["tokens", "targets", "targets_keep"])

    bert = graph_eval.Module(graph(f"{models}/bert.tin", "vocab=120", "ctx=8", "ffn=16"))
    expect("bert loss", roles(bert, "loss"), ["tokens", "mask", "segments", "targets", "targets_keep"])
    expect("bert train_loss, its own", roles(bert, "train_loss"), ["tokens", "mask", "segments", "rng"])

    vit = graph_eval.Module(graph(f"{models}/vit.tin", "size=8", "patch=4", "classes=5", "train.smoothing=0.25"))
    expect("vit loss", roles(vit, "loss"), ["images", "labels"])
    found = vit.run("loss", {"B": 3})
    logits, plain = found["result.0"], found["result.1"]
    even = np.mean(np.log(np.exp(logits).sum(1)) - logits.mean(1))
    smoothed = vit.run("train_loss", {"B": 3})["result.0"]
    want = 0.75 * plain + 0.25 * even
    if not np.allclose(smoothed, want):
        sys.exit(f"smoothed loss: expected {want}, but got {smoothed}")
    print("programs as expected")


if __name__ == "__main__":
    main()
