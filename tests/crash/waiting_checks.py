# SPDX-License-Identifier: Apache-2.0
"""What must hold of awakeables, signals, promises and cancellations after the last kill.

An acknowledged completion was seen, once and with its value; of several for one wait, one that was
acknowledged before another was even tried is not overtaken by it. An acknowledged cancellation
ended its invocation, which undid its work. What was only tried may or may not have happened.
"""
import json

import checks
import http_api
import verdicts
import waiting

GIVEN = "given"
TOO_LATE = "promise was already completed"
VERBS = ("value", "error")  # resolved, rejected
CANCELLED = (409, "Cancelled")


def of_kind(evidence, kind):
    return [op for op in evidence.ops if op.kind == kind and op.answers]


# ---- awakeables and signals ----------------------------------------------------------------------


def waits_saw_what_was_acknowledged(evidence):
    findings = []
    for op in of_kind(evidence, "hold"):
        for place, wait in enumerate(op.body["waits"]):
            acts = [act for act in op.acts if act.name == wait["name"]]
            findings += judge_wait(evidence, op, place, wait["name"], acts)
    return findings


def judge_wait(evidence, op, place, name, acts):
    where = f"{op.token} {name}"
    if not checks.succeeded(evidence, op):
        if any(act.acknowledged() for act in acts):
            return [f"{where}: acknowledged, result {evidence.results.get(op.token)}"]
        return []
    outcomes = json.loads(evidence.results[op.token][1])["outcomes"]
    seen = outcomes[place] if place < len(outcomes) else None
    winner = next((act for act in acts if act.completion == seen and act.tried()), None)
    if winner is None:
        return [f"{where}: saw {seen}, which nobody sent"]
    if place > 0:
        return []  # while it awaits something else the SDK keeps the last of several
    return [
        f"{where}: saw {seen}, first tried after {act.completion} was acknowledged"
        for act in acts
        if act is not winner and was_before(act, winner)
    ]


def was_before(first, second):
    """Whether `first` had arrived before `second` was tried. A handler is acknowledged when it has
    ended; what it sends arrives later."""
    if first.how not in ("ingress", "give") or not first.acknowledged():
        return False
    return first.request.ended < second.request.began


def waits_saw_one_value(evidence):
    """Every attempt, also one that a kill ended, was given the same; the result says so too."""
    findings, told = [], {}
    for op in evidence.ops:
        if op.kind in ("hold", "flow") and checks.succeeded(evidence, op):
            names = [wait["name"] for wait in op.body.get("waits", ({"name": "gate"},))]
            outcomes = json.loads(evidence.results[op.token][1])["outcomes"]
            told.update({(op.token, name): seen for name, seen in zip(names, outcomes)})
    for place in sorted(set(told) | set(evidence.saws)):
        saws = evidence.saws.get(place, [])
        if place in told and not saws:
            findings.append(f"{place}: {told[place]} in the result, but no attempt saw it")
        values = {json.dumps(value) for value in saws + [told.get(place, *saws[:1])]}
        if len(values) > 1:
            findings.append(f"{place}: attempts and result saw {sorted(values)}")
    return findings


def awakeable_ids_are_known(evidence):
    """The ids that the SDK made are those that the load completed."""
    findings = []
    for op in of_kind(evidence, "hold"):
        if checks.succeeded(evidence, op):
            ids = json.loads(evidence.results[op.token][1])["ids"]
            used = {act.request.path.split("/")[3] for act in op.acts if act.how == "ingress"}
            if not used <= set(ids):
                findings.append(f"{op.token}: completed {used}, awaited {ids}")
    return findings


# ---- promises ------------------------------------------------------------------------------------


def read_promises(evidence):
    """What peek and get tell at the end, by the workflow's key."""
    port = evidence.cluster.ingress

    def one(op):
        path, answers = f"/CrashFlow/{op.token}", []
        for handler in ("peek", "get"):
            try:
                answer = checks.fetch(port, "GET", f"{path}/{handler}", timeout_s=evidence.left_s())
                answers.append(json.loads(answer.body))
            except (ValueError, *http_api.LOST) as wrong:
                answers.append(repr(wrong))
        return op.token, answers

    return dict(checks.parallel(one, of_kind(evidence, "flow")))


def promises_kept_one_value(evidence, now):
    findings = []
    for op in of_kind(evidence, "flow"):
        gives = [act for act in op.acts if act.how == "give"]
        for text in judge_gives(gives) + judge_value(evidence, op, gives, now[op.token]):
            findings.append(f"{op.token}: {text}")
    return findings


def given(act):
    return json.loads(act.request.answer.body)["given"] if act.acknowledged() else None


def judge_gives(gives):
    told = [given(act) for act in gives if act.tried()]
    findings = [f"told {text!r}" for text in told if text not in (None, GIVEN, TOO_LATE)]
    if told.count(GIVEN) > 1:
        findings.append("two gave it")
    if told and all(told) and GIVEN not in told:
        findings.append("nobody gave it, and yet it was too late for all")
    return findings


