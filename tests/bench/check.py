#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the bounds on speed and size: check.py RESULTS.json BINARY [TABLE.md]

RESULTS.json is what bench.py wrote for the servers "perdure" and "reference"; medians of the rounds are compared.
Writes a table in markdown, one line per bound, with the machine above it; the last line printed is
"N passed, N failed". A row that bench.py was told to leave out has no bounds here; a row with an error fails.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

MIB = 1024 * 1024
LIBRARIES = re.compile(r"^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libssl|libcrypto|ld-linux-x86-64)\.so")


def median(values):
    numbers = [v for v in values or [] if isinstance(v, (int, float))]
    return statistics.median(numbers) if numbers else None


def connections(row):
    name, _, count = row.partition("/")
    return int(count) if name != "sleep" and count.isdigit() else 0


def throughput_bound(row):
    return {"counter-hot": 4.0, "big": 2.0}.get(row.partition("/")[0], 5.0)


class Table:
    def __init__(self):
        self.lines, self.passed, self.failed = [], 0, 0

    def add(self, figure, ours, reference, shown, bound, ok):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        cells = [figure, number(ours), number(reference), shown, bound, "ok" if ok else "**missed**"]
        self.lines.append("| " + " | ".join(cells) + " |")

    def ratio(self, figure, ours, reference, bound, at_least):
        if ours is None or not reference:
            self.add(figure, ours, reference, "-", "measured", False)
            return
        ratio = ours / reference
        ok = ratio >= bound if at_least else ratio <= bound
        self.add(figure, ours, reference, f"{ratio:.2f}", f"{'≥' if at_least else '≤'} {bound:g} ×", ok)

    def at_most(self, figure, ours, reference, bound, unit):
        ok = ours is not None and ours <= bound
        self.add(figure, ours, reference, "-", f"≤ {bound:g} {unit}", ok)


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def rows(table, ours, reference):
    for row in ours:
        if "/" not in row:
            continue
        mine, theirs = ours[row], reference.get(row, {})
        # A failure of the reference is no merit of ours, but without its figure there is nothing to compare.
        for label, figures in (("perdure", mine), ("reference", theirs)):
            if "error" in figures:
                table.add(f"{row} of {label}", None, None, str(figures["error"][0])[:60], "no error", False)
        value = lambda figure: (median(mine.get(figure)), median(theirs.get(figure)))
        if row.startswith("sleep"):
            table.ratio(f"{row} done_s", *value("done_s"), 0.6, False)
            continue
        if connections(row) >= 16:
            table.ratio(f"{row} requests/s", *value("rps"), throughput_bound(row), True)
            if row.startswith("send"):
                table.ratio(f"{row} ran/s", *value("ran_rps"), throughput_bound(row), True)
        if row in ("echo/1", "steps10/1"):
            table.ratio(f"{row} p50 ms", *value("p50"), 0.35 if row == "echo/1" else 0.5, False)
        table.ratio(f"{row} p99 ms", *value("p99"), 1.0, False)


def resources(table, ours, reference):
    value = lambda row, figure: (median(ours.get(row, {}).get(figure)), median(reference.get(row, {}).get(figure)))
    table.at_most("idle memory, MiB", *value("memory", "idle_mib"), 64, "MiB")
    table.ratio("peak memory, MiB", *value("memory", "peak_mib"), 1 / 3, False)
    table.at_most("start to healthy, ms", *value("start", "ready_ms"), 100, "ms")


def binary(table, path):
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder) / "stripped"
        subprocess.run(["strip", "-o", stripped, path], check=True)
        table.at_most("stripped binary, MiB", stripped.stat().st_size / MIB, None, 25, "MiB")
    dynamic = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    foreign = [name for name in needed if not LIBRARIES.match(name)]
    shown = ", ".join(foreign) or "none"
    table.add("other shared libraries", len(foreign), None, shown, "none", not foreign and bool(needed))


def machine():
    cpu = re.search(r"model name\s*: (.+)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / MIB
    name = cpu[1] if cpu else "unknown processor"
    return f"{os.cpu_count()} cores of {name}, {memory:.0f} GiB, Linux {os.uname().release}; fsync on, medians of the rounds"


def main():
    results, path = json.load(open(sys.argv[1])), sys.argv[2]
    ours, reference = results["perdure"], results["reference"]
    table = Table()
    rows(table, ours, reference)
    resources(table, ours, reference)
    binary(table, path)
    head = ["| figure | perdure | reference | ratio | bound | |", "|---|---|---|---|---|---|"]
    text = "\n".join([f"`scripts/test --bench` on {machine()}.", "", *head, *table.lines]) + "\n"
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(text)
    print(text)
    print(f"{table.passed} passed, {table.failed} failed")
    return 0 if table.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
