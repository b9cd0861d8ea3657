# SPDX-License-Identifier: Apache-2.0
"""The part of the load that ends from outside: awakeables, named signals, promises of workflows,
and work that only a cancellation ends.

A `Waiting` is an `Op` that is sent, with `Act`s that follow its acceptance: each completes one of
its waits, looks at it, or cancels it. Acts run in two lanes at once, so that they overtake each
other, the start of the handler, and its suspension. Every value is unique, so that a value tells
which act was seen.
"""
import base64
import json
import threading
import time
from dataclasses import dataclass

import http_api
from ops import Op, counter_key

CANCELLABLE = ("run", "sleep", "awakeable", "signal", "call", "promise")
TARGET_KEYS = 6  # few, so that some are cancelled while they wait for their key
CALLED_KEYS = 3
DELAYS_S = (0, 0, 0.03, 0.2, 0.5, 0.9)  # before, while and after the handler suspends
HANG_UP_S = 0.004
FIRST_AWAKEABLE = 17  # signal index (service protocol 3.1)
CANCEL_FINAL = (200, 202, 404, 409)
BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Act:
    how: str  # "ingress", "admin", "handler", "give" or "peek"
    kind: str  # "awakeable", "signal", "promise" or "cancel"
    name: str = ""  # which wait
    completion: dict = None  # {"value": ...} or {"error": ...}
    delay_s: float = 0
    lane: int = 0
    once: bool = False
    index: int = 0  # of an awakeable
    token: str = ""  # of the handler that does it
    request: http_api.Request = None
    trouble: str = ""

    def acknowledged(self):
        return self.request is not None and self.request.answer is not None

    def tried(self):
        return self.request is not None and self.request.tries > 0

    def runs_steps(self):
        return self.how in ("handler", "give")


@dataclass
class Waiting(Op):
    what: str = ""  # of a cancelled one: what it is doing
    undo_steps: int = 0
    undo_add: tuple = None  # (counter key, amount), added if it was cancelled after its start
    child: str = ""  # the key it calls

    def keyed(self):
        return not self.path.startswith("/CrashFlow/")

    def cancelled(self):
        return self.kind == "cancel"


def awakeable_id(invocation, index):
    """The id that the SDK makes of an invocation's id; known before the handler starts."""
    digits = invocation[len("inv_1") :]
    raw = b""
    for part, size in ((digits[:11], 8), (digits[11:], 16)):
        number = 0
        for digit in part:
            number = number * 62 + BASE62.index(digit)
        raw += number.to_bytes(size, "little")
    raw += index.to_bytes(4, "big")
    return "sign_1" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def make_completion(rng, text):
    return {"error" if rng.random() < 0.3 else "value": text}


def place(rng, act):
    act.delay_s, act.lane = rng.choice(DELAYS_S), rng.randrange(2)
    return act


def make_hold(rng, token, first=None):
    """One to three waits, each completed; the first sometimes twice, with different values.
    `first` tells (kind, how, verb) of the first."""
    op = Waiting(token, "hold", "/CrashWaits/hold", {"token": token, "waits": []}, send=True)
    awakeables = 0
    for i in range(rng.randint(1, 3)):
        name, kind = f"n{i}", rng.choice(("awakeable", "awakeable", "signal"))
        if first and i == 0:
            kind = first[0]
        op.body["waits"].append({"name": name, "kind": kind})
        for again in range(2 if i == 0 and rng.random() < 0.5 else 1):
            how = rng.choice(("ingress", "handler")) if kind == "awakeable" else "handler"
            completion = make_completion(rng, f"{token}/{name}/{again}")
            if first and i == again == 0:
                how, completion = first[1], {first[2]: f"{token}/{name}/0"}
            act = place(rng, Act(how, kind, name, completion))
            act.index, act.token = FIRST_AWAKEABLE + awakeables, f"{token}.a{len(op.acts)}"
            act.once = again == 1 and rng.random() < 0.5
            op.acts.append(act)
        awakeables += kind == "awakeable"
    op.steps[token] = len(op.body["waits"])
    return op


def make_flow(rng, token):
    """A workflow that waits for its promise, one or two that give it, and two that look."""
    op = Waiting(token, "flow", f"/CrashFlow/{token}/run", {"token": token}, send=True)
    op.steps[token] = 2
    for again in range(rng.choice((1, 2))):
        completion = make_completion(rng, f"{token}/gate/{again}")
        act = place(rng, Act("give", "promise", "gate", completion, token=f"{token}.a{again}"))
        act.once = again == 1 and rng.random() < 0.5
        op.acts.append(act)
    op.acts += [place(rng, Act("peek", "promise", "gate")) for _ in range(2)]
    return op


