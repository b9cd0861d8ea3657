// SPDX-License-Identifier: Apache-2.0
//
// Objects of the contract that only keep state: a counter, a list, a map, and the holder of somebody's
// awakeable.
package conformance

import dev.restate.sdk.common.TerminalException
import dev.restate.sdk.kotlin.ObjectContext
import dev.restate.sdk.kotlin.get
import dev.restate.sdk.kotlin.resolve
import dev.restate.sdk.kotlin.set
import dev.restate.sdk.kotlin.stateKey
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private suspend fun add(ctx: ObjectContext, value: Long): JsonObject {
  val old = ctx.get<Long>("counter") ?: 0
  ctx.set("counter", old + value)
  return JsonObject(
      mapOf("oldValue" to JsonPrimitive(old), "newValue" to JsonPrimitive(old + value)))
}

val counter =
    virtualObject(
        "Counter",
        exclusive<Long, JsonObject>("add", ::add),
        exclusive<Long, Unit>("addThenFail") { ctx, value ->
          add(ctx, value)
          throw TerminalException(ctx.key())
        },
        shared<Unit, Long>("get") { ctx, _ -> ctx.get<Long>("counter") ?: 0 },
        exclusive<Unit, Unit>("reset") { ctx, _ -> ctx.clear(stateKey<Long>("counter")) },
    )

private suspend fun list(ctx: ObjectContext) = ctx.get<List<String>>("list") ?: listOf()

val listObject =
    virtualObject(
        "ListObject",
        exclusive<String, Unit>("append") { ctx, value -> ctx.set("list", list(ctx) + value) },
        exclusive<Unit, List<String>>("get") { ctx, _ -> list(ctx) },
        exclusive<Unit, List<String>>("clear") { ctx, _ ->
          list(ctx).also { ctx.clear(stateKey<List<String>>("list")) }
        },
    )

private suspend fun clearAll(ctx: ObjectContext): List<JsonObject> {
  val entries =
      ctx.stateKeys().map { key ->
        val value = ctx.get<String>(key) ?: ""
        JsonObject(mapOf("key" to JsonPrimitive(key), "value" to JsonPrimitive(value)))
      }
  ctx.clearAll()
  return entries
}

val mapObject =
    virtualObject(
        "MapObject",
        exclusive<JsonObject, Unit>("set") { ctx, entry ->
          ctx.set(entry.text("key")!!, entry.text("value")!!)
        },
        exclusive<String, String>("get") { ctx, key -> ctx.get<String>(key) ?: "" },
        exclusive<Unit, List<JsonObject>>("clearAll") { ctx, _ -> clearAll(ctx) },
    )

private suspend fun unlock(ctx: ObjectContext, payload: String) {
  val id = ctx.get<String>("id") ?: throw TerminalException("no awakeable is held")
  ctx.awakeableHandle(id).resolve(payload)
  ctx.clear(stateKey<String>("id"))
}

val awakeableHolder =
    virtualObject(
        "AwakeableHolder",
        exclusive<String, Unit>("hold") { ctx, id -> ctx.set("id", id) },
        exclusive<Unit, Boolean>("hasAwakeable") { ctx, _ -> ctx.get<String>("id") != null },
        exclusive<String, Unit>("unlock", ::unlock),
    )
