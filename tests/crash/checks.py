# SPDX-License-Identifier: Apache-2.0
"""What must hold after the last kill. Each check returns a list of findings; empty means passed.

Checks compare three independent records: what clients were told, what the server tells now (by
id, by repeated request, by reading the objects), and the effects file that neither of them owns.
They never repair or retry a wrong answer; they only wait, up to a deadline, for work to end.
"""
import json
import re
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import http_api
import verdicts

OPEN_STATES = ("running", "scheduled", "pending", "ready", "backing-off", "suspended", "paused")
EFFECT = re.compile(r"(\S+) (\d+) ([0-9a-f-]{36})")  # a kill may tear a line: not a begun step
SAW = re.compile(r"(\S+) saw (\S+) (\{.*\})")  # what a wait gave to one attempt
QUIET_S = 1.0  # how long counters are watched for a late duplicate
NAP_TOLERANCE_MS = 2  # the SDK rounds its wake-up time to whole milliseconds
THREADS = 12


def fetch(port, method, path, body=None, key=None, timeout_s=30, _local=threading.local()):
    """One request of the verification; nothing is killed any more, so a loss is a finding."""
    api = getattr(_local, "api", None)
    if api is None or api.port != port:
        api = _local.api = http_api.Api(port, timeout_s)
    return api.once(method, path, body, key, timeout_s)


class Evidence:
    """Everything the checks read, collected once."""

    def __init__(self, cluster, load, deadline):
        self.cluster, self.load, self.deadline = cluster, load, deadline
        self.ops = load.ops
        self.results = {}  # token -> (status, body) of the invocation itself
        self.reread()

    def left_s(self):
        return max(0.5, self.deadline - time.monotonic())

    def reread(self):
        self.runs, self.saws = defaultdict(list), defaultdict(list)
        for line in self.cluster.effects.read_text().splitlines():
            if match := EFFECT.fullmatch(line):
                self.runs[match[1]].append((int(match[2]), match[3]))
            elif match := SAW.fullmatch(line):
                self.saws[match[1], match[2]].append(json.loads(match[3]))

    def model(self):
        sums, counts = defaultdict(int), defaultdict(int)
        for op in self.ops:
            for key, amount in op.adds + verdicts.undone_adds(self, op):
                sums[key] += amount
                counts[key] += 1
        return {key: {"sum": sums[key], "count": counts[key]} for key in sorted(sums)}


# ---- answers -------------------------------------------------------------------------------------


def every_request_was_answered(evidence):
    findings = [f"{op.token}: {text}" for op in evidence.ops for text in op.troubles()]
    return findings + [f"{op.token}: no answer" for op in evidence.ops if not op.answers]


def no_request_was_refused(evidence):
    return list(evidence.load.settler.refusals)


def send_id(answer):
    return json.loads(answer.body)["invocationId"]


def repeats_gave_one_answer(evidence):
    """Answers collected under load: one invocation id per key, and the same bytes every time."""
    findings = []
    for op in evidence.ops:
        ids = {send_id(a) if a.status == 202 else a.id for a in op.answers}
        if len(ids) > 1:
            findings.append(f"{op.token}: {len(ids)} invocation ids for one key: {ids}")
        if not op.send and len({a.result() for a in op.answers}) > 1:
            findings.append(f"{op.token}: answers differ: {[a.result() for a in op.answers]}")
        if op.send and any(a.status != 202 for a in op.answers):
            findings.append(f"{op.token}: a send was answered {[a.status for a in op.answers]}")
    return findings


def acknowledged_kept_one_result(evidence):
    """Attach and output give what the client was told, byte for byte."""
    port = evidence.cluster.ingress

    def one(op):
        if not op.answers:
            return None
        told, invocation = op.answers[0].result(), op.invocation()
        try:
            by_id = f"/restate/invocation/{invocation}"
            attached = fetch(port, "GET", f"{by_id}/attach", timeout_s=evidence.left_s())
            output = fetch(port, "GET", f"{by_id}/output")
        except http_api.LOST as lost:
            return f"{op.token} {invocation}: {lost!r}"
        evidence.results[op.token] = attached.result()
        if op.cancelled() and attached.status == output.status == 404:
            return None  # it was removed: judged by the answer to its cancellation
        if output.result() != attached.result():
            return f"{op.token}: attach {attached.result()}, output {output.result()}"
        if not op.send and told != attached.result():
            return f"{op.token}: told {told}, attach {attached.result()}"
        return None

    return parallel(one, evidence.ops)


def late_repeats_gave_one_answer(evidence):
    """The same request once more. Comes after the models are compared: it would redo lost work."""

    def one(op):
        if not op.answers or op.cancelled():
            return None
        try:
            asked = op.request()
            again = fetch(evidence.cluster.ingress, "POST", asked.path, asked.body, asked.key)
        except http_api.LOST as lost:
            return f"{op.token}: {lost!r}"
        expected = {"invocationId": op.invocation(), "status": "PreviouslyAccepted"}
        if op.send and (again.status != 202 or json.loads(again.body) != expected):
            return f"{op.token}: a repeated send gave {again.result()}"
        if not op.send and again.result() != op.answers[0].result():
            return f"{op.token}: told {op.answers[0].result()}, then {again.result()}"
        return None

    return parallel(one, evidence.ops)


def parallel(function, items):
    with ThreadPoolExecutor(THREADS) as pool:
        return [finding for finding in pool.map(function, items) if finding]


# ---- results -------------------------------------------------------------------------------------


def parse_result(op, status, body):
    """The handler's result, out of the answer of a call or the message of the failure."""
    expected = 418 if op.kind == "fail" else 200
    if status != expected:
        raise ValueError(f"status {status} {body[:200]!r}, expected {expected}")
    result = json.loads(body)
    return json.loads(result["message"]) if op.kind == "fail" else result


