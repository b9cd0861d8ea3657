# SPDX-License-Identifier: Apache-2.0
"""What the acknowledgements of acts (waiting.py) promise: how a cancelled invocation must have
ended, and which steps must have run because of it. Pure; shared by the checks.
"""
STEPS_OF_ACT = 2
ENDED, WITHDRAWN, UNKNOWN = "ended", "withdrawn", "unknown"


def of_cancel(evidence, op):
    """How an invocation that only a cancellation ends must have ended.

    202 promises that the handler sees it, 200 that it never starts. 409 and 404 to a repeat, and a
    cancellation by another handler, promise one of the two; which one the invocation itself tells.
    """
    act = op.acts[0]
    if not act.acknowledged():
        return UNKNOWN
    if act.how == "admin" and act.request.answer.status in (200, 202):
        return ENDED if act.request.answer.status == 202 else WITHDRAWN
    status = evidence.results.get(op.token, (0, b""))[0]
    return {409: ENDED, 404: WITHDRAWN}.get(status, UNKNOWN)


def undone_adds(evidence, op):
    if op.cancelled() and of_cancel(evidence, op) == ENDED:
        return [op.undo_add]
    return []


def disturbed_tokens(ops):
    """Compensations that a second cancellation may have interrupted: the first may have arrived
    although its answer was lost. Their steps may run again late."""
    found = set()
    for op in ops:
        if op.cancelled() and op.acts[0].request is not None and op.acts[0].request.tries > 1:
            found |= {op.token + ".undo", op.token + ".c.undo"}
    return found


def steps_of(evidence, op):
    """(steps that must have run, by token; tokens whose steps may have run), beside `op.steps`."""
    exact, possible = {}, set()
    for act in op.acts:
        if act.runs_steps() and act.tried():
            if act.acknowledged() or evidence.runs.get(act.token):
                exact[act.token] = STEPS_OF_ACT  # begun means accepted, accepted means ended
    if not op.cancelled():
        return exact, possible
    verdict = of_cancel(evidence, op)
    if verdict == ENDED:
        exact[op.token + ".undo"] = op.undo_steps
        exact[op.token + ".u"] = STEPS_OF_ACT
    if verdict != WITHDRAWN:
        possible |= {op.token, op.token + ".c"}
        if any(evidence.runs.get(op.token + end) for end in (".c", ".c.undo")):
            exact[op.token + ".c.undo"] = op.undo_steps
    return exact, possible
