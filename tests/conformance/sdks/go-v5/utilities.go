// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes, and
// the utilities.

package main

import (
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
	if r.VirtualObjectKey == "" {
		return restate.Service[[]byte](ctx, r.ServiceName, r.HandlerName, restate.WithBinary)
	}
	return restate.Object[[]byte](ctx, r.ServiceName, r.VirtualObjectKey, r.HandlerName,
		restate.WithBinary)
}

func (r proxyRequest) call(ctx restate.Context) restate.ResponseFuture[[]byte] {
	if r.IdempotencyKey != "" {
		return r.client(ctx).RequestFuture(r.bytes(), restate.WithIdempotencyKey(r.IdempotencyKey))
	}
	return r.client(ctx).RequestFuture(r.bytes())
}

func (r proxyRequest) send(ctx restate.Context) restate.Invocation {
	delay := restate.WithDelay(time.Duration(r.DelayMillis) * time.Millisecond)
	if r.IdempotencyKey != "" {
		return r.client(ctx).Send(r.bytes(), delay, restate.WithIdempotencyKey(r.IdempotencyKey))
	}
	return r.client(ctx).Send(r.bytes(), delay)
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

func echo(_ restate.Context, input string) (string, error) { return input, nil }

func uppercaseEcho(_ restate.Context, input string) (string, error) {
	return strings.ToUpper(input), nil
}

func echoHeaders(ctx restate.Context, _ none) (map[string]string, error) {
	return ctx.Request().Headers, nil
}

func rawEcho(_ restate.Context, input []byte) ([]byte, error) { return input, nil }

func countExecutedSideEffects(ctx restate.Context, times int) (int32, error) {
	var executed atomic.Int32
	count := func(restate.RunContext) (none, error) { executed.Add(1); return none{}, nil }
	for range times {
		if _, err := restate.Run(ctx, count); err != nil {
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
	return restate.AttachInvocation[string](ctx, id).Response()
}

func testUtils() restate.ServiceDefinition {
	return restate.NewService("TestUtilsService").
		Handler("echo", restate.NewServiceHandler(echo)).
		Handler("uppercaseEcho", restate.NewServiceHandler(uppercaseEcho)).
		Handler("echoHeaders", restate.NewServiceHandler(echoHeaders)).
		Handler("rawEcho", restate.NewServiceHandler(rawEcho, restate.WithBinary)).
		Handler("countExecutedSideEffects", restate.NewServiceHandler(countExecutedSideEffects)).
		Handler("cancelInvocation", restate.NewServiceHandler(cancelInvocation)).
		Handler("attachInvocation", restate.NewServiceHandler(attachInvocation))
}
