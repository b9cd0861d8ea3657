# SPDX-License-Identifier: Apache-2.0
"""The mixed load: what is asked, by whom, and what it must add up to.

An `Op` is one request with its idempotency key, the steps it must leave in the effects file (by
token, also for the calls and sends it causes) and what it adds to which counter. Workers repeat
each request until it is answered, sometimes hang up on the first try, sometimes ask twice at once
or once more afterwards, and keep every answer. The generator is seeded; threads and kills are not
reproducible to the millisecond, only the requests and the schedule are.
"""
import random
import threading
import time

import http_api
import waiting
from ops import Op, counter_key

LEDGERS = 4
WORKERS = 20
PAUSE_S = (0.02, 0.2)
STATE_NAMES = "abcdef"
WAITING_SHARE = 0.35  # of the requests, those that something else must end


def plan_add(op, rng, token, key, relay_chance):
    """One addition to a counter, noted in the op; it may send a second one to another counter."""
    add = {"token": token, "amount": rng.randint(1, 9), "pauseMs": rng.choice((0, 0, 3))}
    op.adds.append((key, add["amount"]))
    op.steps[token] = 2
    if rng.random() < relay_chance:
        relay = {
            "token": token + ".r",
            "key": counter_key(rng),
            "amount": rng.randint(1, 9),
            "delayMs": rng.choice((0, 0, 100)),
        }
        add["relay"] = relay
        op.adds.append((relay["key"], relay["amount"]))
        op.steps[relay["token"]] = 2
    return add


def make_walk(rng, token):
    body = {"token": token, "steps": rng.randint(1, 16), "pauseMs": rng.choice((0, 0, 2, 6))}
    return Op(token, "walk", "/CrashSteps/walk", body, steps={token: body["steps"]})


def make_nap(rng, token):
    naps = [rng.choice((0, 20, 120, 400, 900)) for _ in range(rng.randint(1, 3))]
    body = {"token": token, "naps": naps}
    return Op(token, "nap", "/CrashSteps/nap", body, steps={token: len(naps) + 1})


def make_fail(rng, token):
    body = {"token": token, "steps": rng.randint(1, 4)}
    return Op(token, "fail", "/CrashSteps/fail", body, steps={token: body["steps"]})


def make_chain(rng, token):
    depth = rng.randint(1, 4)
    op = Op(token, "chain", "/CrashSteps/chain", {"token": token, "depth": depth})
    for level in range(depth + 1):
        op.steps[token + ".d" * level] = 2 if level < depth else 1
    return op


def make_fan(rng, token):
    op = Op(token, "fan", "/CrashSteps/fan", {"token": token, "targets": []})
    for i in range(rng.randint(1, 5)):
        key = counter_key(rng)
        kind = rng.choice(("call", "send"))
        delay_ms = rng.choice((0, 0, 50, 300)) if kind == "send" else 0
        add = plan_add(op, rng, f"{token}.{i}", key, 0.2)
        target = {"kind": kind, "key": key, "delayMs": delay_ms, "add": add}
        op.body["targets"].append(target)
    op.steps[token] = len(op.body["targets"]) + 1
    return op


def make_add(rng, token):
    key = counter_key(rng)
    op = Op(token, "add", f"/CrashCounter/{key}/add", {})
    op.body = plan_add(op, rng, token, key, 0.3)
    return op


MAKERS = (make_walk, make_walk, make_nap, make_fail, make_chain, make_fan, make_fan, make_add)


def make_op(rng, token):
    if rng.random() < WAITING_SHARE:
        return rng.choice(waiting.MAKERS)(rng, token)
    op = rng.choice(MAKERS)(rng, token)
    op.send = rng.random() < 0.35
    return op


class Ledger:
    """One object key, changed by one worker, with a model of its state."""

    def __init__(self, key):
        self.key, self.state = key, {}

    def make_op(self, rng, token):
        changes = []
        for _ in range(rng.randint(1, 5)):
            op = rng.choices(("set", "clear", "clearAll"), (6, 3, 1))[0]
            name, value = rng.choice(STATE_NAMES), rng.randint(0, 999)
            changes.append({"op": op, "name": name, "value": value})
            if op == "set":
                self.state[name] = value
            elif op == "clear":
                self.state.pop(name, None)
            else:
                self.state.clear()
        path = f"/CrashLedger/{self.key}/change"
        op = Op(token, "ledger", path, {"token": token, "changes": changes})
        op.steps = {token: len(changes)}
        op.state = self.expected()
        return op

    def expected(self):
        return sorted([name, value] for name, value in self.state.items())


class Load:
    """All workers of one stage. `ops` is complete once `finish` has returned."""

    def __init__(self, ports, seed, settler):
        """`ports` are those of "ingress" and "admin"."""
        self.ports, self.seed, self.settler = ports, seed, settler
        self.ingress = ports["ingress"]
        self.ops, self.lock, self.in_flight = [], threading.Lock(), 0
        self.ledgers = [Ledger(f"l{i}") for i in range(LEDGERS)]
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._work, args=(i,), daemon=True)
            for i in range(WORKERS + LEDGERS)
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self):
        """No new requests; every open one is repeated until it is answered or the deadline."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def answered(self):
        with self.lock:
            return sum(1 for op in self.ops if op.answers)

    def _work(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        ledger = self.ledgers[number] if number < LEDGERS else None
        api = http_api.Api(self.ingress)
        made = 0
        while not self.stopping.is_set():
            token = f"w{number}-{made}"
            made += 1
            if ledger:
                op = ledger.make_op(rng, token)
            elif made == 1:
                op = waiting.make_first(number - LEDGERS, rng, token)
            else:
                op = make_op(rng, token)
            with self.lock:
                self.ops.append(op)
                self.in_flight += 1
            self._run(api, rng, op)
            with self.lock:
                self.in_flight -= 1
            time.sleep(rng.uniform(*PAUSE_S))
        api.close()

    def _run(self, api, rng, op):
        """An invocation that a cancellation removes would be made anew by a repeat that comes late,
        so those are never asked twice at once."""
        twin, single = None, op.cancelled()
        if not single and rng.random() < 0.15:
            twin = threading.Thread(target=self._ask, args=(http_api.Api(self.ingress), op, None))
            twin.start()
        self._ask(api, op, 0.005 if not single and rng.random() < 0.1 else None)
        if op.acts and op.answers:
            waiting.perform(op, self.ports, self.settler)
        if twin:
            twin.join()
        if op.answers and not single and rng.random() < 0.1:
            self._ask(api, op, None)

    def _ask(self, api, op, first_timeout_s):
        try:
            answer = self.settler.settle(api, op.request(), first_timeout_s)
            op.answers.append(answer)
        except http_api.NeverSettled as never:
            op.trouble = str(never)
