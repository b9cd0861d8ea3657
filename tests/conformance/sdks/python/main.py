# SPDX-License-Identifier: Apache-2.0
"""Serves all services of the contract over cleartext HTTP/2 on the loopback interface, on the port named by
PORT, until SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature every request must carry,
E2E_REQUEST_RESPONSE asks for the mode without streams both ways."""
import asyncio
import functools
import os

import hypercorn.asyncio
import hypercorn.config
import restate
from restate.server import install_shutdown_hook

import failing
import interpreter
import objects
import trees
import utilities

SERVICES = [
    *[objects.counter, objects.list_object, objects.map_object, objects.awakeable_holder],
    *[trees.cancel_test_runner, trees.cancel_test_blocking_service],
    *[trees.kill_test_runner, trees.kill_test_singleton],
    *[failing.failing, failing.non_deterministic],
    *[utilities.proxy, utilities.test_utils, utilities.scoped_worker],
    *[interpreter.command_interpreter, interpreter.block_and_wait_workflow],
]


async def serve() -> None:
    key = os.environ.get("E2E_REQUEST_SIGNING")
    mode = "request_response" if "E2E_REQUEST_RESPONSE" in os.environ else "bidi"
    app = restate.app(services=SERVICES, protocol=mode, identity_keys=[key] if key else None)
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{os.environ['PORT']}"]
    config.h2_max_concurrent_streams = 2147483647
    # It ends at once, as a service that is taken away does. By a hook, because the SDK takes the signal for itself.
    install_shutdown_hook(asyncio.get_running_loop(), functools.partial(os._exit, 0))
    await hypercorn.asyncio.serve(app, config, shutdown_trigger=asyncio.Event().wait)


if __name__ == "__main__":
    asyncio.run(serve())
