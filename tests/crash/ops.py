# SPDX-License-Identifier: Apache-2.0
"""One request of the load: what is asked, what it must leave behind, and what was answered."""
import json
from dataclasses import dataclass, field

import http_api

COUNTER_KEYS = 24  # enough to touch every one of the 8 partitions, few enough to queue


@dataclass
class Op:
    token: str
    kind: str
    path: str
    body: dict
    send: bool = False
    steps: dict = field(default_factory=dict)  # token -> number of steps
    adds: list = field(default_factory=list)  # (counter key, amount)
    state: list = None  # what a ledger must hold afterwards
    answers: list = field(default_factory=list)
    acts: list = field(default_factory=list)  # what follows its acceptance (waiting.py)
    trouble: str = ""

    def payload(self):
        return json.dumps(self.body).encode()

    def target(self):
        return self.path + ("/send" if self.send else "")

    def keyed(self):
        """Whether the request carries an idempotency key; the run of a workflow may not."""
        return True

    def cancelled(self):
        """Whether only a cancellation ends it."""
        return False

    def troubles(self):
        return [text for text in (self.trouble, *(act.trouble for act in self.acts)) if text]

    def request(self):
        return http_api.Request(self.target(), self.payload(), self.token if self.keyed() else None)

    def invocation(self):
        """The id that the first answer told. REQUIRES: there is one."""
        first = self.answers[0]
        return json.loads(first.body)["invocationId"] if self.send else first.id


def counter_key(rng):
    return f"k{rng.randrange(COUNTER_KEYS)}"
