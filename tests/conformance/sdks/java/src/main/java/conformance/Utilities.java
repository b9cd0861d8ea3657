// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes, and the
// utilities.
package conformance;

import static conformance.Define.*;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.restate.common.Request;
import dev.restate.common.Target;
import dev.restate.sdk.Context;
import dev.restate.sdk.DurableFuture;
import dev.restate.sdk.InvocationHandle;
import dev.restate.sdk.endpoint.definition.HandlerDefinition;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.serde.Serde;
import dev.restate.serde.jackson.JacksonSerdes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

final class Utilities {
  private Utilities() {}

  @JsonIgnoreProperties(ignoreUnknown = true)
  record ProxyRequest(
      String serviceName,
      String virtualObjectKey,
      String handlerName,
      List<Integer> message,
      Long delayMillis,
      String idempotencyKey) {

    Request<byte[], byte[]> request() {
      Target target =
          virtualObjectKey == null
              ? Target.service(serviceName, handlerName)
              : Target.virtualObject(serviceName, virtualObjectKey, handlerName);
      byte[] bytes = new byte[message.size()];
      for (int i = 0; i < bytes.length; ++i) {
        bytes[i] = message.get(i).byteValue();
      }
      return Request.of(target, bytes).setIdempotencyKey(idempotencyKey).build();
    }

    InvocationHandle<byte[]> send(Context ctx) {
      return delayMillis == null
          ? ctx.send(request())
          : ctx.send(request(), Duration.ofMillis(delayMillis));
    }
  }

  record ManyCallRequest(ProxyRequest proxyRequest, boolean oneWayCall, boolean awaitAtTheEnd) {}

  private static List<Integer> call(Context ctx, ProxyRequest request) {
    List<Integer> numbers = new ArrayList<>();
    for (byte one : ctx.call(request.request()).await()) {
      numbers.add((int) one);
    }
    return numbers;
  }

  private static String oneWayCall(Context ctx, ProxyRequest request) {
    return request.send(ctx).invocationId();
  }

  private static Void manyCalls(Context ctx, List<ManyCallRequest> requests) {
    List<DurableFuture<?>> awaited = new ArrayList<>();
    for (ManyCallRequest one : requests) {
      if (one.oneWayCall()) {
        one.proxyRequest().send(ctx);
        continue;
      }
      var called = ctx.call(one.proxyRequest().request());
      if (one.awaitAtTheEnd()) {
        awaited.add(called);
      }
    }
    DurableFuture.all(awaited).await();
    return null;
  }

  static ServiceDefinition proxy() {
    Serde<ProxyRequest> request = JacksonSerdes.of(ProxyRequest.class);
    var requests = JacksonSerdes.of(new TypeReference<List<ManyCallRequest>>() {});
    var numbers = JacksonSerdes.of(new TypeReference<List<Integer>>() {});
    return service(
        "Proxy",
        shared("call", request, numbers, Utilities::call),
        shared("oneWayCall", request, TEXT, Utilities::oneWayCall),
        shared("manyCalls", requests, NONE, Utilities::manyCalls));
  }

  private static int countExecutedSideEffects(Context ctx, int times) {
    AtomicInteger executed = new AtomicInteger();
    for (int i = 0; i < times; ++i) {
      ctx.run("count", executed::incrementAndGet);
    }
    return executed.get();
  }

  private static Void cancelInvocation(Context ctx, String id) {
    ctx.invocationHandle(id).cancel();
    return null;
  }

  private static String attachInvocation(Context ctx, String id) {
    return ctx.invocationHandle(id, TEXT).attach().await();
  }

  private static HandlerDefinition<?, ?> rawEcho() {
    var echo = shared("rawEcho", Serde.RAW, Serde.RAW, (Context ctx, byte[] input) -> input);
    return echo.withAcceptContentType("*/*");
  }

  static ServiceDefinition testUtils() {
    var headers = JacksonSerdes.of(new TypeReference<Map<String, String>>() {});
    return service(
        "TestUtilsService",
        shared("echo", TEXT, TEXT, (Context ctx, String input) -> input),
        shared(
            "uppercaseEcho", TEXT, TEXT, (Context ctx, String in) -> in.toUpperCase(Locale.ROOT)),
        shared("echoHeaders", NONE, headers, (Context ctx, Void n) -> ctx.request().headers()),
        rawEcho(),
        shared("countExecutedSideEffects", NUMBER, NUMBER, Utilities::countExecutedSideEffects),
        shared("cancelInvocation", TEXT, NONE, Utilities::cancelInvocation),
        shared("attachInvocation", TEXT, TEXT, Utilities::attachInvocation));
  }
}
