#!/usr/bin/env python3
"""Checks a timeline that `--trace` wrote.

usage: timeline.py FILE [--steps N] [--phases NAME…] [--blocks N]

It parses; every event has its place; on a thread events nest and do not overlap otherwise; kernels lie inside phases on the
main thread; what kernels take is no more than the phases that enclose them.
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
    steps, inside = collections.Counter(), collections.Counter()
    for tid, events in threads.items():
        for event, outer in check_thread(tid, events):
            if event["cat"] != "phase":
                if not {"kernel", "block", "flops", "bytes"} <= event["args"].keys():
                    sys.exit(f"a kernel without its numbers: {event}")
                inside[outer[0].get("args", {}).get("step") if outer else None] += event["dur"]
                if tid == 0 and not outer:
                    sys.exit(f"a kernel outside of every phase: {event}")
            elif event["name"] == "step":
                steps[event["args"]["step"]] += event["dur"]
    if len(steps) != args.steps:
        sys.exit(f"expected {args.steps} steps, but got {sorted(steps)}")
    for step, duration in steps.items():
        if not 0 < inside[step] <= duration * 1.001:
            sys.exit(f"step {step} takes {duration} us, but its kernels on the main thread {inside[step]} us")
    missing = set(args.phases) - {e["name"] for e in spans if e["cat"] == "phase"}
    if missing:
        sys.exit(f"expected the phases {sorted(missing)} too")
    print(f"{len(spans)} events on {len(threads)} threads, {sum(steps.values()):.0f} us in {len(steps)} steps")


if __name__ == "__main__":
    main()
