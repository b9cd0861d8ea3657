#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures durable-execution servers side by side, on the same work, in one run.

    bench.py --server ours='CMD' --server peer='CMD' [--rounds 3] [--seconds 6] [--only echo,steps] [--json out.json]

CMD is run by `sh -c` in a fresh, empty folder, with these in its environment (both servers read the same names):
    RESTATE_BASE_DIR, RESTATE_INGRESS__BIND_ADDRESS, RESTATE_ADMIN__BIND_ADDRESS, RESTATE_BIND_PORT
It must keep running in the foreground. fsync stays on in every server: a server that does not sync is not comparable.
One server runs at a time; the rounds alternate (A B A B ...), so a drift of the machine hits both.

The rows (endpoint.cpp beside this file is the service, wrk or a plain loop the client):
    echo/N            N connections, each POST Bench/echo, one call after another
    echo-idem/64      the same with a fresh idempotency-key per request
    send/64           POST Bench/echo/send, until accepted; then the time until all have run
    steps10/N         POST Bench/steps "10": ten durable steps, one after another
    big/16            POST Bench/echo with a 64 KiB body
    counter-hot/16    one object key, 16 connections
    counter-wide/64   10,000 object keys, 64 connections
    call/64           Bench/call: a call from a handler to another
    sleep/2000        2,000 invocations that sleep 1 s, all accepted at once: time until all are done
Printed for each row: requests/s, p50 and p99 in ms, CPU-ms of the server per request; then start-up time, idle and
peak resident memory, bytes on disk per invocation. With two servers: the ratio of the medians, first over second.
"""
import argparse, json, os, pathlib, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time
import http.client

HERE = pathlib.Path(__file__).resolve().parent
WRK_LUA = r"""
local kind, body = os.getenv("BENCH_KIND"), os.getenv("BENCH_BODY")
local size = tonumber(os.getenv("BENCH_SIZE") or "0")
if size > 0 then body = '"' .. string.rep("x", size) .. '"' end
local seed = os.getenv("BENCH_SEED")
local n = 0
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = body
if kind == "idem" then
  request = function()
    n = n + 1
    wrk.headers["idempotency-key"] = seed .. "-" .. n
    return wrk.format(nil, nil, nil, nil)
  end
elseif kind == "wide" then
  request = function()
    n = n + 1
    return wrk.format(nil, "/Counter/k" .. ((n * 7919) % 10000) .. "/add", nil, nil)
  end
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %f %f\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""

