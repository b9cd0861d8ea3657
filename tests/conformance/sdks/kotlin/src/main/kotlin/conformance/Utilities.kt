// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes, and the
// utilities.
package conformance

import dev.restate.common.Request
import dev.restate.common.Target
import dev.restate.sdk.endpoint.definition.HandlerDefinition
import dev.restate.sdk.endpoint.definition.HandlerType
import dev.restate.sdk.kotlin.CallDurableFuture
import dev.restate.sdk.kotlin.Context
import dev.restate.sdk.kotlin.HandlerRunner
import dev.restate.sdk.kotlin.InvocationHandle
import dev.restate.sdk.kotlin.awaitAll
import dev.restate.sdk.kotlin.headers
import dev.restate.sdk.kotlin.invocationHandle
import dev.restate.sdk.kotlin.runBlock
import dev.restate.serde.Serde
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

private fun requestOf(wanted: JsonObject): Request<ByteArray, ByteArray> {
  val (service, handler) = listOf("serviceName", "handlerName").map { wanted.text(it)!! }
  val key = wanted.text("virtualObjectKey")
  val target =
      if (key == null) Target.service(service, handler)
      else Target.virtualObject(service, key, handler)
  val numbers = wanted.getValue("message").jsonArray
  val bytes = ByteArray(numbers.size) { numbers[it].jsonPrimitive.int.toByte() }
  return Request.of(target, bytes).setIdempotencyKey(wanted.text("idempotencyKey")).build()
}

private suspend fun send(ctx: Context, wanted: JsonObject): InvocationHandle<ByteArray> =
    ctx.send(requestOf(wanted), wanted.text("delayMillis")?.toLong()?.milliseconds)

private suspend fun manyCalls(ctx: Context, requests: List<JsonObject>) {
  val awaited = mutableListOf<CallDurableFuture<ByteArray>>()
  for (one in requests) {
    val wanted = one.getValue("proxyRequest").jsonObject
    if (one.getValue("oneWayCall").jsonPrimitive.boolean) {
      send(ctx, wanted)
      continue
    }
    val called = ctx.call(requestOf(wanted))
    if (one.getValue("awaitAtTheEnd").jsonPrimitive.boolean) {
      awaited += called
    }
  }
  awaited.awaitAll()
}

val proxy =
    service(
        "Proxy",
        plain<JsonObject, List<Int>>("call") { ctx, wanted ->
          ctx.call(requestOf(wanted)).await().map { it.toInt() }
        },
        plain<JsonObject, String>("oneWayCall") { ctx, wanted -> send(ctx, wanted).invocationId() },
        plain<List<JsonObject>, Unit>("manyCalls", ::manyCalls),
    )

private suspend fun countExecutedSideEffects(ctx: Context, times: Int): Int {
  val executed = AtomicInteger()
  repeat(times) { ctx.runBlock<Int>("count") { executed.incrementAndGet() } }
  return executed.get()
}

private fun rawEcho(): HandlerDefinition<*, *> {
  val echo: suspend (Context, ByteArray) -> ByteArray = { _, input -> input }
  return HandlerDefinition.of(
          "rawEcho", HandlerType.SHARED, Serde.RAW, Serde.RAW, HandlerRunner.of(serdes, runner = echo))
      .withAcceptContentType("*/*")
}

val testUtils =
    service(
        "TestUtilsService",
        plain<String, String>("echo") { _, input -> input },
        plain<String, String>("uppercaseEcho") { _, input -> input.uppercase() },
        plain<Unit, Map<String, String>>("echoHeaders") { ctx, _ -> ctx.request().headers },
        rawEcho(),
        plain<Int, Int>("countExecutedSideEffects", ::countExecutedSideEffects),
        plain<String, Unit>("cancelInvocation") { ctx, id ->
          ctx.invocationHandle<Unit>(id).cancel()
        },
        plain<String, String>("attachInvocation") { ctx, id ->
          ctx.invocationHandle<String>(id).attach().await()
        },
    )
