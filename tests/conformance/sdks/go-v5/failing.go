// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminally, terminally inside a run, for a while, or differently on each
// replay. The attempts are counted in this process, so at most one case may use a counter at a time.

package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	restate "github.com/restatedev/sdk-go"
)

type failure struct {
	ErrorMessage string `json:"errorMessage"`
}

func (f failure) terminal() error { return restate.TerminalError(errors.New(f.ErrorMessage)) }

var callAttempts, successAttempts, failureAttempts atomic.Int32

func terminallyFailingCall(_ restate.ObjectContext, input failure) (none, error) {
	return none{}, input.terminal()
}

func callTerminallyFailingCall(ctx restate.ObjectContext, input failure) (none, error) {
	key := restate.Rand(ctx).UUID().String()
	return restate.Object[none](ctx, "Failing", key, "terminallyFailingCall").Request(input)
}

func failingCallWithEventualSuccess(restate.ObjectContext, none) (int32, error) {
	attempt := callAttempts.Add(1)
	if attempt < 4 {
		return 0, fmt.Errorf("attempt %d fails", attempt)
	}
	callAttempts.Store(0)
	return attempt, nil
}

func terminallyFailingSideEffect(ctx restate.ObjectContext, input failure) (none, error) {
	fail := func(restate.RunContext) (none, error) { return none{}, input.terminal() }
	return restate.Run(ctx, fail)
}

func sideEffectSucceedsAfterGivenAttempts(ctx restate.ObjectContext, least int32) (int32, error) {
	try := func(restate.RunContext) (int32, error) {
		attempt := successAttempts.Add(1)
		if attempt < least {
			return 0, fmt.Errorf("attempt %d of the run fails", attempt)
		}
		successAttempts.Store(0)
		return attempt, nil
	}
	return restate.Run(ctx, try,
		restate.WithInitialRetryInterval(10*time.Millisecond), restate.WithRetryIntervalFactor(1))
}

func sideEffectFailsAfterGivenAttempts(ctx restate.ObjectContext, most uint) (int32, error) {
	try := func(restate.RunContext) (none, error) {
		return none{}, fmt.Errorf("attempt %d of the run fails", failureAttempts.Add(1))
	}
	_, err := restate.Run(ctx, try, restate.WithInitialRetryInterval(10*time.Millisecond),
		restate.WithRetryIntervalFactor(1), restate.WithMaxRetryAttempts(most))
	if err == nil {
		return 0, restate.TerminalErrorf("the run must fail")
	}
	count := func(restate.RunContext) (int32, error) { return failureAttempts.Load(), nil }
	attempts, err := restate.Run(ctx, count)
	if err != nil {
		return 0, err
	}
	reset := func(restate.RunContext) (none, error) { failureAttempts.Store(0); return none{}, nil }
	_, err = restate.Run(ctx, reset)
	return attempts, err
}

func failing() restate.ServiceDefinition {
	return restate.NewObject("Failing").
		Handler("terminallyFailingCall", restate.NewObjectHandler(terminallyFailingCall)).
		Handler("callTerminallyFailingCall", restate.NewObjectHandler(callTerminallyFailingCall)).
		Handler("failingCallWithEventualSuccess",
			restate.NewObjectHandler(failingCallWithEventualSuccess)).
		Handler("terminallyFailingSideEffect", restate.NewObjectHandler(terminallyFailingSideEffect)).
		Handler("sideEffectSucceedsAfterGivenAttempts",
			restate.NewObjectHandler(sideEffectSucceedsAfterGivenAttempts)).
		Handler("sideEffectFailsAfterGivenAttempts",
			restate.NewObjectHandler(sideEffectFailsAfterGivenAttempts))
}

var attempts struct {
	sync.Mutex
	ofKey map[string]int
}

// goesLeft is true on the first, third, ... attempt for this key.
func goesLeft(ctx restate.ObjectContext) bool {
	attempts.Lock()
	defer attempts.Unlock()
	if attempts.ofKey == nil {
		attempts.ofKey = map[string]int{}
	}
	attempts.ofKey[restate.Key(ctx)]++
	return attempts.ofKey[restate.Key(ctx)]%2 == 1
}

// nonDeterministicHandler does one or the other, comes to a point that a replay comes back to, and
// has then an effect that must never be reached.
func nonDeterministicHandler(left, right func(ctx restate.ObjectContext) error) func(
	restate.ObjectContext, none) (none, error) {
	return func(ctx restate.ObjectContext, _ none) (none, error) {
		way := right
		if goesLeft(ctx) {
			way = left
		}
		if err := way(ctx); err != nil {
			return none{}, err
		}
		if err := restate.Sleep(ctx, 100*time.Millisecond); err != nil {
			return none{}, err
		}
		restate.ObjectSend(ctx, "Counter", restate.Key(ctx), "add").Send(1)
		return none{}, nil
	}
}

func nonDeterministic() restate.ServiceDefinition {
	sleep := func(ctx restate.ObjectContext) error {
		_, err := none{}, restate.Sleep(ctx, 100*time.Millisecond)
		return err
	}
	get := func(ctx restate.ObjectContext) error {
		_, err := restate.Object[int64](ctx, "Counter", "abc", "get").Request(none{})
		return err
	}
	reset := func(ctx restate.ObjectContext) error {
		_, err := restate.Object[none](ctx, "Counter", "abc", "reset").Request(none{})
		return err
	}
	send := func(handler string) func(ctx restate.ObjectContext) error {
		return func(ctx restate.ObjectContext) error {
			restate.ObjectSend(ctx, "Counter", "abc", handler).Send(none{})
			return nil
		}
	}
	set := func(key string) func(ctx restate.ObjectContext) error {
		return func(ctx restate.ObjectContext) error {
			restate.Set(ctx, key, "value")
			return nil
		}
	}
	return restate.NewObject("NonDeterministic").
		Handler("eitherSleepOrCall", restate.NewObjectHandler(nonDeterministicHandler(sleep, get))).
		Handler("callDifferentMethod", restate.NewObjectHandler(nonDeterministicHandler(get, reset))).
		Handler("backgroundInvokeWithDifferentTargets",
			restate.NewObjectHandler(nonDeterministicHandler(send("get"), send("reset")))).
		Handler("setDifferentKey",
			restate.NewObjectHandler(nonDeterministicHandler(set("left"), set("right"))))
}
