#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts syncs: `strace -f -c` sits on the running server during 100 sequential echo calls, each of
which must have been made durable before it was answered, so at least 100 syncs must be seen.

A control does the same around 100 health requests, which need no sync: if those alone reached 100
the count would prove nothing. Calls are sequential, so syncs cannot be shared.
"""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cluster as clusters  # noqa: E402
import http_api  # noqa: E402

CALLS = 100
SYNCS = ("fsync", "fdatasync", "sync_file_range")


def parse_summary(text):
    """Calls per syscall out of the table that `strace -c` prints; {} for an empty table."""
    counts = {}
    for line in text.splitlines():
        columns = line.split()
        if columns and columns[-1] in SYNCS:
            counts[columns[-1]] = int(columns[3])
    return counts


def attached(pid, summary):
    """Starts strace on the process and returns once every thread of it is traced."""
    command = ["strace", "-f", "-c", "-e", "trace=" + ",".join(SYNCS), "-o", str(summary)]
    tracer = subprocess.Popen(command + ["-p", str(pid)], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 10
    while not all(traced(pid, tracer.pid)):
        if tracer.poll() is not None:
            raise clusters.Broken(f"strace ended: {tracer.stderr.read()}")
        if time.monotonic() > end:
            tracer.kill()
            raise clusters.Broken("strace did not attach in 10 s")
        time.sleep(0.02)
    return tracer


def traced(pid, tracer):
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            status = pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text()
        except OSError:
            continue  # the thread has ended
        yield f"\nTracerPid:\t{tracer}\n" in status


def count(server, summary, action):
    tracer = attached(server.child.pid, summary)
    for _ in range(CALLS):
        action()
    tracer.send_signal(signal.SIGINT)  # detaches and writes the table
    tracer.communicate(timeout=20)
    server.check_alive()
    return parse_summary(summary.read_text())


def measure(cluster, work):
    cluster.start()
    cluster.register()
    api = http_api.Api(cluster.ingress)

    def echo():
        answer = api.once("POST", "/CrashSteps/echo", b'"hello"')
        if answer.result() != (200, b'"hello"'):
            raise clusters.Broken(f"echo gave {answer.result()}")

    def health():
        if api.once("GET", "/restate/health").status != 200:
            raise clusters.Broken("health failed")

    for _ in range(5):
        echo()
    time.sleep(0.5)
    calls = count(cluster.server, pathlib.Path(work) / "calls", echo)
    time.sleep(0.5)
    control = count(cluster.server, pathlib.Path(work) / "control", health)
    print(f"{CALLS} calls: {sum(calls.values())} syncs {calls}")
    print(f"{CALLS} health requests: {sum(control.values())} syncs {control}")
    return sum(calls.values()) >= CALLS and sum(control.values()) < CALLS


def main():
    root = HERE.parent.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-modules")
    parser.add_argument("--work", default=str(root / "build" / "crash"))
    options = parser.parse_args()
    binary = pathlib.Path(os.environ.get("PERDURE_BIN") or root / "build" / "release" / "perdure")
    pathlib.Path(options.work).mkdir(parents=True, exist_ok=True)
    work = tempfile.mkdtemp(prefix="syncs-", dir=options.work)
    modules = clusters.node_modules(options.node_modules)
    cluster = clusters.Cluster(binary.resolve(), modules, work)
    try:
        passed = measure(cluster, work)
    except clusters.Broken as broken:
        print(broken)
        passed = False
    finally:
        cluster.stop()
    shutil.rmtree(work)
    print("1 passed, 0 failed" if passed else "0 passed, 1 failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
