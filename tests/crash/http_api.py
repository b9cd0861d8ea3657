# SPDX-License-Identifier: Apache-2.0
"""HTTP as the crash test needs it: one kept-alive connection per thread, and `settle`, the loop of
a client that repeats a request under its idempotency key until the answer is definitive.

Definitive is what tells the client about its invocation: 200, 202, or an error whose source is the
invocation. A lost connection, a time-out and 503/429 are not; any other refusal by the server is
noted in `refusals`, because nothing the load sends may be refused, and then repeated too.
"""
import http.client
import json
import random
import time
from dataclasses import dataclass

LOST = (OSError, http.client.HTTPException)
SHORT_PAUSE_S = (0.002, 0.03)


@dataclass(frozen=True)
class Answer:
    status: int
    source: str  # "ingress", "invocation", or "" on success
    id: str
    body: bytes

    def definitive(self, final):
        return self.status in final or self.source == "invocation"

    def result(self):
        return (self.status, self.body)


class Api:
    """One connection to one port. Not for use by two threads at once."""

    def __init__(self, port, timeout_s=20.0):
        self.port, self.timeout_s, self.connection = port, timeout_s, None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def once(self, method, path, body=None, key=None, timeout_s=None, accept=None):
        headers = {}
        if body is not None:
            headers["content-type"] = "application/json"
        if key is not None:
            headers["idempotency-key"] = key
        if accept is not None:
            headers["accept"] = accept
        timeout_s = timeout_s or self.timeout_s
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
            self.connection.timeout = timeout_s
            if self.connection.sock is not None:
                self.connection.sock.settimeout(timeout_s)
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            return Answer(
                response.status,
                response.getheader("x-restate-error-source") or "",
                response.getheader("x-restate-id") or "",
                response.read(),
            )
        except LOST:
            self.close()
            raise


@dataclass
class Request:
    """What is asked, and when: `began` before the first try that the server may have seen, `ended`
    after the definitive answer, which is the acknowledgement."""

    path: str
    body: bytes = None
    key: str = None
    method: str = "POST"
    final: tuple = (200, 202)  # statuses that are definitive
    once: bool = False  # never repeated; may stay without an answer
    tries: int = 0  # those that the server may have seen
    began: float = None
    ended: float = None
    answer: Answer = None


class NeverSettled(Exception):
    """No definitive answer came before the deadline."""


class Settler:
    """Repeats requests until they are answered. One per stage; safe for many threads."""

    def __init__(self):
        self.deadline = float("inf")  # moved once, when the last kill is over
        self.refusals = []
        self.repeats = 0

    def settle(self, api, request, first_timeout_s=None):
        """Asks until the answer is definitive; `first_timeout_s` makes the first try hang up.

        Returns None only for a request that is made once.
        """
        timeout_s = first_timeout_s
        last = "nothing was tried"
        while time.monotonic() < self.deadline:
            try:
                answer = self._try(api, request, timeout_s)
                if answer.definitive(request.final):
                    request.answer, request.ended = answer, time.monotonic()
                    return answer
                last = f"{answer.status} {answer.body[:200]!r}"
                if answer.status not in (429, 503):
                    self.refusals.append(f"{request.path}: {last}")
            except LOST as lost:
                last = repr(lost)
            if request.once:
                return None
            timeout_s = None
            self.repeats += 1
            time.sleep(random.uniform(*SHORT_PAUSE_S))
        raise NeverSettled(f"{request.path} (key {request.key}): {last}")

    def _try(self, api, request, timeout_s):
        began = time.monotonic()
        try:
            answer = api.once(request.method, request.path, request.body, request.key, timeout_s)
        except ConnectionRefusedError:
            raise
        except LOST:
            self._seen(request, began)
            raise
        self._seen(request, began)
        return answer

    def _seen(self, request, began):
        request.tries += 1
        if request.began is None:
            request.began = began


def get_json(port, path, timeout_s=10.0):
    """Returns (status, parsed body); the body is None when it is not JSON."""
    api = Api(port, timeout_s)
    try:
        answer = api.once("GET", path)
    finally:
        api.close()
    try:
        return answer.status, json.loads(answer.body)
    except ValueError:
        return answer.status, None
