// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract over cleartext HTTP/2 on the loopback interface, on the port named by
// PORT, until SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature every request must carry,
// E2E_REQUEST_RESPONSE asks for the mode without streams both ways.
package conformance

import dev.restate.sdk.auth.signing.RestateRequestIdentityVerifier
import dev.restate.sdk.endpoint.Endpoint
import dev.restate.sdk.http.vertx.HttpEndpointRequestHandler
import dev.restate.sdk.http.vertx.RestateHttpServer

private val services =
    listOf(
        counter,
        listObject,
        mapObject,
        awakeableHolder,
        failing,
        nonDeterministic,
        cancelTestRunner,
        cancelTestBlockingService,
        killTestRunner,
        killTestSingleton,
        proxy,
        testUtils,
        commandInterpreter,
        blockAndWaitWorkflow,
    )

fun main() {
  val builder = Endpoint.builder()
  services.forEach(builder::bind)
  System.getenv("E2E_REQUEST_SIGNING")?.let {
    builder.withRequestIdentityVerifier(RestateRequestIdentityVerifier.fromKey(it))
  }
  val requestResponse = System.getenv("E2E_REQUEST_RESPONSE") != null
  val handler = HttpEndpointRequestHandler.fromEndpoint(builder.build(), requestResponse)
  RestateHttpServer.fromHandler(handler)
      .listen(System.getenv("PORT").toInt(), "127.0.0.1")
      .toCompletionStage()
      .toCompletableFuture()
      .join()
}
