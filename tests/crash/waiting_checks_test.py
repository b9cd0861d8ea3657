# SPDX-License-Identifier: Apache-2.0
"""The checks of what ends from outside are checked: one clean history passes each, and histories
that break one promise each are found. `at` are moments: an act is tried at the first and
acknowledged at the second, or never.
"""
import json
import random
import unittest

import checks
import http_api
import load
import verdicts
import waiting
import waiting_checks as waits
from checks_test import A, B, evidence, result

INVOCATION = "inv_1g1m9agNi6rI1lGrqyQKQV72J4QJbWm0mF"
AWAKEABLE = "sign_1TrEV6zrrnbpNoPwzYdMZYjQnGubgO1ksAAAAEQ"
NOT_FOUND = (404, b'{"code":404,"message":"not found","source":"invocation"}')
CANCELLED = (409, b'{"code":409,"message":"Cancelled","source":"invocation"}')


def value(text):
    return {"value": text}


def act(how, kind, completion, at, answer=(202, b""), tries=1, **more):
    one = waiting.Act(how, kind, completion=completion, **more)
    one.request = http_api.Request("/restate/awakeables/sign_1/resolve", began=at[0], tries=tries)
    if len(at) > 1:
        one.request.ended = at[1]
        one.request.answer = http_api.Answer(answer[0], "", "", answer[1])
    return one


def waiting_op(kind, acts, **more):
    one = waiting.Waiting("t", kind, more.pop("path", "/"), more.pop("body", {}), send=True)
    accepted = b'{"invocationId":"inv_1x","status":"Accepted"}'
    one.acts, one.answers = acts, [http_api.Answer(202, "", "inv_1x", accepted)]
    for name, given in more.items():
        setattr(one, name, given)
    return one


def told(one, found, lines=()):
    """Evidence in which the invocation of `one` ended with `found`."""
    collected = evidence([one], lines)
    collected.results = {"t": found} if found else {}
    return collected


def outcome(*seen, ids=("sign_1",)):
    body = {**result("t", [A] * len(seen)), "outcomes": list(seen), "ids": list(ids)}
    return (200, json.dumps(body).encode())


def hold(*acts, waits_=("n0",)):
    names = [{"name": name, "kind": "awakeable"} for name in waits_]
    return waiting_op("hold", list(acts), body={"waits": names})


