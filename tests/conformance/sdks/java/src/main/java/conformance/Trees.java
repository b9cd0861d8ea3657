// SPDX-License-Identifier: Apache-2.0
//
// What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree of
// calls of one object to itself.
package conformance;

import static conformance.Define.*;

import dev.restate.sdk.Awakeable;
import dev.restate.sdk.ObjectContext;
import dev.restate.sdk.common.StateKey;
import dev.restate.sdk.common.TerminalException;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import java.time.Duration;

final class Trees {
  private static final String BLOCKING_SERVICE = "CancelTestBlockingService";
  private static final String KILL_SINGLETON = "KillTestSingleton";
  private static final StateKey<Boolean> CANCELED = state("canceled", FLAG);

  private Trees() {}

  /** Leaves an awakeable with the holder of the same key and waits for it. */
  private static void waitToBeUnlocked(ObjectContext ctx) {
    Awakeable<String> unlocked = ctx.awakeable(TEXT);
    callSameKey(ctx, "AwakeableHolder", "hold", TEXT, unlocked.id());
    unlocked.await();
  }

  private static Void startTest(ObjectContext ctx, String how) {
    try {
      callSameKey(ctx, BLOCKING_SERVICE, "block", TEXT, how);
    } catch (TerminalException error) {
      if (error.getCode() != TerminalException.CANCELLED_CODE) {
        throw error;
      }
      ctx.set(CANCELED, true);
    }
    return null;
  }

  private static boolean verifyTest(ObjectContext ctx, Void none) {
    return ctx.get(CANCELED).orElse(false);
  }

  private static Void block(ObjectContext ctx, String how) {
    waitToBeUnlocked(ctx);
    switch (how) {
      case "CALL" -> callSameKey(ctx, BLOCKING_SERVICE, "block", TEXT, how);
      case "SLEEP" -> ctx.sleep(Duration.ofDays(1024));
      case "AWAKEABLE" -> ctx.awakeable(TEXT).await();
      default -> throw new TerminalException("cannot block by " + how);
    }
    return null;
  }

  private static Void nothing(ObjectContext ctx, Void none) {
    return null;
  }

  private static Void startCallTree(ObjectContext ctx, Void none) {
    callSameKey(ctx, KILL_SINGLETON, "recursiveCall", NONE, null);
    return null;
  }

  private static Void recursiveCall(ObjectContext ctx, Void none) {
    waitToBeUnlocked(ctx);
    callSameKey(ctx, KILL_SINGLETON, "recursiveCall", NONE, null);
    return null;
  }

  static ServiceDefinition cancelTestRunner() {
    return object(
        "CancelTestRunner",
        exclusive("startTest", TEXT, NONE, Trees::startTest),
        exclusive("verifyTest", NONE, FLAG, Trees::verifyTest));
  }

  static ServiceDefinition cancelTestBlockingService() {
    return object(
        BLOCKING_SERVICE,
        exclusive("block", TEXT, NONE, Trees::block),
        exclusive("isUnlocked", NONE, NONE, Trees::nothing));
  }

  static ServiceDefinition killTestRunner() {
    return object("KillTestRunner", exclusive("startCallTree", NONE, NONE, Trees::startCallTree));
  }

  static ServiceDefinition killTestSingleton() {
    return object(
        KILL_SINGLETON,
        exclusive("recursiveCall", NONE, NONE, Trees::recursiveCall),
        exclusive("isUnlocked", NONE, NONE, Trees::nothing));
  }
}
