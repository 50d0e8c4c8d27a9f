#!/usr/bin/env python3
"""Checks a timeline that `--trace` wrote.

usage: timeline.py FILE [--steps N] [--phases NAME…]

It parses; every event has its place; on a thread events nest and do not overlap otherwise; kernels lie inside phases on the
main thread; each step has kernels, and on each thread they end with it and take no more than it.
"""
import argparse
import collections
import json
import sys

EPSILON = 0.0011  # microseconds: times are written in nanoseconds


def check_thread(tid, events):
    """Events of one thread come in order of their beginnings, what encloses first; returns (event, enclosing events)."""
    open_events, nested = [], []
    for event in events:
        while open_events and event["ts"] >= open_events[-1]["ts"] + open_events[-1]["dur"] - EPSILON:
            open_events.pop()
        if open_events:
            outer = open_events[-1]
            end, outer_end = event["ts"] + event["dur"], outer["ts"] + outer["dur"]
            if end > outer_end + EPSILON:
                sys.exit(f"thread {tid}: {event['name']} ends at {end}, after {outer['name']} that encloses it, {outer_end}")
            if outer["cat"] != "phase":
                sys.exit(f"thread {tid}: {event['name']} runs inside the kernel {outer['name']}")
        nested.append((event, list(open_events)))
        open_events.append(event)
    return nested


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--phases", nargs="*", default=[])
    args = parser.parse_args()
    trace = json.load(open(args.file))
    if trace["otherData"]["dropped_events"]:
        sys.exit("events were dropped")
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    threads = collections.defaultdict(list)
    for event in spans:
        if event["ts"] < 0 or event["dur"] < 0 or event["pid"] != 1 or not event["name"]:
            sys.exit(f"an event without its place: {event}")
        threads[event["tid"]].append(event)
    steps, kernels = {}, collections.defaultdict(list)
    for tid, events in threads.items():
        for event, outer in check_thread(tid, events):
            if event["cat"] != "phase":
                if not {"kernel", "block", "flops", "bytes"} <= event["args"].keys():
                    sys.exit(f"a kernel without its numbers: {event}")
                if tid == 0 and not outer:
                    sys.exit(f"a kernel outside of every phase: {event}")
                kernels[tid].append(event)
            elif event["name"] == "step":
                steps[event["args"]["step"]] = event
    if len(steps) != args.steps:
        sys.exit(f"expected {args.steps} steps, but got {sorted(steps)}")
    for number, step in steps.items():
        # Any thread may run a step's kernels, one of them all where the others get no core.
        end = step["ts"] + step["dur"]
        inside = {tid: [e for e in events if step["ts"] <= e["ts"] < end] for tid, events in kernels.items()}
        if not any(inside.values()):
            sys.exit(f"step {number} has no kernel")
        for tid, events in inside.items():
            last = max((e["ts"] + e["dur"] for e in events), default=0)
            if last > end + EPSILON or sum(e["dur"] for e in events) > step["dur"] * 1.001:
                sys.exit(f"step {number} ends at {end} after {step['dur']} us, its kernels on thread {tid} at {last}")
    missing = set(args.phases) - {e["name"] for e in spans if e["cat"] == "phase"}
    if missing:
        sys.exit(f"expected the phases {sorted(missing)} too")
    print(f"{len(spans)} events on {len(threads)} threads, {sum(s['dur'] for s in steps.values()):.0f} us in {len(steps)} steps")


if __name__ == "__main__":
    main()