def judge_value(evidence, op, gives, now):
    """The run, every look during the kills and every look at the end show the value of the one
    that gave it; nothing is seen before somebody tried, and never nothing after it was there."""
    if not any(act.acknowledged() for act in gives):
        return []
    if not checks.succeeded(evidence, op):
        return [f"given, result {evidence.results.get(op.token)}"]
    value = json.loads(evidence.results[op.token][1])["outcomes"][0]
    winner = next((act for act in gives if act.completion == value and act.tried()), None)
    if winner is None:
        return [f"the run saw {value}, which nobody gave"]
    findings = [
        f"the run saw {value}, but the one that gave it was {act.completion}"
        for act in gives
        if given(act) == (TOO_LATE if act is winner else GIVEN)
    ]
    overtaken = [act for act in gives if act is not winner and was_before(act, winner)]
    findings += [f"{value} was given after {act.completion}" for act in overtaken]
    findings += [f"now {seen}, the run saw {value}" for seen in now if seen != value]
    peeks = [act for act in op.acts if act.how == "peek" and act.acknowledged()]
    there = [act.request.ended for act in gives if act.acknowledged()]
    there += [act.request.ended for act in peeks if seen_by(act) is not None]
    for act in peeks:
        seen = seen_by(act)
        if seen is None and min(there) < act.request.began:
            findings.append("empty after it was given")
        if seen is not None and seen != value:
            findings.append(f"a look saw {seen}, the run {value}")
        if seen is not None and winner.request.began > act.request.ended:
            findings.append(f"a look saw {seen} before it was given")
    return findings


def seen_by(peek):
    return json.loads(peek.request.answer.body)


# ---- cancellations -------------------------------------------------------------------------------


def acknowledged_cancels_ended_their_invocations(evidence):
    findings = []
    for op in of_kind(evidence, "cancel"):
        act = op.acts[0]
        if not act.acknowledged():
            continue
        answer, verdict = act.request.answer, verdicts.of_cancel(evidence, op)
        if answer.status in (404, 409) and act.request.tries < 2:
            findings.append(f"{op.token}: refused with {answer.result()}")
            continue
        found = judge_cancel(evidence, op, verdict)
        findings += [f"{op.token} ({op.what}): {text}" for text in found]
    return findings


def judge_cancel(evidence, op, verdict):
    result = evidence.results.get(op.token)
    if verdict == verdicts.WITHDRAWN:
        tokens = [op.token + end for end in ("", ".c", ".undo", ".c.undo", ".u")]
        ran = [token for token in tokens if evidence.runs.get(token)]
        findings = [f"removed before its start, but {ran} ran"] if ran else []
        if result is None or result[0] != 404:
            findings.append(f"removed before its start, but {result}")
        return findings
    if verdict != verdicts.ENDED or failure_of(result) != CANCELLED:
        return [f"cancelled, but {result}"]
    ran = {step for step, _ in evidence.runs.get(op.token + ".undo", ())}
    return [] if len(ran) == op.undo_steps else [f"undone in {len(ran)} of {op.undo_steps} steps"]


def failure_of(result):
    """(status, message) of a failure as attach tells it; a code that differs is no such failure."""
    try:
        body = json.loads(result[1])
        return (result[0], body["message"]) if body["code"] == result[0] else None
    except (ValueError, KeyError, TypeError):
        return None


def keys_are_free(evidence):
    """The key of every cancelled invocation and of every one that it called takes new work."""
    keys = set()
    for op in of_kind(evidence, "cancel"):
        if op.path.startswith("/CrashTarget/"):
            keys |= {op.path.split("/")[2], op.child} - {""}

    def one(key):
        path, timeout_s = f"/CrashTarget/{key}/touch", evidence.left_s()
        try:
            answer = checks.fetch(evidence.cluster.ingress, "POST", path, timeout_s=timeout_s)
        except http_api.LOST as lost:
            return f"{key}: {lost!r}"
        return None if answer.result() == (200, b"true") else f"{key}: {answer.result()}"

    return checks.parallel(one, sorted(keys))


# ---- the load itself -----------------------------------------------------------------------------


def load_was_mixed(ops):
    """Which of the wanted combinations the load lacked, counted in acknowledged acts."""
    wanted = {f"cancel of {what}" for what in waiting.CANCELLABLE}
    wanted |= {"cancel by admin", "cancel by handler", "promise by give", "promise by peek"}
    wanted |= {f"awakeable {verb} by {how}" for verb in VERBS for how in ("ingress", "handler")}
    wanted |= {f"signal {verb} by handler" for verb in VERBS}
    for op in ops:
        for act in op.acts:
            if act.acknowledged():
                verb = "".join(act.completion or ())
                wanted -= {f"{act.kind} by {act.how}", f"{act.kind} {verb} by {act.how}"}
                wanted.discard(f"cancel of {getattr(op, 'what', '')}")
    return [f"no {what}" for what in sorted(wanted)]
