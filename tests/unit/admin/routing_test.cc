// SPDX-License-Identifier: Apache-2.0
//
// Which answer a path gets: version prefixes, unknown paths, wrong methods, routes not built yet,
// and the small constant routes (admin API 1, 4, 15).
#include "tests/unit/admin/admin_test_support.h"

#include <nlohmann/json.hpp>

namespace perdure {
namespace {

using testing::JsonError;

class RoutingTest : public testing::AdminTest {};

TEST_F(RoutingTest, HealthIsEmpty) {
  for (const char* path : {"/health", "/v2/health", "/v3/health", "/v4/health", "/health?x=1"}) {
    Send("GET", path);
    EXPECT_EQ(status(), 200) << path;
    EXPECT_EQ(body(), "");
  }
}

TEST_F(RoutingTest, VersionTellsWhatClientsNeed) {
  Send("GET", "/version");
  const auto json = nlohmann::json::parse(body());

  EXPECT_EQ(status(), 200);
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(json["version"], "1.7.12");
  EXPECT_EQ(json["perdure_version"], "0.1.0");
  EXPECT_EQ(json["min_admin_api_version"], 2);
  EXPECT_EQ(json["max_admin_api_version"], 4);
  EXPECT_EQ(json["ingress_endpoint"], "http://ingress:8080/");
  EXPECT_EQ(json["features"].size(), 12U);
  for (const auto& feature : json["features"]) {
    EXPECT_EQ(feature, false);
  }
}

TEST_F(RoutingTest, VersionTellsThatVersion7IsOffered) {
  admin_ = MakeAdmin(
      {"http://ingress:8080/", "localcluster", "0.1.0", true},
      gateway_,
      contexts_,
      discovery_,
      introspection_,
      SystemClock());
  Send("GET", "/version");
  const auto json = nlohmann::json::parse(body());
  EXPECT_EQ(json["features"].size(), 12U);
  for (const auto& [name, on] : json["features"].items()) {
    EXPECT_EQ(on, name == "protocol_v7") << name;
  }
}

TEST_F(RoutingTest, ClusterHealth) {
  Send("GET", "/cluster-health");
  EXPECT_EQ(body(), R"({"cluster_name":"localcluster","metadata_cluster_health":{"members":[1]}})");
}

TEST_F(RoutingTest, UnsupportedVersions) {
  for (const char* path : {"/v1", "/v1/health", "/v1/whatever"}) {
    Send("GET", path);
    EXPECT_EQ(status(), 400) << path;
    EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(
        body(),
        "Unsupported Admin API version V1. This server supports versions between V2 and V4.");
  }
  for (const char* path : {"/v5/health", "/v9/services", "/v44/health", "/v10/health", "/v/x"}) {
    Send("GET", path);
    EXPECT_EQ(status(), 404) << path;
    EXPECT_EQ(body(), "");
  }
}

TEST_F(RoutingTest, UnknownPathsAreEmpty404) {
  for (const char* path :
       {"/nope",
        "/services/",
        "//services",
        "/deployments/a/b",
        "/health/x",
        "/cluster",
        "/metrics",
        "",
        "*"}) {
    Send("GET", path);
    EXPECT_EQ(status(), 404) << path;
    EXPECT_EQ(body(), "");
  }
}

TEST_F(RoutingTest, WrongMethodTellsTheRightOnes) {
  Send("DELETE", "/deployments");
  EXPECT_EQ(status(), 405);
  EXPECT_EQ(header("allow"), "GET,HEAD,POST");
  EXPECT_EQ(body(), "");
  Send("GET", "/v3/invocations/x/cancel");
  EXPECT_EQ(status(), 405);
  EXPECT_EQ(header("allow"), "PATCH");
  Send("OPTIONS", "/services");
  EXPECT_EQ(status(), 405);
  Send("HEAD", "/query");
  EXPECT_EQ(status(), 405);
}

TEST_F(RoutingTest, HeadWorksWhereGetWorks) {
  for (const char* path : {"/health", "/version", "/services", "/deployments"}) {
    Send("HEAD", path);
    EXPECT_EQ(status(), 200) << path;
  }
}

TEST_F(RoutingTest, KnownRoutesThatAreNotBuiltSaySo) {
  const std::pair<std::string, std::string> routes[] = {
      {"DELETE", "/deployments/{deployment}"},
      {"PATCH", "/deployments/{deployment}"},
      {"PATCH", "/services/{service}"},
      {"GET", "/services/{service}/openapi"},
      {"POST", "/services/{service}/state"},
      {"DELETE", "/invocations/{invocation_id}"},
      {"POST", "/internal/invocations_batch_operations/cancel"},
      {"GET", "/subscriptions"},
      {"POST", "/subscriptions"},
      {"DELETE", "/kafka-clusters/{cluster}"},
      {"PUT", "/limits/rules"},
      {"POST", "/vqueues/{vqueue}/pause"},
      {"POST", "/query"},
      {"GET", "/openapi"},
      {"GET", "/ui/*"}};
  for (const auto& route : routes) {
    Send(route.first, route.second);  // the pattern is a path of its own form
    EXPECT_EQ(status(), 501) << route.second;
    EXPECT_EQ(body(), JsonError(route.first + " " + route.second + " is not supported yet"));
  }
  Send("POST", "/internal/services/S/serdes/decode/a/b");
  EXPECT_EQ(status(), 501);
}

TEST_F(RoutingTest, PutDeploymentIsDeprecated) {
  Send("PUT", "/deployments/dp_x");
  EXPECT_EQ(status(), 405);
  EXPECT_EQ(body(), JsonError("PUT deployment is deprecated, use PATCH instead"));
  Send("PUT", "/v2/deployments/dp_x");
  EXPECT_EQ(status(), 501);
}

TEST_F(RoutingTest, PathParametersMustBeUtf8) {
  Send("GET", "/services/a%ffb");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(body(), "Invalid URL: Invalid UTF-8 in `service`");
  Send("PATCH", "/invocations/a%FF/cancel");
  EXPECT_EQ(body(), "Invalid URL: Invalid UTF-8 in `invocation_id`");
}

}  // namespace
}  // namespace perdure
