// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminally, terminally inside a run, for a while, or differently on each replay. The
// attempts are counted in this process, so at most one case may use a counter at a time.
package conformance

import dev.restate.sdk.common.TerminalException
import dev.restate.sdk.kotlin.ObjectContext
import dev.restate.sdk.kotlin.retryPolicy
import dev.restate.sdk.kotlin.runBlock
import dev.restate.sdk.kotlin.set
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject

private val callAttempts = AtomicInteger()
private val successAttempts = AtomicInteger()
private val failureAttempts = AtomicInteger()

private fun quickRetries(most: Int? = null) = retryPolicy {
  initialDelay = 10.milliseconds
  exponentiationFactor = 1.0f
  maxAttempts = most
}

private fun fail(failure: JsonObject): Nothing =
    throw TerminalException(failure.text("errorMessage"))

private fun failFourTimes(): Int {
  val attempt = callAttempts.incrementAndGet()
  check(attempt >= 4) { "attempt $attempt fails" }
  callAttempts.set(0)
  return attempt
}

private suspend fun succeedAfter(ctx: ObjectContext, least: Int): Int =
    ctx.runBlock("succeed in the end", quickRetries()) {
      val attempt = successAttempts.incrementAndGet()
      check(attempt >= least) { "attempt $attempt of the run fails" }
      successAttempts.set(0)
      attempt
    }

private suspend fun failAfter(ctx: ObjectContext, most: Int): Int {
  try {
    ctx.runBlock<Unit>("fail in the end", quickRetries(most)) {
      error("attempt ${failureAttempts.incrementAndGet()} of the run fails")
    }
  } catch (expected: TerminalException) {
    val attempts = ctx.runBlock("attempts") { failureAttempts.get() }
    ctx.runBlock("reset") { failureAttempts.set(0) }
    return attempts
  }
  throw TerminalException("the run must fail")
}

val failing =
    virtualObject(
        "Failing",
        exclusive<JsonObject, Unit>("terminallyFailingCall") { _, failure -> fail(failure) },
        exclusive<JsonObject, Unit>("callTerminallyFailingCall") { ctx, failure ->
          val key = ctx.random().nextUUID().toString()
          ctx.call(request<JsonObject, Unit>("Failing", key, "terminallyFailingCall", failure))
              .await()
        },
        exclusive<Unit, Int>("failingCallWithEventualSuccess") { _, _ -> failFourTimes() },
        exclusive<JsonObject, Unit>("terminallyFailingSideEffect") { ctx, failure ->
          ctx.runBlock<Unit>("fail") { fail(failure) }
        },
        exclusive<Int, Int>("sideEffectSucceedsAfterGivenAttempts", ::succeedAfter),
        exclusive<Int, Int>("sideEffectFailsAfterGivenAttempts", ::failAfter),
    )

private val attemptsOfKey = ConcurrentHashMap<String, AtomicInteger>()

/** True on the first, third, ... attempt for this key. */
private fun goesLeft(ctx: ObjectContext): Boolean =
    attemptsOfKey.computeIfAbsent(ctx.key()) { AtomicInteger() }.incrementAndGet() % 2 == 1

/** A point that a replay comes back to, and an effect that must never be reached. */
private suspend fun suspendThenCount(ctx: ObjectContext) {
  ctx.sleep(100.milliseconds)
  ctx.send(request<Long, JsonElement>("Counter", ctx.key(), "add", 1))
}

private suspend fun call(ctx: ObjectContext, handler: String) {
  if (handler == "get") {
    ctx.call(request<Unit, Long>("Counter", "abc", handler, Unit)).await()
  } else {
    ctx.call(request<Unit, Unit>("Counter", "abc", handler, Unit)).await()
  }
}

private fun eitherOr(
    name: String,
    left: suspend (ObjectContext) -> Unit,
    right: suspend (ObjectContext) -> Unit,
) =
    exclusive<Unit, Unit>(name) { ctx, _ ->
      if (goesLeft(ctx)) left(ctx) else right(ctx)
      suspendThenCount(ctx)
    }

private suspend fun send(ctx: ObjectContext, handler: String) {
  ctx.send(request<Unit, Unit>("Counter", "abc", handler, Unit))
}

val nonDeterministic =
    virtualObject(
        "NonDeterministic",
        eitherOr("eitherSleepOrCall", { it.sleep(100.milliseconds) }, { call(it, "get") }),
        eitherOr("callDifferentMethod", { call(it, "get") }, { call(it, "reset") }),
        eitherOr(
            "backgroundInvokeWithDifferentTargets", { send(it, "get") }, { send(it, "reset") }),
        eitherOr("setDifferentKey", { it.set("left", "value") }, { it.set("right", "value") }),
    )
