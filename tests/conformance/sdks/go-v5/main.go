// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract, with an SDK that speaks service protocol 5 only, over
// cleartext HTTP/2 on the loopback interface, on the port named by PORT, until SIGTERM.
// E2E_REQUEST_SIGNING names the public key whose signature every request must carry,
// E2E_REQUEST_RESPONSE asks for the mode without streams both ways.

package main

import (
	"context"
	"log"
	"os"

	restate "github.com/restatedev/sdk-go"
	"github.com/restatedev/sdk-go/server"
)

func main() {
	services := append(trees(), counter(), listObject(), mapObject(), awakeableHolder(), failing(),
		nonDeterministic(), proxy(), testUtils(), commandInterpreter(), blockAndWaitWorkflow())
	endpoint := server.NewRestate().Bidirectional(os.Getenv("E2E_REQUEST_RESPONSE") == "")
	for _, service := range services {
		endpoint.Bind(restate.ServiceDefinition(service))
	}
	if key := os.Getenv("E2E_REQUEST_SIGNING"); key != "" {
		endpoint.WithIdentityV1(key)
	}
	if err := endpoint.Start(context.Background(), "127.0.0.1:"+os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
