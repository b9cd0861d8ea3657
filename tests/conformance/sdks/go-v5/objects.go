// SPDX-License-Identifier: Apache-2.0
//
// Objects of the contract that only keep state: a counter, a list, a map, and the holder of
// somebody's awakeable.

package main

import restate "github.com/restatedev/sdk-go"

type none = restate.Void

type counterUpdate struct {
	OldValue int64 `json:"oldValue"`
	NewValue int64 `json:"newValue"`
}

func addTo(ctx restate.ObjectContext, value int64) (counterUpdate, error) {
	old, err := restate.Get[int64](ctx, "counter")
	if err != nil {
		return counterUpdate{}, err
	}
	restate.Set(ctx, "counter", old+value)
	return counterUpdate{OldValue: old, NewValue: old + value}, nil
}

func addThenFail(ctx restate.ObjectContext, value int64) (none, error) {
	if _, err := addTo(ctx, value); err != nil {
		return none{}, err
	}
	return none{}, restate.TerminalErrorf("%s", restate.Key(ctx))
}

func getCounter(ctx restate.ObjectSharedContext, _ none) (int64, error) {
	return restate.Get[int64](ctx, "counter")
}

func resetCounter(ctx restate.ObjectContext, _ none) (none, error) {
	restate.Clear(ctx, "counter")
	return none{}, nil
}

func counter() restate.ServiceDefinition {
	return restate.NewObject("Counter").
		Handler("add", restate.NewObjectHandler(addTo)).
		Handler("addThenFail", restate.NewObjectHandler(addThenFail)).
		Handler("get", restate.NewObjectSharedHandler(getCounter)).
		Handler("reset", restate.NewObjectHandler(resetCounter))
}

func getList(ctx restate.ObjectContext) ([]string, error) {
	list, err := restate.Get[[]string](ctx, "list")
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []string{}
	}
	return list, nil
}

func appendToList(ctx restate.ObjectContext, value string) (none, error) {
	list, err := getList(ctx)
	if err == nil {
		restate.Set(ctx, "list", append(list, value))
	}
	return none{}, err
}

func clearList(ctx restate.ObjectContext, _ none) ([]string, error) {
	list, err := getList(ctx)
	if err == nil {
		restate.Clear(ctx, "list")
	}
	return list, err
}

func listObject() restate.ServiceDefinition {
	get := func(ctx restate.ObjectContext, _ none) ([]string, error) { return getList(ctx) }
	return restate.NewObject("ListObject").
		Handler("append", restate.NewObjectHandler(appendToList)).
		Handler("get", restate.NewObjectHandler(get)).
		Handler("clear", restate.NewObjectHandler(clearList))
}

type entry struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func setEntry(ctx restate.ObjectContext, input entry) (none, error) {
	restate.Set(ctx, input.Key, input.Value)
	return none{}, nil
}

func getEntry(ctx restate.ObjectContext, key string) (string, error) {
	return restate.Get[string](ctx, key)
}

func clearEntries(ctx restate.ObjectContext, _ none) ([]entry, error) {
	keys, err := restate.Keys(ctx)
	if err != nil {
		return nil, err
	}
	entries := []entry{}
	for _, key := range keys {
		value, err := restate.Get[string](ctx, key)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{Key: key, Value: value})
	}
	restate.ClearAll(ctx)
	return entries, nil
}

func mapObject() restate.ServiceDefinition {
	return restate.NewObject("MapObject").
		Handler("set", restate.NewObjectHandler(setEntry)).
		Handler("get", restate.NewObjectHandler(getEntry)).
		Handler("clearAll", restate.NewObjectHandler(clearEntries))
}

func hold(ctx restate.ObjectContext, id string) (none, error) {
	restate.Set(ctx, "id", id)
	return none{}, nil
}

func holdsAwakeable(ctx restate.ObjectContext, _ none) (bool, error) {
	id, err := restate.Get[string](ctx, "id")
	return id != "", err
}

func unlock(ctx restate.ObjectContext, payload string) (none, error) {
	id, err := restate.Get[string](ctx, "id")
	if err != nil {
		return none{}, err
	}
	if id == "" {
		return none{}, restate.TerminalErrorf("no awakeable is held")
	}
	restate.ResolveAwakeable(ctx, id, payload)
	restate.Clear(ctx, "id")
	return none{}, nil
}

func awakeableHolder() restate.ServiceDefinition {
	return restate.NewObject("AwakeableHolder").
		Handler("hold", restate.NewObjectHandler(hold)).
		Handler("hasAwakeable", restate.NewObjectHandler(holdsAwakeable)).
		Handler("unlock", restate.NewObjectHandler(unlock))
}
