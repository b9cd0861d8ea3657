// SPDX-License-Identifier: Apache-2.0
//
// SignupWorkflow: runs once per user id. Its shared handler answers from the workflow's state at any time, before,
// during and after the run.
import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

type Signup = { email: string };
type SignedUp = { userId: string; email: string; status: "active" };

export const signupWorkflow = restate.workflow({
  name: "SignupWorkflow",
  handlers: {
    run: async (ctx: restate.WorkflowContext, signup: Signup): Promise<SignedUp> => {
      if (!signup?.email?.includes("@")) {
        throw new restate.TerminalError("an email address is needed", { errorCode: 422 });
      }
      ctx.set("status", "creating");
      await ctx.run("create user", () => effect("create-user", ctx.key));
      ctx.set("status", "welcoming");
      await ctx.run("send welcome mail", () => effect("welcome-mail", ctx.key));
      ctx.set("status", "active");
      return { userId: ctx.key, email: signup.email, status: "active" };
    },

    getStatus: restate.handlers.workflow.shared(async (ctx: restate.WorkflowSharedContext) => {
      return { status: (await ctx.get<string>("status")) ?? "unknown" };
    }),
  },
});

export type SignupWorkflow = typeof signupWorkflow;
