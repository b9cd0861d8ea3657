// SPDX-License-Identifier: Apache-2.0
//
// What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree
// of calls of one object to itself.

package main

import (
	"time"

	restate "github.com/restatedev/sdk-go"
)

const (
	blockingService = "CancelTestBlockingService"
	killSingleton   = "KillTestSingleton"
	canceledCode    = 409
)

// call calls a handler of the object that has the caller's key.
func call(ctx restate.ObjectContext, object, handler string, input any) error {
	_, err := restate.Object[none](ctx, object, restate.Key(ctx), handler).Request(input)
	return err
}

// waitToBeUnlocked leaves an awakeable with the holder of the same key and waits for it.
func waitToBeUnlocked(ctx restate.ObjectContext) error {
	awakeable := restate.Awakeable[string](ctx)
	if err := call(ctx, "AwakeableHolder", "hold", awakeable.Id()); err != nil {
		return err
	}
	_, err := awakeable.Result()
	return err
}

func startTest(ctx restate.ObjectContext, how string) (none, error) {
	err := call(ctx, blockingService, "block", how)
	if restate.IsTerminalError(err) && restate.ErrorCode(err) == canceledCode {
		restate.Set(ctx, "canceled", true)
		return none{}, nil
	}
	return none{}, err
}

func verifyTest(ctx restate.ObjectContext, _ none) (bool, error) {
	return restate.Get[bool](ctx, "canceled")
}

func block(ctx restate.ObjectContext, how string) (none, error) {
	if err := waitToBeUnlocked(ctx); err != nil {
		return none{}, err
	}
	switch how {
	case "CALL":
		return none{}, call(ctx, blockingService, "block", how)
	case "SLEEP":
		return none{}, restate.Sleep(ctx, 1024*24*time.Hour)
	case "AWAKEABLE":
		return restate.Awakeable[none](ctx).Result()
	}
	return none{}, restate.TerminalErrorf("cannot block by %s", how)
}

func isUnlocked(restate.ObjectContext, none) (none, error) {
	return none{}, nil
}

func startCallTree(ctx restate.ObjectContext, _ none) (none, error) {
	return none{}, call(ctx, killSingleton, "recursiveCall", none{})
}

func recursiveCall(ctx restate.ObjectContext, _ none) (none, error) {
	if err := waitToBeUnlocked(ctx); err != nil {
		return none{}, err
	}
	return none{}, call(ctx, killSingleton, "recursiveCall", none{})
}

func trees() []restate.ServiceDefinition {
	return []restate.ServiceDefinition{
		restate.NewObject("CancelTestRunner").
			Handler("startTest", restate.NewObjectHandler(startTest)).
			Handler("verifyTest", restate.NewObjectHandler(verifyTest)),
		restate.NewObject(blockingService).
			Handler("block", restate.NewObjectHandler(block)).
			Handler("isUnlocked", restate.NewObjectHandler(isUnlocked)),
		restate.NewObject("KillTestRunner").
			Handler("startCallTree", restate.NewObjectHandler(startCallTree)),
		restate.NewObject(killSingleton).
			Handler("recursiveCall", restate.NewObjectHandler(recursiveCall)).
			Handler("isUnlocked", restate.NewObjectHandler(isUnlocked)),
	}
}