def succeeded(evidence, op):
    return evidence.results.get(op.token, (0, b""))[0] == 200


def flatten(result):
    yield result
    for nested in result["nested"]:
        yield from flatten(nested)


def results_match_effects(evidence):
    """Every result names, for each of its steps, an attempt that the file saw run that step."""
    findings = []
    for op in evidence.ops:
        if op.token not in evidence.results or op.cancelled():
            continue
        try:
            result = parse_result(op, *evidence.results[op.token])
            for part in flatten(result):
                trail, ran = part["trail"], set(evidence.runs[part["token"]])
                if len(trail) != op.steps[part["token"]]:
                    findings.append(f"{part['token']}: {len(trail)} steps in the result")
                elif any((step, attempt) not in ran for step, attempt in enumerate(trail)):
                    findings.append(f"{part['token']}: a step of the result was never run")
            if op.state is not None and result["state"] != op.state:
                findings.append(f"{op.token}: state {result['state']}, expected {op.state}")
        except (ValueError, KeyError) as wrong:
            findings.append(f"{op.token}: {wrong!r}")
    return findings


def additions_saw_distinct_counts(evidence):
    """Two additions to one key that saw the same count ran at the same time or on lost state."""
    seen, findings = {}, []
    for op in evidence.ops:
        if op.kind not in ("fan", "add") or not succeeded(evidence, op):
            continue
        keys = {op.token: op.path.split("/")[2]}
        for target in op.body.get("targets", ()):
            keys[target["add"]["token"]] = target["key"]
        for part in flatten(json.loads(evidence.results[op.token][1])):
            if "count" not in part:
                continue
            place = (keys[part["token"]], part["count"])
            if seen.setdefault(place, part["token"]) != part["token"]:
                findings.append(f"{place}: seen by {seen[place]} and by {part['token']}")
    return findings


def naps_were_never_early(evidence):
    findings = []
    for op in evidence.ops:
        if op.kind != "nap" or not succeeded(evidence, op):
            continue
        stamps = json.loads(evidence.results[op.token][1])["stamps"]
        for ms, before, after in zip(op.body["naps"], stamps, stamps[1:]):
            if after - before < ms - NAP_TOLERANCE_MS:
                findings.append(f"{op.token}: slept {after - before} of {ms} ms")
    return findings


# ---- effects -------------------------------------------------------------------------------------


def steps_ran_in_order(evidence):
    """A step runs again only while no later step of its invocation has begun."""
    findings, disturbed = [], verdicts.disturbed_tokens(evidence.ops)
    for token, runs in evidence.runs.items():
        if token in disturbed:
            continue
        highest = -1
        for step, attempt in runs:
            if step < highest:
                findings.append(f"{token}: step {step} ran again after {highest} ({attempt})")
            elif step > highest + 1:
                findings.append(f"{token}: step {step} began before {highest + 1}")
            highest = max(highest, step)
    return findings


def every_step_ran(evidence):
    """Accepted work, also calls and sends between services, ran to its last step; no stranger."""
    expected, findings, known = {}, [], set()
    for op in evidence.ops:
        expected.update(op.steps)
        exact, possible = verdicts.steps_of(evidence, op)
        expected.update(exact)
        known |= possible
    for token, steps in expected.items():
        ran = {step for step, _ in evidence.runs.get(token, ())}
        if ran != set(range(steps)):
            findings.append(f"{token}: ran {len(ran)} of {steps} steps")
    strangers = set(evidence.runs) - set(expected) - known
    return findings + [f"{token}: nobody asked for it" for token in sorted(strangers)]


def repeated_steps(evidence):
    return sum(len(runs) - len({step for step, _ in runs}) for runs in evidence.runs.values())


# ---- objects -------------------------------------------------------------------------------------


def read_counters(evidence):
    port, now = evidence.cluster.ingress, {}
    for key in evidence.model():
        answer = fetch(port, "GET", f"/CrashCounter/{key}/read")
        now[key] = json.loads(answer.body) if answer.status == 200 else answer.result()
    return now


def counters_equal_model(evidence):
    """Waits for one-way sends to arrive, then watches that nothing is added twice."""
    model = evidence.model()
    while (now := read_counters(evidence)) != model and time.monotonic() < evidence.deadline:
        time.sleep(0.2)
    if now == model:
        time.sleep(QUIET_S)
        now = read_counters(evidence)
    return [f"{key}: {now[key]}, model {model[key]}" for key in model if now[key] != model[key]]


def ledgers_equal_model(evidence):
    findings = []
    for ledger in evidence.load.ledgers:
        answer = fetch(evidence.cluster.ingress, "GET", f"/CrashLedger/{ledger.key}/read")
        if answer.status != 200 or json.loads(answer.body) != ledger.expected():
            findings.append(f"{ledger.key}: {answer.result()}, model {ledger.expected()}")
    return findings


# ---- the server's own lists ----------------------------------------------------------------------


def open_invocations(evidence, reference):
    if reference:
        return evidence.cluster.queried_open()
    listed = []
    for state in OPEN_STATES:
        listed += [f"{state}: {row}" for row in evidence.cluster.listed(state)]
    return listed


def nothing_is_open(evidence, reference):
    listed = open_invocations(evidence, reference)
    while listed and time.monotonic() < evidence.deadline:
        time.sleep(0.2)
        listed = open_invocations(evidence, reference)
    if not reference and not evidence.cluster.listed("completed"):
        listed.append("the list of completed invocations is empty, so empty lists prove nothing")
    return listed
