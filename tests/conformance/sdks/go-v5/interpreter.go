// SPDX-License-Identifier: Apache-2.0
//
// The object that executes a list of commands on awaitables, and the workflow that blocks on a
// durable promise. Runs can only be awaited alone, and there are no signals.

package main

import (
	"os"
	"slices"
	"strings"
	"time"

	restate "github.com/restatedev/sdk-go"
)

type command struct {
	Type          string    `json:"type"`
	Command       *command  `json:"command"`
	Commands      []command `json:"commands"`
	AwakeableKey  string    `json:"awakeableKey"`
	TimeoutMillis int64     `json:"timeoutMillis"`
	Value         string    `json:"value"`
	Reason        string    `json:"reason"`
	SignalName    string    `json:"signalName"`
	EnvName       string    `json:"envName"`
}

type program struct {
	Commands []command `json:"commands"`
}

// pending is something that can be awaited alone or with others.
type pending struct {
	future restate.Selectable
	result func() (string, error)
}

func stateKey(awakeableKey string) string { return "awk-" + awakeableKey }

func createAwakeable(ctx restate.ObjectContext, key string) pending {
	awakeable := restate.Awakeable[string](ctx)
	restate.Set(ctx, stateKey(key), awakeable.Id())
	return pending{awakeable, awakeable.Result}
}

func create(ctx restate.ObjectContext, awaitable command) (pending, error) {
	switch awaitable.Type {
	case "createAwakeable":
		return createAwakeable(ctx, awaitable.AwakeableKey), nil
	case "sleep":
		timer := restate.After(ctx, time.Duration(awaitable.TimeoutMillis)*time.Millisecond)
		done := func() (string, error) { return "sleep", timer.Done() }
		return pending{timer, done}, nil
	}
	return pending{}, restate.TerminalErrorf("cannot wait for %s and others", awaitable.Type)
}

func awaitOne(ctx restate.ObjectContext, one command) (string, error) {
	switch one.Type {
	case "runReturns":
		return restate.Run(ctx, func(restate.RunContext) (string, error) { return one.Value, nil })
	case "runThrowTerminalException":
		return restate.Run(ctx, func(restate.RunContext) (string, error) {
			return "", restate.TerminalErrorf("%s", one.Reason)
		})
	}
	awaited, err := create(ctx, one)
	if err != nil {
		return "", err
	}
	return awaited.result()
}

// combine awaits all of them in the order of their completion, until the kind of combinator has
// what it wants.
func combine(ctx restate.ObjectContext, kind string, all []pending) (string, error) {
	futures := make([]restate.Selectable, len(all))
	for i, one := range all {
		futures[i] = one.future
	}
	results := make([]string, len(all))
	for selector := restate.Select(ctx, futures...); selector.Remaining(); {
		i := slices.Index(futures, selector.Select())
		value, failure := all[i].result()
		switch {
		case kind == "awaitAny" || kind == "awaitFirstCompleted":
			return value, failure
		case kind == "awaitAllCompleted" && failure != nil:
			results[i] = "err:" + failure.Error()
		case kind == "awaitAllCompleted":
			results[i] = "ok:" + value
		case kind == "awaitAllSucceededOrFirstFailed" && failure != nil:
			return "", failure
		case kind == "awaitAllSucceededOrFirstFailed":
			results[i] = value
		case failure == nil:
			return value, nil
		default:
			results[i] = failure.Error()
		}
	}
	joined := strings.Join(results, "|")
	if kind == "awaitAnySuccessful" || kind == "awaitFirstSucceededOrAllFailed" {
		return "", restate.TerminalErrorf("%s", joined)
	}
	return joined, nil
}

func awaitOrTimeout(ctx restate.ObjectContext, one command) (string, error) {
	awakeable := createAwakeable(ctx, one.AwakeableKey)
	timer := restate.After(ctx, time.Duration(one.TimeoutMillis)*time.Millisecond)
	if restate.Select(ctx, awakeable.future, timer).Select() == timer {
		return "", restate.TerminalErrorf("await-timeout")
	}
	return awakeable.result()
}

