// SPDX-License-Identifier: Apache-2.0
//
// The object that executes a list of commands on awaitables, and the workflow that blocks on a durable
// promise. This SDK has no named signals.
package conformance;

import static conformance.Define.*;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import dev.restate.sdk.Awakeable;
import dev.restate.sdk.DurableFuture;
import dev.restate.sdk.ObjectContext;
import dev.restate.sdk.SharedObjectContext;
import dev.restate.sdk.SharedWorkflowContext;
import dev.restate.sdk.WorkflowContext;
import dev.restate.sdk.common.DurablePromiseKey;
import dev.restate.sdk.common.StateKey;
import dev.restate.sdk.common.TerminalException;
import dev.restate.sdk.common.TimeoutException;
import dev.restate.sdk.endpoint.definition.HandlerType;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.serde.Serde;
import dev.restate.serde.jackson.JacksonSerdes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

final class Interpreter {
  private static final StateKey<List<String>> RESULTS = state("results", TEXTS);
  private static final StateKey<String> INPUT = state("input", TEXT);
  private static final DurablePromiseKey<String> UNBLOCKED =
      DurablePromiseKey.of("unblocked", TEXT);

  private Interpreter() {}

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Command(
      String type,
      Command command,
      List<Command> commands,
      String awakeableKey,
      long timeoutMillis,
      String value,
      String reason,
      String envName) {}

  record Program(List<Command> commands) {}

  private static StateKey<String> idOf(String awakeableKey) {
    return state("awk-" + awakeableKey, TEXT);
  }

  private static Awakeable<String> createAwakeable(ObjectContext ctx, String key) {
    Awakeable<String> awakeable = ctx.awakeable(TEXT);
    ctx.set(idOf(key), awakeable.id());
    return awakeable;
  }

  private static DurableFuture<String> create(ObjectContext ctx, Command one) {
    return switch (one.type()) {
      case "createAwakeable" -> createAwakeable(ctx, one.awakeableKey());
      case "sleep" -> ctx.timer(Duration.ofMillis(one.timeoutMillis())).map(done -> "sleep");
      case "runReturns" -> ctx.runAsync("return", TEXT, one::value);
      case "runThrowTerminalException" ->
          ctx.runAsync(
              "throw",
              TEXT,
              () -> {
                throw new TerminalException(one.reason());
              });
      default -> throw new TerminalException("unknown awaitable " + one.type());
    };
  }

  /** Awaits all in the order of their completion, until the kind of combinator has what it wants. */
  private static String combine(String kind, List<DurableFuture<String>> futures) {
    String[] results = new String[futures.size()];
    List<DurableFuture<?>> left = new ArrayList<>(futures);
    while (!left.isEmpty()) {
      DurableFuture<?> completed = left.remove((int) DurableFuture.any(left).await());
      int index = futures.indexOf(completed);
      try {
        String value = futures.get(index).await();
        switch (kind) {
          case "awaitAllCompleted" -> results[index] = "ok:" + value;
          case "awaitAllSucceededOrFirstFailed" -> results[index] = value;
          default -> {
            return value;
          }
        }
      } catch (TerminalException failure) {
        switch (kind) {
          case "awaitAllCompleted" -> results[index] = "err:" + failure.getMessage();
          case "awaitAnySuccessful", "awaitFirstSucceededOrAllFailed" ->
              results[index] = failure.getMessage();
          default -> throw failure;
        }
      }
    }
    String joined = String.join("|", Arrays.asList(results));
    if (kind.startsWith("awaitAll")) {
      return joined;
    }
    throw new TerminalException(joined);
  }

  private static String awaitOrTimeout(ObjectContext ctx, Command one) {
    try {
      return createAwakeable(ctx, one.awakeableKey()).await(Duration.ofMillis(one.timeoutMillis()));
    } catch (TimeoutException expected) {
      throw new TerminalException("await-timeout");
    }
  }

  private static Void resolve(SharedObjectContext ctx, Command with) {
    ctx.awakeableHandle(heldId(ctx, with.awakeableKey())).resolve(TEXT, with.value());
    return null;
  }

  private static Void reject(SharedObjectContext ctx, Command with) {
    ctx.awakeableHandle(heldId(ctx, with.awakeableKey())).reject(with.reason());
    return null;
  }

  private static String heldId(SharedObjectContext ctx, String key) {
    return ctx.get(idOf(key)).orElseThrow(() -> new TerminalException("no awakeable " + key));
  }

  private static String execute(ObjectContext ctx, Command one) {
    switch (one.type()) {
      case "awaitOne":
        return create(ctx, one.command()).await();
      case "awaitAwakeableOrTimeout":
        return awaitOrTimeout(ctx, one);
      case "resolveAwakeable":
        resolve(ctx, one);
        return "";
      case "rejectAwakeable":
        reject(ctx, one);
        return "";
      case "getEnvVariable":
        return ctx.run("environment", TEXT, () -> System.getenv().getOrDefault(one.envName(), ""));
      default:
        return combine(one.type(), one.commands().stream().map(all -> create(ctx, all)).toList());
    }
  }

  private static List<String> results(SharedObjectContext ctx, Void none) {
    return ctx.get(RESULTS).orElse(List.of());
  }

  private static String interpret(ObjectContext ctx, Program program) {
    String last = "";
    for (Command one : program.commands()) {
      last = execute(ctx, one);
      List<String> results = new ArrayList<>(results(ctx, null));
      results.add(last);
      ctx.set(RESULTS, results);
    }
    return last;
  }

  private static boolean hasAwakeable(SharedObjectContext ctx, String key) {
    return ctx.get(idOf(key)).isPresent();
  }

  static ServiceDefinition commandInterpreter() {
    Serde<Command> command = JacksonSerdes.of(Command.class);
    return object(
        "VirtualObjectCommandInterpreter",
        exclusive(
            "interpretCommands", JacksonSerdes.of(Program.class), TEXT, Interpreter::interpret),
        shared("resolveAwakeable", command, NONE, Interpreter::resolve),
        shared("rejectAwakeable", command, NONE, Interpreter::reject),
        shared("hasAwakeable", TEXT, FLAG, Interpreter::hasAwakeable),
        shared("getResults", NONE, TEXTS, Interpreter::results));
  }

  private static String run(WorkflowContext ctx, String input) {
    ctx.set(INPUT, input);
    String output = ctx.promise(UNBLOCKED).future().await();
    if (!ctx.promise(UNBLOCKED).peek().isReady()) {
      throw new TerminalException("a promise that was awaited must be completed");
    }
    return output;
  }

  private static Void unblock(SharedWorkflowContext ctx, String output) {
    ctx.promiseHandle(UNBLOCKED).resolve(output);
    return null;
  }

  private static String getState(SharedWorkflowContext ctx, Void none) {
    return ctx.get(INPUT).orElse(null);
  }

  static ServiceDefinition blockAndWaitWorkflow() {
    return workflow(
        "BlockAndWaitWorkflow",
        handler("run", HandlerType.WORKFLOW, TEXT, TEXT, Interpreter::run),
        shared("unblock", TEXT, NONE, Interpreter::unblock),
        shared("getState", NONE, TEXT, Interpreter::getState));
  }
}