def make_cancel(rng, token, what=None, how=None):
    """Work without an end, and its cancellation. What it undoes is added to a counter."""
    what = what or rng.choice(CANCELLABLE)
    path = f"/CrashTarget/c{rng.randrange(TARGET_KEYS)}/hold"
    op = Waiting(token, "cancel", path, {"token": token, "what": what}, send=True, what=what)
    if what == "promise":
        op.path = f"/CrashFlow/{token}/run"
    op.undo_steps, op.undo_add = rng.randint(1, 3), (counter_key(rng), rng.randint(1, 9))
    key, amount = op.undo_add
    add = {"token": token + ".u", "amount": amount, "pauseMs": 0}
    op.body["undo"] = {"steps": op.undo_steps, "key": key, "add": add}
    if what == "call":
        op.child = f"b{rng.randrange(CALLED_KEYS)}"
        undo = {"steps": op.undo_steps}
        child = {"key": op.child, "token": token + ".c", "what": "sleep", "undo": undo}
        op.body["child"] = child
    how = how or rng.choice(("admin", "admin", "handler"))
    op.acts.append(place(rng, Act(how, "cancel", token=token + ".a0")))
    return op


MAKERS = (make_hold, make_hold, make_flow, make_cancel, make_cancel)

HELD = (
    ("awakeable", "ingress", "value"),
    ("awakeable", "ingress", "error"),
    ("awakeable", "handler", "value"),
    ("awakeable", "handler", "error"),
    ("signal", "handler", "value"),
    ("signal", "handler", "error"),
)


def make_first(number, rng, token):
    """The first request of a worker: together they have each kind of wait and cancellation once, so
    that also a slow machine sees them all."""
    if number < len(HELD):
        return make_hold(rng, token, HELD[number])
    if number < len(HELD) + len(CANCELLABLE):
        how = ("admin", "handler")[number % 2]
        return make_cancel(rng, token, CANCELLABLE[number - len(HELD)], how)
    return make_flow(rng, token)


# ---- doing it ------------------------------------------------------------------------------------


def request_of(op, act, invocation):
    if act.how == "admin":
        path = f"/invocations/{invocation}/cancel"
        return http_api.Request(path, method="PATCH", final=CANCEL_FINAL)
    if act.how == "ingress":
        verb = "resolve" if "value" in act.completion else "reject"
        text = json.dumps(act.completion["value"]) if verb == "resolve" else act.completion["error"]
        path = f"/restate/awakeables/{awakeable_id(invocation, act.index)}/{verb}"
        return http_api.Request(path, text.encode(), final=(202,), once=act.once)
    if act.how == "peek":
        return http_api.Request(f"/CrashFlow/{op.token}/peek", method="GET", final=(200,))
    body = {"token": act.token, "completion": act.completion}
    path = f"/CrashFlow/{op.token}/give"
    if act.how == "handler":
        path = "/CrashWaits/complete"
        named = awakeable_id(invocation, act.index) if act.kind == "awakeable" else invocation
        body.update(kind=act.kind, id=named, name=act.name)
    key = act.token
    return http_api.Request(path, json.dumps(body).encode(), key, final=(200,), once=act.once)


def perform(op, ports, settler):
    """Does the acts of an accepted invocation; returns when each has its answer or gave up."""

    invocation = op.invocation()

    def run(lane):
        apis = {port: http_api.Api(number) for port, number in ports.items()}
        start = time.monotonic()
        mine = [act for act in op.acts if act.lane == lane]
        for act in sorted(mine, key=lambda act: act.delay_s):
            time.sleep(max(0, start + act.delay_s - time.monotonic()))
            act.request = request_of(op, act, invocation)
            port = "admin" if act.how == "admin" else "ingress"
            try:
                hang_up_s = HANG_UP_S if act.once and lane else None
                settler.settle(apis[port], act.request, hang_up_s)
            except http_api.NeverSettled as never:
                act.trouble = str(never)
        for api in apis.values():
            api.close()

    other = threading.Thread(target=run, args=(1,))
    other.start()
    run(0)
    other.join()
