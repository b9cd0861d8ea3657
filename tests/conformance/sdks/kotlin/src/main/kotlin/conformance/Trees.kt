// SPDX-License-Identifier: Apache-2.0
//
// What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree of
// calls of one object to itself.
package conformance

import dev.restate.sdk.common.TerminalException
import dev.restate.sdk.kotlin.ObjectContext
import dev.restate.sdk.kotlin.awakeable
import dev.restate.sdk.kotlin.get
import dev.restate.sdk.kotlin.set
import kotlin.time.Duration.Companion.days

private const val BLOCKING_SERVICE = "CancelTestBlockingService"
private const val KILL_SINGLETON = "KillTestSingleton"

/** Leaves an awakeable with the holder of the same key and waits for it. */
private suspend fun waitToBeUnlocked(ctx: ObjectContext) {
  val unlocked = ctx.awakeable<String>()
  callSameKey(ctx, "AwakeableHolder", "hold", unlocked.id)
  unlocked.await()
}

private suspend fun startTest(ctx: ObjectContext, how: String) {
  try {
    callSameKey(ctx, BLOCKING_SERVICE, "block", how)
  } catch (error: TerminalException) {
    if (error.code != TerminalException.CANCELLED_CODE) {
      throw error
    }
    ctx.set("canceled", true)
  }
}

private suspend fun block(ctx: ObjectContext, how: String) {
  waitToBeUnlocked(ctx)
  when (how) {
    "CALL" -> callSameKey(ctx, BLOCKING_SERVICE, "block", how)
    "SLEEP" -> ctx.sleep(1024.days)
    "AWAKEABLE" -> ctx.awakeable<String>().await()
    else -> throw TerminalException("cannot block by $how")
  }
}

val cancelTestRunner =
    virtualObject(
        "CancelTestRunner",
        exclusive<String, Unit>("startTest", ::startTest),
        exclusive<Unit, Boolean>("verifyTest") { ctx, _ -> ctx.get<Boolean>("canceled") ?: false },
    )

val cancelTestBlockingService =
    virtualObject(
        BLOCKING_SERVICE,
        exclusive<String, Unit>("block", ::block),
        exclusive<Unit, Unit>("isUnlocked") { _, _ -> },
    )

val killTestRunner =
    virtualObject(
        "KillTestRunner",
        exclusive<Unit, Unit>("startCallTree") { ctx, _ ->
          callSameKey(ctx, KILL_SINGLETON, "recursiveCall", Unit)
        },
    )

val killTestSingleton =
    virtualObject(
        KILL_SINGLETON,
        exclusive<Unit, Unit>("recursiveCall") { ctx, _ ->
          waitToBeUnlocked(ctx)
          callSameKey(ctx, KILL_SINGLETON, "recursiveCall", Unit)
        },
        exclusive<Unit, Unit>("isUnlocked") { _, _ -> },
    )
