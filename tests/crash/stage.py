# SPDX-License-Identifier: Apache-2.0
"""One stage: start, load, kill at seeded random moments, restart, stop the load, check.

The negative control is a stage too: the same load against a server that acknowledges without
syncing and loses its unsynced log at every kill. It passes when the checks that speak of lost or
doubled work fail; a server that does not start, or a harness that breaks, does not count.
"""
import collections
import pathlib
import random
import shutil
import sys
import tempfile
import time

import checks
import cluster as clusters
import http_api
import load as loads
import waiting_checks as waits
import wal_loss

EARLY_S = 0.020
EARLY_AIM_S = 0.014  # the signal needs a moment to be sent
EARLY_LEAST = 10
OPS_OF_A_LIFE = 8
LIFE_MORE_S = 2.0
ENOUGH_KILLS = 20  # so many kills under load must have met unsynced bytes
SHOWN = 5
ONE_RESULT = "attach and output give what was told"
COUNTERS = "every counter equals its model"
WAITS = "waits saw what was acknowledged"
CANCELS = "acknowledged cancellations ended their invocations"


class Report:
    """Counts and prints. One line per check."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, findings):
        if findings:
            self.failed += 1
            print(f"FAIL {name}: {len(findings)} findings")
            for finding in findings[:SHOWN]:
                print(f"     {str(finding)[:600]}")
        else:
            self.passed += 1
            print(f"ok   {name}")
        sys.stdout.flush()


class Killer:
    """Kills `mode` ("server", "service" or "both") and starts it again at once."""

    def __init__(self, cluster, load, mode, kills, seed):
        self.cluster, self.load, self.mode, self.kills = cluster, load, mode, kills
        self.rng = random.Random(f"{seed}/kills")
        self.early = self.busy = self.done = 0

    def run(self, after_restart):
        early_wanted = min(EARLY_LEAST, self.kills)
        plan = [True] * early_wanted + [False] * (self.kills - early_wanted)
        self.rng.shuffle(plan)
        plan.append(False)  # so that the last early kill is followed by a normal life
        while plan:
            early = plan.pop(0)
            hit = self._early() if early else self._later(after_restart)
            if early and not hit:
                plan.insert(0, True)  # the machine was too slow to aim: once more
            if self.done % 10 == 0:
                print(f"     {self.done} kills, {self.load.answered()} requests answered")
                sys.stdout.flush()
            if self.done > 4 * self.kills + 40:
                raise clusters.Broken("could not kill within 20 ms of start often enough")

    def _early(self):
        target = self.cluster.service if self.mode == "service" else self.cluster.server
        aim = self.rng.uniform(0, EARLY_AIM_S)
        while target.age_s() < aim:
            time.sleep(0.0005)
        age = self._kill()
        hit = age < EARLY_S
        self.early += hit
        return hit

    def _later(self, after_restart):
        if self.rng.random() < 0.25:  # in the middle of recovery
            time.sleep(self.rng.uniform(0.02, 0.3))
        else:
            self.cluster.wait_ready()
            after_restart()
            made = len(self.load.ops)
            time.sleep(self.rng.uniform(0.05, 1.0))
            self._let_live(made + OPS_OF_A_LIFE)
        self._kill()
        return True

    def _let_live(self, wanted):
        """On a busy machine a life may need longer to do some work, else only starts are killed."""
        end = time.monotonic() + LIFE_MORE_S
        while len(self.load.ops) < wanted and time.monotonic() < end:
            time.sleep(0.01)

    def _kill(self):
        """Both are restarted after both are dead; returns the age of what was aimed at."""
        self.cluster.check_alive()
        self.busy += self.load.in_flight > 0
        self.done += 1
        if self.mode == "service":
            age = self.cluster.service.kill()
            self.cluster.service.start()
        elif self.mode == "server":
            age = self.cluster.kill_server()
            self.cluster.server.start()
        else:
            age = self._kill_both()
        return age

    def _kill_both(self):
        gap_s = self.rng.choice((0, 0, self.rng.uniform(0, 0.03)))
        if self.cluster.server.age_s() < EARLY_S or self.rng.random() < 0.5:
            age = self.cluster.kill_server()
            time.sleep(gap_s)
            self.cluster.service.kill()
        else:
            self.cluster.service.kill()
            time.sleep(gap_s)
            age = self.cluster.kill_server()
        self.cluster.service.start()
        self.cluster.server.start()
        return age


class Stage:
    def __init__(self, options, mode, seed, lose_unsynced=False, negative=False):
        self.options, self.mode, self.seed, self.negative = options, mode, seed, negative
        self.lose_unsynced = lose_unsynced or negative
        self.kills = options.kills
        self.drain_s = 20 if negative else options.drain
        self.name = "negative control" if negative else mode
        if lose_unsynced and not negative:
            self.name += ", losing unsynced bytes"

    def environment(self):
        env = {}
        if self.lose_unsynced:
            env["PERDURE_TEST_RECORD_SYNCED"] = "1"
        if self.negative:
            env["PERDURE_TEST_NO_SYNC"] = "1"
        return env

    def _loss(self, work):
        if not self.lose_unsynced:
            return None
        if self.options.reference:
            rollback = wal_loss.Rollback(pathlib.Path(work) / "data")
            return lambda _cluster: rollback.lose()
        return lambda cluster: wal_loss.lose_unsynced(cluster.base, clusters.NODE_NAME)

    def run(self, report):
        print(f"== {self.name}: {self.kills} kills, seed {self.seed}")
        work = tempfile.mkdtemp(prefix="crash-", dir=self.options.work)
        cluster = clusters.Cluster(
            self.options.hooked_binary if self.lose_unsynced else self.options.binary,
            self.options.modules,
            work,
            self.environment(),
            self._loss(work),
        )
        before = report.failed
        try:
            self._run(report, cluster)
        except (clusters.Broken, wal_loss.NoRecord, *http_api.LOST) as broken:
            report.check(f"{self.name}: the stage runs to its end", [repr(broken), str(broken)])
        finally:
            cluster.stop()
        if report.failed == before and not self.options.keep:
            shutil.rmtree(work)
        else:
            print(f"     kept {work}")

    def _run(self, report, cluster):
        cluster.start()
        deployment = cluster.register()
        settler = http_api.Settler()
        ports = {"ingress": cluster.ingress, "admin": cluster.admin}
        load = loads.Load(ports, self.seed, settler)
        load.start()
        killer = Killer(cluster, load, self.mode, self.kills, self.seed)
        after_restart = cluster.register if self.negative else lambda: None
        try:
            time.sleep(0.5)
            killer.run(after_restart)
            cluster.wait_ready()
            after_restart()
            time.sleep(0.5)
        finally:
            settler.deadline = time.monotonic() + self.drain_s
            load.finish()
        findings = self._verify(cluster, load, deployment)
        cluster.check_alive()
        self._tell(cluster, load, killer, settler)
        if self.negative:
            self._judge_control(report, findings)
            return
        for name, found in findings.items():
            report.check(f"{self.name}: {name}", found)
        kill_findings = self._kill_findings(killer)
        if self.lose_unsynced and self.kills >= ENOUGH_KILLS and not cluster.bytes_lost:
            kill_findings.append("no kill found an unsynced byte")
        report.check(f"{self.name}: the kills were what they claim", kill_findings)
        report.check(f"{self.name}: the load was mixed and large", self._load_findings(load))

    def _verify(self, cluster, load, deployment):
        evidence = checks.Evidence(cluster, load, time.monotonic() + self.drain_s)
        reference = self.options.reference
        found = collections.OrderedDict()
        found["every request was answered"] = checks.every_request_was_answered(evidence)
        if not reference and not self.negative:
            found["nothing was refused"] = checks.no_request_was_refused(evidence)
            missing = [] if deployment in cluster.deployments() else [deployment]
            found["the deployment is still registered"] = missing
        found["repeats gave one answer"] = checks.repeats_gave_one_answer(evidence)
        found[ONE_RESULT] = checks.acknowledged_kept_one_result(evidence)
        found[COUNTERS] = checks.counters_equal_model(evidence)
        found["every ledger equals its model"] = checks.ledgers_equal_model(evidence)
        found["nothing is left open"] = checks.nothing_is_open(evidence, reference)
        found[WAITS] = waits.waits_saw_what_was_acknowledged(evidence)
        found["completed awakeables are those awaited"] = waits.awakeable_ids_are_known(evidence)
        promises = waits.read_promises(evidence)
        found["promises kept one value"] = waits.promises_kept_one_value(evidence, promises)
        found["keys of cancelled invocations are free"] = waits.keys_are_free(evidence)
        found["late repeats gave one answer"] = checks.late_repeats_gave_one_answer(evidence)
        evidence.reread()
        found["every attempt saw one value"] = waits.waits_saw_one_value(evidence)
        found[CANCELS] = waits.acknowledged_cancels_ended_their_invocations(evidence)
        found["steps ran in order"] = checks.steps_ran_in_order(evidence)
        found["every step ran"] = checks.every_step_ran(evidence)
        found["results match effects"] = checks.results_match_effects(evidence)
        found["no two additions saw one count"] = checks.additions_saw_distinct_counts(evidence)
        found["naps were never early"] = checks.naps_were_never_early(evidence)
        self.repeated_steps = checks.repeated_steps(evidence)
        return found

    def _judge_control(self, report, findings):
        """Loss must be seen in what was acknowledged and in the models, not only somewhere."""
        for name, found in findings.items():
            print(f"     {name}: {len(found)} findings")
        for name in (ONE_RESULT, COUNTERS, WAITS, CANCELS):
            seen = [] if findings[name] else ["nothing was lost although nothing was synced"]
            report.check(f"{self.name}: '{name}' fails without syncing", seen)

    def _kill_findings(self, killer):
        findings = []
        if killer.done < self.kills:
            findings.append(f"only {killer.done} kills")
        if killer.early < min(EARLY_LEAST, self.kills):
            findings.append(f"only {killer.early} within 20 ms of start")
        if killer.busy * 2 < killer.done:
            findings.append(f"requests were open at only {killer.busy} of {killer.done} kills")
        return findings

    def _load_findings(self, load):
        kinds = collections.Counter(op.kind for op in load.ops)
        wanted = {"walk", "nap", "fail", "chain", "fan", "add", "ledger", "hold", "flow", "cancel"}
        findings = [f"no {kind}" for kind in sorted(wanted - set(kinds))]
        if len(load.ops) < 4 * self.kills:
            findings.append(f"only {len(load.ops)} requests")
        if not any(op.send for op in load.ops):
            findings.append("no sends")
        return findings + waits.load_was_mixed(load.ops)

    def _tell(self, cluster, load, killer, settler):
        kinds = dict(collections.Counter(op.kind for op in load.ops))
        print(
            f"     {killer.done} kills, {killer.early} within 20 ms of start, {killer.busy} with "
            f"requests open; {len(load.ops)} requests {kinds}, "
            f"{sum(op.send for op in load.ops)} of them sends; {settler.repeats} repeats; "
            f"{self.repeated_steps} steps ran again; {cluster.bytes_lost} unsynced bytes taken"
        )
