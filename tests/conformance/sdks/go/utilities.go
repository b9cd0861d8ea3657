// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes,
// the utilities, and a worker whose concurrency is limited from outside.

package main

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	restate "github.com/restatedev/sdk-go"
)

type proxyRequest struct {
	ServiceName      string `json:"serviceName"`
	VirtualObjectKey string `json:"virtualObjectKey"`
	HandlerName      string `json:"handlerName"`
	Message          []int8 `json:"message"`
	DelayMillis      int64  `json:"delayMillis"`
	IdempotencyKey   string `json:"idempotencyKey"`
	Scope            string `json:"scope"`
	LimitKey         string `json:"limitKey"`
}

type manyCallRequest struct {
	ProxyRequest  proxyRequest `json:"proxyRequest"`
	OneWayCall    bool         `json:"oneWayCall"`
	AwaitAtTheEnd bool         `json:"awaitAtTheEnd"`
}

func (r proxyRequest) bytes() []byte {
	bytes := make([]byte, len(r.Message))
	for i, one := range r.Message {
		bytes[i] = byte(one)
	}
	return bytes
}

func (r proxyRequest) client(ctx restate.Context) restate.Client[any, []byte] {
	options := []restate.ClientOption{restate.WithBinary, restate.WithScope(r.Scope)}
	if r.VirtualObjectKey == "" {
		return restate.Service[[]byte](ctx, r.ServiceName, r.HandlerName, options...)
	}
	return restate.Object[[]byte](ctx, r.ServiceName, r.VirtualObjectKey, r.HandlerName, options...)
}

func (r proxyRequest) call(ctx restate.Context) restate.ResponseFuture[[]byte] {
	options := []restate.RequestOption{}
	if r.IdempotencyKey != "" {
		options = append(options, restate.WithIdempotencyKey(r.IdempotencyKey))
	}
	if r.LimitKey != "" {
		options = append(options, restate.WithLimitKey(r.LimitKey))
	}
	return r.client(ctx).RequestFuture(r.bytes(), options...)
}

func (r proxyRequest) send(ctx restate.Context) restate.Invocation {
	options := []restate.SendOption{}
	if r.DelayMillis != 0 {
		options = append(options, restate.WithDelay(time.Duration(r.DelayMillis)*time.Millisecond))
	}
	if r.IdempotencyKey != "" {
		options = append(options, restate.WithIdempotencyKey(r.IdempotencyKey))
	}
	if r.LimitKey != "" {
		options = append(options, restate.WithLimitKey(r.LimitKey))
	}
	return r.client(ctx).Send(r.bytes(), options...)
}

func proxyCall(ctx restate.Context, request proxyRequest) ([]int, error) {
	bytes, err := request.call(ctx).Response()
	if err != nil {
		return nil, err
	}
	numbers := make([]int, len(bytes))
	for i, one := range bytes {
		numbers[i] = int(one)
	}
	return numbers, nil
}

func proxyOneWayCall(ctx restate.Context, request proxyRequest) (string, error) {
	return request.send(ctx).GetInvocationId(), nil
}

func proxyManyCalls(ctx restate.Context, requests []manyCallRequest) (none, error) {
	awaited := []restate.ResponseFuture[[]byte]{}
	for _, request := range requests {
		if request.OneWayCall {
			request.ProxyRequest.send(ctx)
			continue
		}
		called := request.ProxyRequest.call(ctx)
		if request.AwaitAtTheEnd {
			awaited = append(awaited, called)
		}
	}
	for _, one := range awaited {
		if _, err := one.Response(); err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}

func proxy() restate.ServiceDefinition {
	return restate.NewService("Proxy").
		Handler("call", restate.NewServiceHandler(proxyCall)).
		Handler("oneWayCall", restate.NewServiceHandler(proxyOneWayCall)).
		Handler("manyCalls", restate.NewServiceHandler(proxyManyCalls))
}

type signalRequest struct {
	InvocationID string `json:"invocationId"`
	SignalName   string `json:"signalName"`
	Value        string `json:"value"`
	Reason       string `json:"reason"`
}

func echo(_ restate.Context, input string) (string, error) { return input, nil }

func uppercaseEcho(_ restate.Context, input string) (string, error) {
	return strings.ToUpper(input), nil
}

func echoHeaders(ctx restate.Context, _ none) (map[string]string, error) {
	return ctx.Request().Headers.ToMap(), nil
}

func rawEcho(_ restate.Context, input []byte) ([]byte, error) { return input, nil }

func countExecutedSideEffects(ctx restate.Context, times int) (int32, error) {
	var executed atomic.Int32
	count := func(restate.RunContext) error { executed.Add(1); return nil }
	for range times {
		if err := restate.RunVoid(ctx, count); err != nil {
			return 0, err
		}
	}
	return executed.Load(), nil
}

func cancelInvocation(ctx restate.Context, id string) (none, error) {
	restate.CancelInvocation(ctx, id)
	return none{}, nil
}

func attachInvocation(ctx restate.Context, id string) (string, error) {
	return result(restate.AttachInvocation[string](ctx, id).Response())
}

func resolveSignal(ctx restate.Context, request signalRequest) (none, error) {
	restate.ResolveSignal(ctx, request.InvocationID, request.SignalName, request.Value)
	return none{}, nil
}

func rejectSignal(ctx restate.Context, request signalRequest) (none, error) {
	restate.RejectSignal(ctx, request.InvocationID, request.SignalName, errors.New(request.Reason))
	return none{}, nil
}

func testUtils() restate.ServiceDefinition {
	return restate.NewService("TestUtilsService").
		Handler("echo", restate.NewServiceHandler(echo)).
		Handler("uppercaseEcho", restate.NewServiceHandler(uppercaseEcho)).
		Handler("echoHeaders", restate.NewServiceHandler(echoHeaders)).
		Handler("rawEcho", restate.NewServiceHandler(rawEcho, restate.WithBinary)).
		Handler("countExecutedSideEffects", restate.NewServiceHandler(countExecutedSideEffects)).
		Handler("cancelInvocation", restate.NewServiceHandler(cancelInvocation)).
		Handler("attachInvocation", restate.NewServiceHandler(attachInvocation)).
		Handler("resolveSignal", restate.NewServiceHandler(resolveSignal)).
		Handler("rejectSignal", restate.NewServiceHandler(rejectSignal))
}

var running, mostRunning atomic.Int32

func work(ctx restate.Context, name string) (none, error) {
	now := running.Add(1)
	defer running.Add(-1)
	for most := mostRunning.Load(); now > most; most = mostRunning.Load() {
		mostRunning.CompareAndSwap(most, now)
	}
	awakeable := restate.Awakeable[string](ctx)
	held := restate.Object[none](ctx, "AwakeableHolder", name, "hold")
	if _, err := held.Request(awakeable.Id()); err != nil {
		return none{}, err
	}
	if _, err := awakeable.Result(); err != nil {
		return none{}, err
	}
	return none{}, nil
}

func scopedWorker() restate.ServiceDefinition {
	most := func(restate.Context, none) (int32, error) { return mostRunning.Load(), nil }
	return restate.NewService("ScopedWorker").
		Handler("work", restate.NewServiceHandler(work)).
		Handler("mostRunning", restate.NewServiceHandler(most))
}
