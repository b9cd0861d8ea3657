// SPDX-License-Identifier: Apache-2.0
//
// Objects of the contract that only keep state: a counter, a list, a map, and the holder of somebody's
// awakeable.
package conformance;

import static conformance.Define.*;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.restate.sdk.ObjectContext;
import dev.restate.sdk.SharedObjectContext;
import dev.restate.sdk.common.StateKey;
import dev.restate.sdk.common.TerminalException;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.serde.jackson.JacksonSerdes;
import java.util.ArrayList;
import java.util.List;

final class Objects {
  private static final StateKey<Long> COUNTER = state("counter", LONG);
  private static final StateKey<List<String>> LIST = state("list", TEXTS);
  private static final StateKey<String> ID = state("id", TEXT);

  private Objects() {}

  record CounterUpdate(long oldValue, long newValue) {}

  record Entry(String key, String value) {}

  private static CounterUpdate add(ObjectContext ctx, long value) {
    long old = ctx.get(COUNTER).orElse(0L);
    ctx.set(COUNTER, old + value);
    return new CounterUpdate(old, old + value);
  }

  private static Void addThenFail(ObjectContext ctx, long value) {
    add(ctx, value);
    throw new TerminalException(ctx.key());
  }

  private static Void reset(ObjectContext ctx, Void none) {
    ctx.clear(COUNTER);
    return null;
  }

  static ServiceDefinition counter() {
    return object(
        "Counter",
        exclusive("add", LONG, JacksonSerdes.of(CounterUpdate.class), Objects::add),
        exclusive("addThenFail", LONG, NONE, Objects::addThenFail),
        shared("get", NONE, LONG, (SharedObjectContext ctx, Void n) -> ctx.get(COUNTER).orElse(0L)),
        exclusive("reset", NONE, NONE, Objects::reset));
  }

  private static List<String> list(ObjectContext ctx, Void none) {
    return ctx.get(LIST).orElse(List.of());
  }

  private static Void append(ObjectContext ctx, String value) {
    List<String> values = new ArrayList<>(list(ctx, null));
    values.add(value);
    ctx.set(LIST, values);
    return null;
  }

  private static List<String> clear(ObjectContext ctx, Void none) {
    List<String> values = list(ctx, null);
    ctx.clear(LIST);
    return values;
  }

  static ServiceDefinition listObject() {
    return object(
        "ListObject",
        exclusive("append", TEXT, NONE, Objects::append),
        exclusive("get", NONE, TEXTS, Objects::list),
        exclusive("clear", NONE, TEXTS, Objects::clear));
  }

  private static Void set(ObjectContext ctx, Entry entry) {
    ctx.set(state(entry.key(), TEXT), entry.value());
    return null;
  }

  private static String get(ObjectContext ctx, String key) {
    return ctx.get(state(key, TEXT)).orElse("");
  }

  private static List<Entry> clearAll(ObjectContext ctx, Void none) {
    List<Entry> entries = new ArrayList<>();
    for (String key : ctx.stateKeys()) {
      entries.add(new Entry(key, get(ctx, key)));
    }
    ctx.clearAll();
    return entries;
  }

  static ServiceDefinition mapObject() {
    var entries = JacksonSerdes.of(new TypeReference<List<Entry>>() {});
    return object(
        "MapObject",
        exclusive("set", JacksonSerdes.of(Entry.class), NONE, Objects::set),
        exclusive("get", TEXT, TEXT, Objects::get),
        exclusive("clearAll", NONE, entries, Objects::clearAll));
  }

  private static Void hold(ObjectContext ctx, String id) {
    ctx.set(ID, id);
    return null;
  }

  private static boolean hasAwakeable(ObjectContext ctx, Void none) {
    return ctx.get(ID).isPresent();
  }

  private static Void unlock(ObjectContext ctx, String payload) {
    String id = ctx.get(ID).orElseThrow(() -> new TerminalException("no awakeable is held"));
    ctx.awakeableHandle(id).resolve(TEXT, payload);
    ctx.clear(ID);
    return null;
  }

  static ServiceDefinition awakeableHolder() {
    return object(
        "AwakeableHolder",
        exclusive("hold", TEXT, NONE, Objects::hold),
        exclusive("hasAwakeable", NONE, FLAG, Objects::hasAwakeable),
        exclusive("unlock", TEXT, NONE, Objects::unlock));
  }
}