class WaitsTest(unittest.TestCase):
    def sent(self, text, at, how="ingress", name="n0"):
        return act(how, "awakeable", value(text), at, name=name)

    def found(self, one, seen, lines=()):
        return waits.waits_saw_what_was_acknowledged(told(one, seen, lines))

    def test_acknowledged_and_seen_passes(self):
        one = hold(self.sent("x", (1, 2)))
        clean = told(one, outcome(value("x")), ['t saw n0 {"value":"x"}'])
        self.assertEqual(waits.waits_saw_what_was_acknowledged(clean), [])
        self.assertEqual(waits.waits_saw_one_value(clean), [])
        self.assertEqual(waits.awakeable_ids_are_known(clean), [])

    def test_acknowledged_and_lost_is_found(self):
        self.assertEqual(len(self.found(hold(self.sent("x", (1, 2))), None)), 1)

    def test_only_tried_may_be_lost(self):
        self.assertEqual(self.found(hold(self.sent("x", (1,))), None), [])

    def test_a_value_that_nobody_sent_is_found(self):
        one = hold(self.sent("x", (1, 2)))
        self.assertEqual(len(self.found(one, outcome(value("y")))), 1)
        self.assertEqual(len(self.found(one, outcome({"error": "x"}))), 1)

    def test_a_value_that_was_never_tried_is_found(self):
        never = self.sent("y", (1,))
        never.request.tries = 0
        both = hold(self.sent("x", (1, 2)), never)
        self.assertEqual(len(self.found(both, outcome(value("y")))), 1)

    def test_the_later_of_two_is_found(self):
        both = hold(self.sent("x", (1, 2)), self.sent("y", (3, 4)))
        self.assertEqual(self.found(both, outcome(value("x"))), [])
        self.assertEqual(len(self.found(both, outcome(value("y")))), 1)

    def test_two_at_once_may_overtake(self):
        both = hold(self.sent("x", (1, 3)), self.sent("y", (2, 4)))
        self.assertEqual(self.found(both, outcome(value("y"))), [])

    def test_what_a_handler_sent_may_be_overtaken(self):
        both = hold(self.sent("x", (1, 2), "handler"), self.sent("y", (3, 4)))
        self.assertEqual(self.found(both, outcome(value("y"))), [])

    def test_a_missing_outcome_is_found(self):
        acts = [self.sent("x", (1, 2)), self.sent("y", (1, 2), name="n1")]
        self.assertEqual(len(self.found(hold(*acts, waits_=("n0", "n1")), outcome(value("x")))), 1)

    def test_attempts_that_saw_different_values_are_found(self):
        lines = ['t saw n0 {"value":"x"}', 't saw n0 {"value":"y"}']
        one = hold(self.sent("x", (1, 2)))
        self.assertEqual(len(waits.waits_saw_one_value(told(one, outcome(value("x")), lines))), 1)
        self.assertEqual(len(waits.waits_saw_one_value(told(one, None, lines))), 1)

    def test_a_result_that_no_attempt_saw_is_found(self):
        one = hold(self.sent("x", (1, 2)))
        self.assertEqual(len(waits.waits_saw_one_value(told(one, outcome(value("x"))))), 1)
        other = ['t saw n0 {"value":"y"}']
        self.assertEqual(len(waits.waits_saw_one_value(told(one, outcome(value("x")), other))), 1)

    def test_an_awakeable_of_another_is_found(self):
        one = told(hold(self.sent("x", (1, 2))), outcome(value("x"), ids=["sign_2"]))
        self.assertEqual(len(waits.awakeable_ids_are_known(one)), 1)

    def test_id_of_an_awakeable(self):
        """As the TypeScript SDK made it of this invocation's id, for its first awakeable."""
        made = waiting.awakeable_id(INVOCATION, waiting.FIRST_AWAKEABLE)
        self.assertEqual(made, AWAKEABLE)


class PromisesTest(unittest.TestCase):
    def give(self, text, at, said=waits.GIVEN):
        body = json.dumps({**result("t.a", [A, A]), "given": said}).encode()
        return act("give", "promise", value(text), at, (200, body), token="t.a")

    def peek(self, seen, at):
        return act("peek", "promise", None, at, (200, json.dumps(seen).encode()))

    def found(self, acts, ran="x", now=("x", "x")):
        one = told(waiting_op("flow", acts), outcome(value(ran)) if ran else None)
        return waits.promises_kept_one_value(one, {"t": [value(text) for text in now]})

    def test_given_once_passes(self):
        late = self.give("y", (3, 4), waits.TOO_LATE)
        peeks = [self.peek(None, (0, 1)), self.peek(value("x"), (3, 4))]
        self.assertEqual(self.found([self.give("x", (1, 2)), late, *peeks]), [])

    def test_given_twice_is_found(self):
        twice = self.found([self.give("x", (1, 3)), self.give("y", (2, 4))])
        self.assertIn("t: two gave it", twice)

    def test_given_by_nobody_is_found(self):
        found = self.found([self.give("x", (1, 2), waits.TOO_LATE)])
        self.assertIn("t: nobody gave it, and yet it was too late for all", found)

    def test_one_without_an_answer_may_have_given(self):
        both = [self.give("x", (1,)), self.give("y", (1, 3), waits.TOO_LATE)]
        self.assertEqual(self.found(both), [])

    def test_another_answer_is_found(self):
        self.assertTrue(self.found([self.give("x", (1, 2)), self.give("y", (1, 2), "gone")]))

    def test_given_and_lost_is_found(self):
        self.assertEqual(len(self.found([self.give("x", (1, 2))], ran=None)), 1)

    def test_a_value_that_nobody_gave_is_found(self):
        self.assertEqual(len(self.found([self.give("x", (1, 2))], ran="z")), 1)

    def test_the_value_of_the_loser_is_found(self):
        both = [self.give("x", (1, 3)), self.give("y", (2, 4), waits.TOO_LATE)]
        self.assertEqual(len(self.found(both, ran="y", now=("y", "y"))), 2)

    def test_the_later_of_two_is_found(self):
        both = [self.give("x", (1, 2), waits.TOO_LATE), self.give("y", (3, 4))]
        self.assertEqual(len(self.found(both, ran="y", now=("y", "y"))), 1)

    def test_a_value_that_changed_is_found(self):
        self.assertEqual(len(self.found([self.give("x", (1, 2))], now=("x", "y"))), 1)

    def test_a_look_at_another_value_is_found(self):
        acts = [self.give("x", (1, 2)), self.peek(value("y"), (3, 4))]
        self.assertEqual(len(self.found(acts)), 1)

    def test_a_value_that_vanished_is_found(self):
        self.assertEqual(len(self.found([self.give("x", (1, 2)), self.peek(None, (3, 4))])), 1)
        looks = [self.peek(value("x"), (2, 3)), self.peek(None, (4, 5))]
        self.assertEqual(len(self.found([self.give("x", (1, 9)), *looks])), 1)

    def test_a_look_into_the_future_is_found(self):
        early = [self.give("x", (3, 4)), self.peek(value("x"), (1, 2))]
        self.assertEqual(len(self.found(early)), 1)


