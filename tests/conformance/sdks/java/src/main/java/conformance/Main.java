// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract over cleartext HTTP/2 on the loopback interface, on the port named by
// PORT, until SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature every request must carry,
// E2E_REQUEST_RESPONSE asks for the mode without streams both ways.
package conformance;

import dev.restate.sdk.auth.signing.RestateRequestIdentityVerifier;
import dev.restate.sdk.endpoint.Endpoint;
import dev.restate.sdk.endpoint.definition.ServiceDefinition;
import dev.restate.sdk.http.vertx.HttpEndpointRequestHandler;
import dev.restate.sdk.http.vertx.RestateHttpServer;
import java.util.List;

public final class Main {
  private Main() {}

  private static List<ServiceDefinition> services() {
    return List.of(
        Objects.counter(),
        Objects.listObject(),
        Objects.mapObject(),
        Objects.awakeableHolder(),
        Failing.failing(),
        Failing.nonDeterministic(),
        Trees.cancelTestRunner(),
        Trees.cancelTestBlockingService(),
        Trees.killTestRunner(),
        Trees.killTestSingleton(),
        Utilities.proxy(),
        Utilities.testUtils(),
        Interpreter.commandInterpreter(),
        Interpreter.blockAndWaitWorkflow());
  }

  public static void main(String[] arguments) {
    Endpoint.Builder builder = Endpoint.builder();
    services().forEach(builder::bind);
    String key = System.getenv("E2E_REQUEST_SIGNING");
    if (key != null) {
      builder.withRequestIdentityVerifier(RestateRequestIdentityVerifier.fromKey(key));
    }
    boolean requestResponse = System.getenv("E2E_REQUEST_RESPONSE") != null;
    var handler = HttpEndpointRequestHandler.fromEndpoint(builder.build(), requestResponse);
    int port = Integer.parseInt(System.getenv("PORT"));
    RestateHttpServer.fromHandler(handler)
        .listen(port, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .join();
  }
}