func execute(ctx restate.ObjectContext, one command) (string, error) {
	switch one.Type {
	case "awaitOne":
		return awaitOne(ctx, *one.Command)
	case "awaitAwakeableOrTimeout":
		return awaitOrTimeout(ctx, one)
	case "resolveAwakeable":
		_, err := resolveHeld(ctx, one)
		return "", err
	case "rejectAwakeable":
		_, err := rejectHeld(ctx, one)
		return "", err
	case "getEnvVariable":
		return restate.Run(ctx, func(restate.RunContext) (string, error) {
			return os.Getenv(one.EnvName), nil
		})
	}
	all := []pending{}
	for _, awaitable := range one.Commands {
		created, err := create(ctx, awaitable)
		if err != nil {
			return "", err
		}
		all = append(all, created)
	}
	return combine(ctx, one.Type, all)
}

func interpretCommands(ctx restate.ObjectContext, input program) (string, error) {
	last := ""
	for _, one := range input.Commands {
		value, err := execute(ctx, one)
		if err != nil {
			return "", err
		}
		results, err := restate.Get[[]string](ctx, "results")
		if err != nil {
			return "", err
		}
		restate.Set(ctx, "results", append(results, value))
		last = value
	}
	return last, nil
}

func heldID(ctx restate.ObjectSharedContext, key string) (string, error) {
	id, err := restate.Get[string](ctx, stateKey(key))
	if err == nil && id == "" {
		return "", restate.TerminalErrorf("no awakeable %s", key)
	}
	return id, err
}

func resolveHeld(ctx restate.ObjectSharedContext, input command) (none, error) {
	id, err := heldID(ctx, input.AwakeableKey)
	if err == nil {
		restate.ResolveAwakeable(ctx, id, input.Value)
	}
	return none{}, err
}

func rejectHeld(ctx restate.ObjectSharedContext, input command) (none, error) {
	id, err := heldID(ctx, input.AwakeableKey)
	if err == nil {
		restate.RejectAwakeable(ctx, id, restate.TerminalErrorf("%s", input.Reason))
	}
	return none{}, err
}

func hasAwakeable(ctx restate.ObjectSharedContext, key string) (bool, error) {
	id, err := restate.Get[string](ctx, stateKey(key))
	return id != "", err
}

func getResults(ctx restate.ObjectSharedContext, _ none) ([]string, error) {
	results, err := restate.Get[[]string](ctx, "results")
	if results == nil {
		results = []string{}
	}
	return results, err
}

func commandInterpreter() restate.ServiceDefinition {
	return restate.NewObject("VirtualObjectCommandInterpreter").
		Handler("interpretCommands", restate.NewObjectHandler(interpretCommands)).
		Handler("resolveAwakeable", restate.NewObjectSharedHandler(resolveHeld)).
		Handler("rejectAwakeable", restate.NewObjectSharedHandler(rejectHeld)).
		Handler("hasAwakeable", restate.NewObjectSharedHandler(hasAwakeable)).
		Handler("getResults", restate.NewObjectSharedHandler(getResults))
}

func runWorkflow(ctx restate.WorkflowContext, input string) (string, error) {
	restate.Set(ctx, "input", input)
	promise := restate.Promise[string](ctx, "unblocked")
	output, err := promise.Result()
	if err != nil {
		return "", err
	}
	peeked, err := promise.Peek()
	if err != nil {
		return "", err
	}
	if peeked != output {
		return "", restate.TerminalErrorf("a promise that was awaited must be completed")
	}
	return output, nil
}

func unblock(ctx restate.WorkflowSharedContext, output string) (none, error) {
	return none{}, restate.Promise[string](ctx, "unblocked").Resolve(output)
}

func getState(ctx restate.WorkflowSharedContext, _ none) (*string, error) {
	return restate.Get[*string](ctx, "input")
}

func blockAndWaitWorkflow() restate.ServiceDefinition {
	return restate.NewWorkflow("BlockAndWaitWorkflow").
		Handler("run", restate.NewWorkflowHandler(runWorkflow)).
		Handler("unblock", restate.NewWorkflowSharedHandler(unblock)).
		Handler("getState", restate.NewWorkflowSharedHandler(getState))
}