ROWS = [  # name, connections, path, kind, body, size
    ("echo/1", 1, "/Bench/echo", "plain", '"hello"', 0),
    ("echo/16", 16, "/Bench/echo", "plain", '"hello"', 0),
    ("echo/64", 64, "/Bench/echo", "plain", '"hello"', 0),
    ("echo/256", 256, "/Bench/echo", "plain", '"hello"', 0),
    ("echo-idem/64", 64, "/Bench/echo", "idem", '"hello"', 0),
    ("send/64", 64, "/Bench/echo/send", "plain", '"hello"', 0),
    ("steps10/1", 1, "/Bench/steps", "plain", "10", 0),
    ("steps10/64", 64, "/Bench/steps", "plain", "10", 0),
    ("big/16", 16, "/Bench/echo", "plain", None, 65536),
    ("counter-hot/16", 16, "/Counter/hot/add", "plain", "1", 0),
    ("counter-wide/64", 64, "/Counter/k0/add", "wide", "1", 0),
    ("call/64", 64, "/Bench/call", "plain", '"hello"', 0),
]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def post(port, path, body=b"", headers=None, timeout=60, method="POST"):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, body, {"content-type": "application/json", **(headers or {})} if body else (headers or {}))
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def wait(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if what():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise SystemExit("bench: not ready in time")


def tree(pid):
    """The pid and its descendants."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                todo += [int(c) for c in open(f"/proc/{p}/task/{t}/children").read().split()]
        except OSError:
            pass
    return out


def cpu_ms(pid):
    ticks = 0
    for p in tree(pid):
        try:
            f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(f[11]) + int(f[12])
        except OSError:
            pass
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def rss_mib(pid, peak=False):
    total = 0
    for p in tree(pid):
        try:
            for line in open(f"/proc/{p}/status"):
                if line.startswith("VmHWM:" if peak else "VmRSS:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


def disk_bytes(folder):
    return sum(f.lstat().st_blocks * 512 for f in pathlib.Path(folder).rglob("*") if f.is_file())


class Server:
    def __init__(self, label, command, workdir, endpoint_port):
        self.label, self.command, self.endpoint_port = label, command, endpoint_port
        self.base = tempfile.mkdtemp(prefix=f"bench-{label}-", dir=workdir)
        self.ingress, self.admin = free_port(), free_port()
        env = dict(os.environ, RESTATE_BASE_DIR=self.base + "/data", RESTATE_BIND_IP="127.0.0.1",
                   RESTATE_INGRESS__BIND_ADDRESS=f"127.0.0.1:{self.ingress}",
                   RESTATE_ADMIN__BIND_ADDRESS=f"127.0.0.1:{self.admin}", RESTATE_BIND_PORT=str(free_port()),
                   RESTATE_LISTEN_MODE="tcp", RESTATE_LOG_FILTER="warn", DO_NOT_TRACK="true")
        os.makedirs(self.base + "/data")
        self.log = open(self.base + "/log", "wb")
        t0 = time.time()
        self.process = subprocess.Popen(["sh", "-c", "exec " + command], cwd=self.base, env=env, stdout=self.log,
                                        stderr=self.log, start_new_session=True)
        def ready():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: {label} ended at start: see {self.base}/log")
            return post(self.admin, "/health", method="GET")[0] == 200 and \
                post(self.ingress, "/restate/health", method="GET")[0] == 200
        wait(ready)
        self.ready_ms = (time.time() - t0) * 1000
        status, body = post(self.admin, "/deployments", json.dumps({"uri": f"http://127.0.0.1:{endpoint_port}"}).encode())
        if status not in (200, 201):
            raise SystemExit(f"bench: {label} refused the deployment: {status} {body[:300]!r}")
        wait(lambda: post(self.ingress, "/Bench/echo", b'"x"')[0] == 200)
        self.first_call_ms = (time.time() - t0) * 1000
        time.sleep(1)
        self.idle_mib = rss_mib(self.process.pid)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.base, ignore_errors=True)


def ended(path):
    return int.from_bytes(open(path, "rb").read(8), sys.byteorder)


def drained(row, path, before, got):
    """After sends: wait until everything accepted has run, and say at what rate it ran from the first accept on."""
    if "error" in got or not row[2].endswith("/send"):
        return got
    t0 = time.time()
    while ended(path) - before < got["n"]:
        if time.time() - t0 > 300:
            return {"error": f"{got['n'] - (ended(path) - before)} of {got['n']} accepted never ran"}
        time.sleep(0.02)
    return {**got, "drain_s": time.time() - t0, "ran_rps": got["n"] / (got["n"] / got["rps"] + time.time() - t0)}


def counted(server, row, got, n):
    """The hot counter must hold every answered add, and no more than those still on the wire when the clock stopped."""
    if "error" in got or row[0] != "counter-hot/16":
        return got
    value = int(post(server.ingress, "/Counter/hot/get", b"0")[1])
    if not n <= value <= n + 2 * row[1]:
        return {"error": f"{n} adds answered, the counter says {value}"}
    return got


def run_wrk(server, row, seconds, lua):
    name, connections, path, kind, body, size = row
    env = dict(os.environ, BENCH_KIND=kind, BENCH_BODY=body or "", BENCH_SIZE=str(size), BENCH_SEED=str(time.time_ns()))
    before = cpu_ms(server.process.pid)
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", lua,
                          f"http://127.0.0.1:{server.ingress}{path}"], env=env, capture_output=True, text=True)
    m = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", out.stdout)
    if not m:
        return {"error": (out.stdout + out.stderr)[-200:]}
    requests, micros, bad, broken = (int(m[i]) for i in range(1, 5))
    used = cpu_ms(server.process.pid) - before
    if bad or broken:
        return {"error": f"{bad} bad statuses, {broken} broken of {requests}"}
    if not requests:
        return {"error": "no request was answered"}
    return {"rps": requests / (micros / 1e6), "p50": float(m[5]) / 1000, "p99": float(m[6]) / 1000,
            "cpu_ms": used / requests, "n": requests}


def sleepers(server, count=2000):
    """Accept `count` one-second sleepers as fast as 16 connections can, then wait until every result is there."""
    t0, ids, lock = time.time(), [], threading.Lock()
    def send(n):
        c = http.client.HTTPConnection("127.0.0.1", server.ingress, timeout=60)
        for _ in range(n):
            c.request("POST", "/Bench/sleep/send", b"1000", {"content-type": "application/json"})
            r = c.getresponse()
            body = json.loads(r.read())
            with lock:
                ids.append(body["invocationId"])
        c.close()
    threads = [threading.Thread(target=send, args=(count // 16,)) for _ in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    accepted = time.time() - t0
    c = http.client.HTTPConnection("127.0.0.1", server.ingress, timeout=60)
    for i in ids:
        c.request("GET", f"/restate/invocation/{i}/attach")
        r = c.getresponse()
        r.read()
        if r.status not in (200, 404):  # without retention a finished one may be gone
            return {"error": f"attach answered {r.status}"}
    c.close()
    return {"accepted_s": accepted, "done_s": time.time() - t0, "n": len(ids)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--server", action="append", required=True, metavar="LABEL=CMD")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=int, default=6)
    a.add_argument("--only", default="", help="comma-separated prefixes of row names")
    a.add_argument("--workdir", default=tempfile.gettempdir())
    a.add_argument("--json", default="")
    o = a.parse_args()
    servers = [s.split("=", 1) for s in o.server]
    work = tempfile.mkdtemp(prefix="bench-", dir=o.workdir)
    kind = subprocess.run(["stat", "-f", "-c", "%T", work], capture_output=True, text=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        raise SystemExit(f"bench: {work} is {kind}, where fsync costs nothing: name a folder on a disk with --workdir")
    binary, lua = work + "/endpoint", work + "/wrk.lua"
    subprocess.run(["c++", "-O2", "-std=c++20", str(HERE / "endpoint.cpp"), "-lnghttp2", "-o", binary], check=True)
    open(lua, "w").write(WRK_LUA)
    wanted = [p for p in o.only.split(",") if p]
    rows = [r for r in ROWS if not wanted or any(r[0].startswith(p) for p in wanted)]
    do_sleep = not wanted or any("sleep/2000".startswith(p) for p in wanted)
    port = free_port()
    tally = work + "/ended"
    endpoint = subprocess.Popen([binary, str(port), tally])
    results = {label: {} for label, _ in servers}
    try:
        wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None)
        for round_ in range(o.rounds):
            for label, command in servers:
                server = Server(label, command, work, port)
                try:
                    put = lambda row, figure, v: results[label].setdefault(row, {}).setdefault(figure, []).append(v)
                    put("start", "ready_ms", server.ready_ms)
                    put("start", "first_call_ms", server.first_call_ms)
                    put("memory", "idle_mib", server.idle_mib)
                    disk0, calls = disk_bytes(server.base), 0
                    for row in rows:
                        before = ended(tally)
                        warm = drained(row, tally, before, run_wrk(server, row, 1, lua))
                        before = ended(tally)
                        got = drained(row, tally, before, run_wrk(server, row, o.seconds, lua))
                        got = counted(server, row, got, warm.get("n", 0) + got.get("n", 0))
                        print(f"# round {round_ + 1} {label:8} {row[0]:16} {json.dumps(got)}", file=sys.stderr, flush=True)
                        for k, v in got.items():
                            put(row[0], k, v)
                        calls += got.get("n", 0) * (1 + 1 / o.seconds)
                    if do_sleep:
                        got = sleepers(server)
                        print(f"# round {round_ + 1} {label:8} sleep/2000       {json.dumps(got)}", file=sys.stderr, flush=True)
                        for k, v in got.items():
                            put("sleep/2000", k, v)
                    put("memory", "peak_mib", rss_mib(server.process.pid, peak=True))
                    if calls:
                        put("disk", "bytes_per_invocation", (disk_bytes(server.base) - disk0) / calls)
                finally:
                    server.stop()
    finally:
        endpoint.kill()
        endpoint.wait()
        shutil.rmtree(work, ignore_errors=True)
    labels = [s[0] for s in servers]
    print(f"{'row':16} {'figure':20} " + " ".join(f"{l:>12}" for l in labels) + ("   ratio" if len(labels) == 2 else ""))
    for row in dict.fromkeys(r for l in labels for r in results[l]):
        for figure in dict.fromkeys(f for l in labels for f in results[l].get(row, {}) if f != "n"):
            values = []
            for l in labels:
                v = results[l].get(row, {}).get(figure, [])
                values.append(statistics.median(v) if v and not isinstance(v[0], str) else (v[0] if v else None))
            line = f"{row:16} {figure:20} " + " ".join(f"{v:12.3f}" if isinstance(v, (int, float)) else f"{str(v)[:40]:>12}" for v in values)
            if len(labels) == 2 and all(isinstance(v, (int, float)) for v in values) and values[1]:
                line += f" {values[0] / values[1]:7.2f}"
            print(line)
    if o.json:
        json.dump(results, open(o.json, "w"), indent=1)


if __name__ == "__main__":
    main()