class CancelTest(unittest.TestCase):
    UNDONE = [f"t 0 {A}", f"t.undo 0 {A}", f"t.undo 1 {A}", f"t.u 0 {B}", f"t.u 1 {B}"]

    def cancel(self, status, found, lines, how="admin", tries=1, **more):
        one = act(how, "cancel", None, (1, 2), (status, b""), tries, token="t.a0")
        op = waiting_op("cancel", [one], undo_steps=2, undo_add=("k", 3), what="sleep", **more)
        return told(op, found, lines)

    def found(self, *args, **more):
        return waits.acknowledged_cancels_ended_their_invocations(self.cancel(*args, **more))

    def test_cancelled_and_undone_passes(self):
        clean = self.cancel(202, CANCELLED, self.UNDONE)
        self.assertEqual(waits.acknowledged_cancels_ended_their_invocations(clean), [])
        self.assertEqual(checks.every_step_ran(clean), [])
        self.assertEqual(clean.model(), {"k": {"sum": 3, "count": 1}})

    def test_removed_before_its_start_passes(self):
        clean = self.cancel(200, NOT_FOUND, [])
        self.assertEqual(waits.acknowledged_cancels_ended_their_invocations(clean), [])
        self.assertEqual(checks.every_step_ran(clean), [])
        self.assertEqual(clean.model(), {})

    def test_acknowledged_and_lost_is_found(self):
        for status in (200, 202):
            self.assertEqual(len(self.found(status, None, [])), 1)

    def test_another_result_is_found(self):
        for wrong in ((200, b"null"), (409, b'{"code":409,"message":"killed"}'), NOT_FOUND):
            self.assertEqual(len(self.found(202, wrong, self.UNDONE)), 1)

    def test_missing_compensation_is_found(self):
        self.assertEqual(len(self.found(202, CANCELLED, self.UNDONE[:2])), 1)
        short = self.cancel(202, CANCELLED, self.UNDONE[:2])
        self.assertEqual(len(checks.every_step_ran(short)), 2)

    def test_compensation_in_the_wrong_order_is_found(self):
        lines = self.UNDONE + [f"t.undo 0 {B}"]
        self.assertEqual(len(checks.steps_ran_in_order(self.cancel(202, CANCELLED, lines))), 1)
        twice = self.cancel(202, CANCELLED, lines, tries=2)
        self.assertEqual(checks.steps_ran_in_order(twice), [])

    def test_what_ran_although_it_was_removed_is_found(self):
        ran = self.cancel(200, NOT_FOUND, [f"t 0 {A}"])
        self.assertEqual(len(waits.acknowledged_cancels_ended_their_invocations(ran)), 1)
        self.assertEqual(len(checks.every_step_ran(ran)), 1)
        self.assertEqual(len(self.found(200, CANCELLED, [])), 1)

    def test_a_first_cancellation_that_is_refused_is_found(self):
        for status, ended in ((404, NOT_FOUND), (409, CANCELLED)):
            lines = self.UNDONE if status == 409 else []
            self.assertEqual(len(self.found(status, ended, lines)), 1)
            self.assertEqual(self.found(status, ended, lines, tries=2), [])

    def test_a_handlers_cancellation_ends_either_way(self):
        self.assertEqual(self.found(200, CANCELLED, self.UNDONE, how="handler"), [])
        self.assertEqual(self.found(200, NOT_FOUND, [], how="handler"), [])
        self.assertEqual(len(self.found(200, (200, b"null"), [], how="handler")), 1)
        self.assertEqual(len(self.found(200, None, [], how="handler")), 1)

    def test_child_that_was_not_undone_is_found(self):
        begun = self.cancel(202, CANCELLED, self.UNDONE + [f"t.c 0 {A}"])
        self.assertEqual(checks.every_step_ran(begun), ["t.c.undo: ran 0 of 2 steps"])

    def test_the_act_of_a_handler_runs_to_its_end(self):
        one = act("handler", "cancel", None, (1,), token="t.a0")
        op = waiting_op("cancel", [one], undo_steps=2, undo_add=("k", 3))
        self.assertEqual(verdicts.steps_of(told(op, None), op)[0], {})
        begun = told(op, None, [f"t.a0 0 {A}"])
        self.assertEqual(verdicts.steps_of(begun, op)[0], {"t.a0": 2})


