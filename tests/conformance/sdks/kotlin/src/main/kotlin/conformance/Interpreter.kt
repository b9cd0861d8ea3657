// SPDX-License-Identifier: Apache-2.0
//
// The object that executes a list of commands on awaitables, and the workflow that blocks on a durable
// promise. This SDK has no named signals.
package conformance

import dev.restate.sdk.common.TerminalException
import dev.restate.sdk.common.TimeoutException
import dev.restate.sdk.kotlin.Awakeable
import dev.restate.sdk.kotlin.DurableFuture
import dev.restate.sdk.kotlin.ObjectContext
import dev.restate.sdk.kotlin.SharedObjectContext
import dev.restate.sdk.kotlin.WorkflowContext
import dev.restate.sdk.kotlin.awakeable
import dev.restate.sdk.kotlin.durablePromiseKey
import dev.restate.sdk.kotlin.get
import dev.restate.sdk.kotlin.resolve
import dev.restate.sdk.kotlin.runAsync
import dev.restate.sdk.kotlin.runBlock
import dev.restate.sdk.kotlin.set
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject

private fun stateName(awakeableKey: String) = "awk-$awakeableKey"

private val JsonObject.type
  get() = text("type")!!
private val JsonObject.awakeableKey
  get() = text("awakeableKey")!!
private val JsonObject.timeout
  get() = text("timeoutMillis")!!.toLong().milliseconds

private suspend fun createAwakeable(ctx: ObjectContext, key: String): Awakeable<String> {
  val awakeable = ctx.awakeable<String>()
  ctx.set(stateName(key), awakeable.id)
  return awakeable
}

private suspend fun create(ctx: ObjectContext, one: JsonObject): DurableFuture<String> =
    when (one.type) {
      "createAwakeable" -> createAwakeable(ctx, one.awakeableKey)
      "sleep" -> ctx.timer(one.timeout).map { "sleep" }
      "runReturns" -> ctx.runAsync<String>("return") { one.text("value")!! }
      "runThrowTerminalException" ->
          ctx.runAsync<String>("throw") { throw TerminalException(one.text("reason")) }
      else -> throw TerminalException("unknown awaitable ${one.type}")
    }

/** What a combinator makes of one completion: the end of all, or a note of how this one ended. */
private fun noteOf(kind: String, outcome: Result<String>): String? {
  val failure = outcome.exceptionOrNull()
  if (failure != null && failure !is TerminalException) {
    throw failure
  }
  return when (kind) {
    "awaitAllCompleted" -> if (failure == null) "ok:${outcome.getOrThrow()}" else "err:${failure.message}"
    "awaitAllSucceededOrFirstFailed" -> outcome.getOrThrow()
    "awaitAnySuccessful",
    "awaitFirstSucceededOrAllFailed" -> failure?.message
    else -> null
  }
}

/** Awaits all in the order of their completion, until the kind of combinator has what it wants. */
private suspend fun combine(kind: String, futures: List<DurableFuture<String>>): String {
  val notes = arrayOfNulls<String>(futures.size)
  val left = futures.toMutableList()
  while (left.isNotEmpty()) {
    val completed = left.removeAt(DurableFuture.any(left).await())
    val outcome = runCatching { completed.await() }
    notes[futures.indexOf(completed)] = noteOf(kind, outcome) ?: return outcome.getOrThrow()
  }
  val joined = notes.joinToString("|")
  return if (kind.startsWith("awaitAll")) joined else throw TerminalException(joined)
}

private suspend fun awaitOrTimeout(ctx: ObjectContext, one: JsonObject): String =
    try {
      createAwakeable(ctx, one.awakeableKey).await(one.timeout)
    } catch (expected: TimeoutException) {
      throw TerminalException("await-timeout")
    }

private suspend fun heldId(ctx: SharedObjectContext, key: String): String =
    ctx.get<String>(stateName(key)) ?: throw TerminalException("no awakeable $key")

private suspend fun resolve(ctx: SharedObjectContext, with: JsonObject) =
    ctx.awakeableHandle(heldId(ctx, with.awakeableKey)).resolve(with.text("value")!!)

private suspend fun reject(ctx: SharedObjectContext, with: JsonObject) =
    ctx.awakeableHandle(heldId(ctx, with.awakeableKey)).reject(with.text("reason")!!)

private suspend fun execute(ctx: ObjectContext, one: JsonObject): String =
    when (one.type) {
      "awaitOne" -> create(ctx, one.getValue("command").jsonObject).await()
      "awaitAwakeableOrTimeout" -> awaitOrTimeout(ctx, one)
      "resolveAwakeable" -> "".also { resolve(ctx, one) }
      "rejectAwakeable" -> "".also { reject(ctx, one) }
      "getEnvVariable" ->
          ctx.runBlock<String>("environment") { System.getenv(one.text("envName")!!) ?: "" }
      else ->
          combine(one.type, one.getValue("commands").jsonArray.map { create(ctx, it.jsonObject) })
    }

private suspend fun results(ctx: SharedObjectContext) =
    ctx.get<List<String>>("results") ?: listOf()

private suspend fun interpret(ctx: ObjectContext, program: JsonObject): String {
  var last = ""
  for (one in program.getValue("commands").jsonArray) {
    last = execute(ctx, one.jsonObject)
    ctx.set("results", results(ctx) + last)
  }
  return last
}

val commandInterpreter =
    virtualObject(
        "VirtualObjectCommandInterpreter",
        exclusive<JsonObject, String>("interpretCommands", ::interpret),
        shared<JsonObject, Unit>("resolveAwakeable", ::resolve),
        shared<JsonObject, Unit>("rejectAwakeable", ::reject),
        shared<String, Boolean>("hasAwakeable") { ctx, key ->
          ctx.get<String>(stateName(key)) != null
        },
        shared<Unit, List<String>>("getResults") { ctx, _ -> results(ctx) },
    )

private val unblocked = durablePromiseKey<String>("unblocked")

private suspend fun runWorkflow(ctx: WorkflowContext, input: String): String {
  ctx.set("input", input)
  val output = ctx.promise(unblocked).future().await()
  if (!ctx.promise(unblocked).peek().isReady) {
    throw TerminalException("a promise that was awaited must be completed")
  }
  return output
}

val blockAndWaitWorkflow =
    workflow(
        "BlockAndWaitWorkflow",
        main<String, String>("run", ::runWorkflow),
        ofWorkflow<String, Unit>("unblock") { ctx, output ->
          ctx.promiseHandle(unblocked).resolve(output)
        },
        ofWorkflow<Unit, String?>("getState") { ctx, _ -> ctx.get<String>("input") },
    )
