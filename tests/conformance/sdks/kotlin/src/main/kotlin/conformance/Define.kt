// SPDX-License-Identifier: Apache-2.0
//
// Short ways to define services and handlers, and to call by name. The inputs and the outputs are JSON, of
// types that need no generated serializer.
package conformance

import dev.restate.common.Request
import dev.restate.common.Target
import dev.restate.sdk.endpoint.definition.HandlerDefinition
import dev.restate.sdk.endpoint.definition.HandlerType
import dev.restate.sdk.endpoint.definition.ServiceDefinition
import dev.restate.sdk.endpoint.definition.ServiceType
import dev.restate.sdk.kotlin.Context
import dev.restate.sdk.kotlin.HandlerRunner
import dev.restate.sdk.kotlin.ObjectContext
import dev.restate.sdk.kotlin.SharedObjectContext
import dev.restate.sdk.kotlin.SharedWorkflowContext
import dev.restate.sdk.kotlin.WorkflowContext
import dev.restate.serde.kotlinx.KotlinSerializationSerdeFactory
import dev.restate.serde.kotlinx.jsonSerde
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull

val serdes = KotlinSerializationSerdeFactory()

inline fun <C : Context, reified I, reified O> handler(
    name: String,
    type: HandlerType,
    noinline body: suspend (C, I) -> O,
): HandlerDefinition<*, *> =
    HandlerDefinition.of(
        name, type, jsonSerde<I>(), jsonSerde<O>(), HandlerRunner.of(serdes, runner = body))

inline fun <reified I, reified O> exclusive(
    name: String,
    noinline body: suspend (ObjectContext, I) -> O,
) = handler(name, HandlerType.EXCLUSIVE, body)

inline fun <reified I, reified O> shared(
    name: String,
    noinline body: suspend (SharedObjectContext, I) -> O,
) = handler(name, HandlerType.SHARED, body)

inline fun <reified I, reified O> plain(
    name: String,
    noinline body: suspend (Context, I) -> O,
) = handler(name, HandlerType.SHARED, body)

inline fun <reified I, reified O> main(
    name: String,
    noinline body: suspend (WorkflowContext, I) -> O,
) = handler(name, HandlerType.WORKFLOW, body)

inline fun <reified I, reified O> ofWorkflow(
    name: String,
    noinline body: suspend (SharedWorkflowContext, I) -> O,
) = handler(name, HandlerType.SHARED, body)

fun service(name: String, vararg handlers: HandlerDefinition<*, *>): ServiceDefinition =
    ServiceDefinition.of(name, ServiceType.SERVICE, handlers.toList())

fun virtualObject(name: String, vararg handlers: HandlerDefinition<*, *>): ServiceDefinition =
    ServiceDefinition.of(name, ServiceType.VIRTUAL_OBJECT, handlers.toList())

fun workflow(name: String, vararg handlers: HandlerDefinition<*, *>): ServiceDefinition =
    ServiceDefinition.of(name, ServiceType.WORKFLOW, handlers.toList())

inline fun <reified I, reified O> request(
    name: String,
    key: String,
    handler: String,
    value: I,
): Request<I, O> =
    Request.of(Target.virtualObject(name, key, handler), jsonSerde<I>(), jsonSerde<O>(), value)
        .build()

/** Calls a handler of the object that has the caller's key. */
suspend inline fun <reified I> callSameKey(
    ctx: ObjectContext,
    name: String,
    handler: String,
    value: I,
) {
  ctx.call(request<I, Unit>(name, ctx.key(), handler, value)).await()
}

/** A text in an object of JSON, null if it is not there. */
fun JsonObject.text(name: String): String? = (get(name) as? JsonPrimitive)?.contentOrNull
