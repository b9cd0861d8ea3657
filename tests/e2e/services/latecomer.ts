// SPDX-License-Identifier: Apache-2.0
//
// The endpoint of a service that is registered after it was called.
import * as restate from "@restatedev/restate-sdk";

import { serveOnLoopback } from "../lib/endpoint.ts";

serveOnLoopback([restate.service({ name: "Latecomer", handlers: { answer: async () => "better late" } })]);
