// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminally, terminally inside a run, for a while, or differently on each replay. The
// attempts are counted in this process, so at most one case may use a counter at a time.
package conformance;

import static conformance.Define.*;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.restate.sdk.ObjectContext;
import dev.restate.sdk.common.RetryPolicy;
import dev.restate.sdk.common.TerminalException;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.serde.Serde;
import dev.restate.serde.jackson.JacksonSerdes;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

final class Failing {
  private static final AtomicInteger CALL_ATTEMPTS = new AtomicInteger();
  private static final AtomicInteger SUCCESS_ATTEMPTS = new AtomicInteger();
  private static final AtomicInteger FAILURE_ATTEMPTS = new AtomicInteger();

  private Failing() {}

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Failure(String errorMessage) {}

  private static final Serde<Failure> FAILURE = JacksonSerdes.of(Failure.class);

  private static RetryPolicy quickRetries() {
    return RetryPolicy.exponential(Duration.ofMillis(10), 1.0f);
  }

  private static Void terminallyFailingCall(ObjectContext ctx, Failure failure) {
    throw new TerminalException(failure.errorMessage());
  }

  private static Void callTerminallyFailingCall(ObjectContext ctx, Failure failure) {
    String key = ctx.random().nextUUID().toString();
    ctx.call(request("Failing", key, "terminallyFailingCall", FAILURE, NONE, failure)).await();
    return null;
  }

  private static int failingCallWithEventualSuccess(ObjectContext ctx, Void none) {
    int attempt = CALL_ATTEMPTS.incrementAndGet();
    if (attempt < 4) {
      throw new IllegalStateException("attempt " + attempt + " fails");
    }
    CALL_ATTEMPTS.set(0);
    return attempt;
  }

  private static Void terminallyFailingSideEffect(ObjectContext ctx, Failure failure) {
    ctx.run(
        "fail",
        () -> {
          throw new TerminalException(failure.errorMessage());
        });
    return null;
  }

  private static int succeedAfter(ObjectContext ctx, int least) {
    return ctx.run(
        "succeed in the end",
        NUMBER,
        quickRetries(),
        () -> {
          int attempt = SUCCESS_ATTEMPTS.incrementAndGet();
          if (attempt < least) {
            throw new IllegalStateException("attempt " + attempt + " of the run fails");
          }
          SUCCESS_ATTEMPTS.set(0);
          return attempt;
        });
  }

  private static void failInTheEnd() {
    throw new IllegalStateException(
        "attempt " + FAILURE_ATTEMPTS.incrementAndGet() + " of the run fails");
  }

  private static int failAfter(ObjectContext ctx, int most) {
    try {
      ctx.run("fail in the end", quickRetries().setMaxAttempts(most), Failing::failInTheEnd);
    } catch (TerminalException expected) {
      int attempts = ctx.run("attempts", NUMBER, FAILURE_ATTEMPTS::get);
      ctx.run("reset", () -> FAILURE_ATTEMPTS.set(0));
      return attempts;
    }
    throw new TerminalException("the run must fail");
  }

  static ServiceDefinition failing() {
    return object(
        "Failing",
        exclusive("terminallyFailingCall", FAILURE, NONE, Failing::terminallyFailingCall),
        exclusive("callTerminallyFailingCall", FAILURE, NONE, Failing::callTerminallyFailingCall),
        exclusive(
            "failingCallWithEventualSuccess",
            NONE,
            NUMBER,
            Failing::failingCallWithEventualSuccess),
        exclusive(
            "terminallyFailingSideEffect", FAILURE, NONE, Failing::terminallyFailingSideEffect),
        exclusive("sideEffectSucceedsAfterGivenAttempts", NUMBER, NUMBER, Failing::succeedAfter),
        exclusive("sideEffectFailsAfterGivenAttempts", NUMBER, NUMBER, Failing::failAfter));
  }

  private static final Map<String, AtomicInteger> ATTEMPTS_OF_KEY = new ConcurrentHashMap<>();

  /** True on the first, third, ... attempt for this key. */
  private static boolean goesLeft(ObjectContext ctx) {
    var attempts = ATTEMPTS_OF_KEY.computeIfAbsent(ctx.key(), key -> new AtomicInteger());
    return attempts.incrementAndGet() % 2 == 1;
  }

  private static void call(ObjectContext ctx, String handler) {
    ctx.call(request("Counter", "abc", handler, NONE, Serde.RAW, null)).await();
  }

  private static void send(ObjectContext ctx, String handler) {
    ctx.send(request("Counter", "abc", handler, NONE, Serde.RAW, null));
  }

  private static void set(ObjectContext ctx, String key) {
    ctx.set(state(key, TEXT), "value");
  }

  /** Does one or the other, comes to a point that a replay comes back to, and must not get beyond. */
  private static Void eitherOr(
      ObjectContext ctx, Consumer<ObjectContext> left, Consumer<ObjectContext> right) {
    (goesLeft(ctx) ? left : right).accept(ctx);
    ctx.sleep(Duration.ofMillis(100));
    ctx.send(request("Counter", ctx.key(), "add", LONG, Serde.RAW, 1L));
    return null;
  }

  static ServiceDefinition nonDeterministic() {
    Consumer<ObjectContext> sleep = ctx -> ctx.sleep(Duration.ofMillis(100));
    return object(
        "NonDeterministic",
        exclusive(
            "eitherSleepOrCall",
            NONE,
            NONE,
            (ObjectContext ctx, Void n) -> eitherOr(ctx, sleep, c -> call(c, "get"))),
        exclusive(
            "callDifferentMethod",
            NONE,
            NONE,
            (ObjectContext ctx, Void n) ->
                eitherOr(ctx, c -> call(c, "get"), c -> call(c, "reset"))),
        exclusive(
            "backgroundInvokeWithDifferentTargets",
            NONE,
            NONE,
            (ObjectContext ctx, Void n) ->
                eitherOr(ctx, c -> send(c, "get"), c -> send(c, "reset"))),
        exclusive(
            "setDifferentKey",
            NONE,
            NONE,
            (ObjectContext ctx, Void n) -> eitherOr(ctx, c -> set(c, "left"), c -> set(c, "right"))));
  }
}
