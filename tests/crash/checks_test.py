# SPDX-License-Identifier: Apache-2.0
"""The checks are checked: clean evidence passes each of them, and one planted fault per check is
found. No server and no service is started; whatever needs one is fed from the evidence instead.
"""
import json
import pathlib
import tempfile
import types
import unittest

import checks
import http_api
import ops
import wal_loss

A, B = "a" * 36, "b" * 36


def result(token, trail, **more):
    return {"token": token, "trail": trail, "nested": [], "stamps": [0] * len(trail), **more}


def op(kind, token, steps, answer, **more):
    body = json.dumps(answer).encode()
    one = ops.Op(token, kind, more.pop("path", "/CrashSteps/" + kind), more.pop("body", {}))
    one.steps, one.answers = steps, [http_api.Answer(200, "", "inv_1x", body)]
    for name, value in more.items():
        setattr(one, name, value)
    return one


def evidence(ops, lines):
    """Evidence whose answers by id are those given to the client."""
    with tempfile.NamedTemporaryFile("w", suffix="-effects") as file:
        file.write("".join(f"\n{line}\n" for line in lines))
        file.flush()
        cluster = types.SimpleNamespace(effects=pathlib.Path(file.name))
        found = checks.Evidence(cluster, types.SimpleNamespace(ops=ops), 0)
    found.results = {one.token: one.answers[0].result() for one in ops if one.answers}
    return found


def walk():
    return op("walk", "t", {"t": 2}, result("t", [A, B]))


WALK_LINES = [f"t 0 {A}", f"t 1 {A}", f"t 1 {B}"]


class EffectsTest(unittest.TestCase):
    def test_clean_walk_passes(self):
        clean = evidence([walk()], WALK_LINES)
        self.assertEqual(checks.steps_ran_in_order(clean), [])
        self.assertEqual(checks.every_step_ran(clean), [])
        self.assertEqual(checks.results_match_effects(clean), [])
        self.assertEqual(checks.repeated_steps(clean), 1)

    def test_step_after_a_later_one_is_found(self):
        found = checks.steps_ran_in_order(evidence([walk()], WALK_LINES + [f"t 0 {B}"]))
        self.assertEqual(len(found), 1)

    def test_hole_is_found(self):
        self.assertEqual(len(checks.steps_ran_in_order(evidence([walk()], [f"t 1 {A}"]))), 1)

    def test_missing_step_and_stranger_are_found(self):
        found = checks.every_step_ran(evidence([walk()], [f"t 0 {A}", f"u 0 {A}"]))
        self.assertEqual(len(found), 2)

    def test_result_of_a_step_that_never_ran_is_found(self):
        found = checks.results_match_effects(evidence([walk()], [f"t 0 {A}", f"t 1 {A}"]))
        self.assertEqual(len(found), 1)

    def test_torn_line_does_not_spoil_its_neighbour(self):
        torn = evidence([walk()], [f"t 0 {A}", "t 1 aaa", f"t 1 {B}"])
        self.assertEqual(torn.runs["t"], [(0, A), (1, B)])


class AnswersTest(unittest.TestCase):
    def test_one_answer_passes(self):
        one = walk()
        one.answers *= 2
        self.assertEqual(checks.repeats_gave_one_answer(evidence([one], [])), [])

    def test_second_result_is_found(self):
        one = walk()
        one.answers.append(http_api.Answer(200, "", "inv_1x", b"{}"))
        self.assertEqual(len(checks.repeats_gave_one_answer(evidence([one], []))), 1)

    def test_second_id_is_found(self):
        one = walk()
        one.answers.append(http_api.Answer(200, "", "inv_1y", one.answers[0].body))
        self.assertEqual(len(checks.repeats_gave_one_answer(evidence([one], []))), 1)

    def test_missing_answer_is_found(self):
        one = walk()
        one.answers = []
        self.assertEqual(len(checks.every_request_was_answered(evidence([one], []))), 1)

    def test_wrong_status_is_found(self):
        one = op("fail", "t", {"t": 1}, result("t", [A]))
        self.assertEqual(len(checks.results_match_effects(evidence([one], [f"t 0 {A}"]))), 1)

    def test_wrong_ledger_state_is_found(self):
        one = op("ledger", "t", {"t": 1}, result("t", [A], state=[["a", 1]]), state=[["a", 2]])
        self.assertEqual(len(checks.results_match_effects(evidence([one], [f"t 0 {A}"]))), 1)

    def test_early_nap_is_found(self):
        stamps = {**result("t", [A, A]), "stamps": [0, 50]}
        one = op("nap", "t", {"t": 2}, stamps, body={"naps": [100]})
        self.assertEqual(len(checks.naps_were_never_early(evidence([one], []))), 1)

    def test_lost_update_is_found(self):
        path = "/CrashCounter/k/add"
        both = [op("add", t, {t: 2}, result(t, [A, A], count=1), path=path) for t in ("t", "u")]
        self.assertEqual(len(checks.additions_saw_distinct_counts(evidence(both, []))), 1)
        self.assertEqual(checks.additions_saw_distinct_counts(evidence(both[:1], [])), [])

    def test_model_adds_up(self):
        both = [walk(), walk()]
        both[0].adds, both[1].adds = [("k", 2), ("l", 1)], [("k", 3)]
        expected = {"k": {"sum": 5, "count": 2}, "l": {"sum": 1, "count": 1}}
        self.assertEqual(evidence(both, []).model(), expected)


class WalLossTest(unittest.TestCase):
    def lose(self, record, logs, zeros=0):
        with tempfile.TemporaryDirectory() as base:
            db = pathlib.Path(base) / "n" / "db"
            db.mkdir(parents=True)
            for name, size in logs.items():
                (db / name).write_bytes(b"x" * size + b"\0" * zeros)
            if record is not None:
                (db.parent / wal_loss.RECORD).write_text(record)
            taken = wal_loss.lose_unsynced(base, "n")
            return taken, {name: (db / name).stat().st_size for name in logs}

    def test_keeps_what_the_last_whole_line_says(self):
        record = "000004.log 10\n000004.log 70\n000004.log 9"
        self.assertEqual(self.lose(record, {"000004.log": 100}), (30, {"000004.log": 70}))

    def test_zeros_ahead_are_no_loss(self):
        self.assertEqual(self.lose("000004.log 100\n", {"000004.log": 100}, 9), (0, {"000004.log": 100}))

    def test_zeros_may_stay(self):
        self.assertEqual(self.lose("000004.log 71\n", {"000004.log": 100}, 9), (29, {"000004.log": 109}))

    def test_log_without_a_record_loses_everything(self):
        logs = {"000004.log": 5, "000005.log": 6, "LOG": 7}
        left = {"000004.log": 5, "000005.log": 0, "LOG": 7}
        self.assertEqual(self.lose("db/000004.log 5\n", logs), (6, left))

    def test_missing_record_is_refused(self):
        with self.assertRaises(wal_loss.NoRecord):
            self.lose(None, {"000004.log": 5})


if __name__ == "__main__":
    unittest.main()
