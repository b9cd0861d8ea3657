// SPDX-License-Identifier: Apache-2.0
//
// Short ways to define services and handlers, to name states, and to call by name. The inputs and the
// outputs are JSON, except where a serde says otherwise.
package conformance;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.restate.common.Request;
import dev.restate.common.Target;
import dev.restate.common.function.ThrowingBiFunction;
import dev.restate.sdk.Context;
import dev.restate.sdk.HandlerRunner;
import dev.restate.sdk.ObjectContext;
import dev.restate.sdk.common.StateKey;
import dev.restate.sdk.endpoint.definition.HandlerDefinition;
import dev.restate.sdk.endpoint.definition.HandlerType;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.sdk.endpoint.definition.ServiceType;
import dev.restate.serde.Serde;
import dev.restate.serde.jackson.JacksonSerdeFactory;
import dev.restate.serde.jackson.JacksonSerdes;
import java.util.List;

final class Define {
  static final Serde<Void> NONE = Serde.VOID;
  static final Serde<Boolean> FLAG = JacksonSerdes.of(Boolean.class);
  static final Serde<Integer> NUMBER = JacksonSerdes.of(Integer.class);
  static final Serde<Long> LONG = JacksonSerdes.of(Long.class);
  static final Serde<String> TEXT = JacksonSerdes.of(String.class);
  static final Serde<List<String>> TEXTS = JacksonSerdes.of(new TypeReference<List<String>>() {});

  private Define() {}

  static <C extends Context, I, O> HandlerDefinition<?, ?> handler(
      String name,
      HandlerType type,
      Serde<I> input,
      Serde<O> output,
      ThrowingBiFunction<C, I, O> body) {
    var runner = HandlerRunner.of(body, JacksonSerdeFactory.DEFAULT, null);
    return HandlerDefinition.of(name, type, input, output, runner);
  }

  static <C extends Context, I, O> HandlerDefinition<?, ?> exclusive(
      String name, Serde<I> input, Serde<O> output, ThrowingBiFunction<C, I, O> body) {
    return handler(name, HandlerType.EXCLUSIVE, input, output, body);
  }

  static <C extends Context, I, O> HandlerDefinition<?, ?> shared(
      String name, Serde<I> input, Serde<O> output, ThrowingBiFunction<C, I, O> body) {
    return handler(name, HandlerType.SHARED, input, output, body);
  }

  static ServiceDefinition service(String name, HandlerDefinition<?, ?>... handlers) {
    return ServiceDefinition.of(name, ServiceType.SERVICE, List.of(handlers));
  }

  static ServiceDefinition object(String name, HandlerDefinition<?, ?>... handlers) {
    return ServiceDefinition.of(name, ServiceType.VIRTUAL_OBJECT, List.of(handlers));
  }

  static ServiceDefinition workflow(String name, HandlerDefinition<?, ?>... handlers) {
    return ServiceDefinition.of(name, ServiceType.WORKFLOW, List.of(handlers));
  }

  static <T> StateKey<T> state(String name, Serde<T> serde) {
    return StateKey.of(name, serde);
  }

  static <I, O> Request<I, O> request(
      String object, String key, String handler, Serde<I> input, Serde<O> output, I value) {
    return Request.of(Target.virtualObject(object, key, handler), input, output, value).build();
  }

  /** Calls a handler of the object that has the caller's key. */
  static <I> void callSameKey(
      ObjectContext ctx, String object, String handler, Serde<I> input, I value) {
    ctx.call(request(object, ctx.key(), handler, input, NONE, value)).await();
  }
}