class KeysTest(unittest.TestCase):
    def found(self, answer):
        op = waiting_op("cancel", [], path="/CrashTarget/c1/hold", child="b1")
        collected = told(op, CANCELLED)
        collected.cluster.ingress = 0
        asked, fetch = [], checks.fetch

        def stand_in(_port, _method, path, **_more):
            asked.append(path)
            if isinstance(answer, Exception):
                raise answer
            return http_api.Answer(*answer)

        checks.fetch = stand_in
        try:
            findings = waits.keys_are_free(collected)
        finally:
            checks.fetch = fetch
        self.assertEqual(sorted(asked), ["/CrashTarget/b1/touch", "/CrashTarget/c1/touch"])
        return findings

    def test_free_keys_pass(self):
        self.assertEqual(self.found((200, "", "", b"true")), [])

    def test_a_held_key_is_found(self):
        self.assertEqual(len(self.found(TimeoutError("timed out"))), 2)
        self.assertEqual(len(self.found((500, "", "", b""))), 2)


class MixTest(unittest.TestCase):
    def test_an_empty_load_is_found(self):
        self.assertIn("no cancel of sleep", waits.load_was_mixed([]))

    def test_the_first_requests_are_mixed(self):
        first = [waiting.make_first(i, random.Random(i), f"w{i}") for i in range(load.WORKERS)]
        for one in (one for op in first for one in op.acts):
            one.request = http_api.Request("/", answer=http_api.Answer(202, "", "", b""))
        self.assertEqual(waits.load_was_mixed(first), [])

    def test_only_acknowledged_acts_count(self):
        tried = waiting_op("cancel", [act("admin", "cancel", None, (1,))], what="sleep")
        self.assertIn("no cancel of sleep", waits.load_was_mixed([tried]))
        done = waiting_op("cancel", [act("admin", "cancel", None, (1, 2))], what="sleep")
        self.assertNotIn("no cancel of sleep", waits.load_was_mixed([done]))


if __name__ == "__main__":
    unittest.main()
