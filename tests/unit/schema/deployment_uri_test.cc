// SPDX-License-Identifier: Apache-2.0
//
// Which URIs name a deployment, and what they are taken apart into (admin API 5.2 step 1).
#include "schema/deployment_uri.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

DeploymentAddress Parsed(std::string_view uri) {
  const Result<DeploymentAddress> result = ParseDeploymentUri(uri, false);
  EXPECT_TRUE(result.ok()) << uri;
  return result.ok() ? result.value() : DeploymentAddress{};
}

std::string Reason(std::string_view uri) {
  const Result<DeploymentAddress> result = ParseDeploymentUri(uri, false);
  EXPECT_FALSE(result.ok()) << uri;
  return result.ok() ? "" : result.error().message;
}

TEST(DeploymentUri, AddsSlashWhenThePathIsEmpty) {
  const DeploymentAddress address = Parsed("http://127.0.0.1:19200");

  EXPECT_EQ(address.uri, "http://127.0.0.1:19200/");
  EXPECT_EQ(address.endpoint.host, "127.0.0.1");
  EXPECT_EQ(address.endpoint.port, 19200);
  EXPECT_EQ(address.path_prefix, "");
  EXPECT_EQ(address.query, "");
}

TEST(DeploymentUri, KeepsPathAndQuery) {
  const DeploymentAddress address = Parsed("HTTP://Svc.Example/pre/fix/?a=1");

  EXPECT_EQ(address.uri, "http://Svc.Example/pre/fix/?a=1");
  EXPECT_EQ(address.endpoint.host, "svc.example");
  EXPECT_EQ(address.endpoint.port, 80);
  EXPECT_EQ(address.path_prefix, "/pre/fix");
  EXPECT_EQ(address.query, "?a=1");
}

TEST(DeploymentUri, TakesHttps) {
  const DeploymentAddress address = Parsed("HTTPS://Svc.Example/pre");

  EXPECT_EQ(address.uri, "https://Svc.Example/pre");
  EXPECT_TRUE(address.endpoint.tls);
  EXPECT_EQ(address.endpoint.port, 443);
  EXPECT_EQ(Parsed("https://h:80").endpoint.port, 80);
  EXPECT_FALSE(Parsed("http://h:443").endpoint.tls);
}

TEST(DeploymentUri, DropsTheFragment) {
  EXPECT_EQ(Parsed("http://h:1/x#frag").uri, "http://h:1/x");
  EXPECT_EQ(Parsed("http://h:1#frag").uri, "http://h:1/");
}

TEST(DeploymentUri, QueryMayFollowTheAuthority) {
  const DeploymentAddress address = Parsed("http://h?x");

  EXPECT_EQ(address.uri, "http://h/?x");
  EXPECT_EQ(address.path_prefix, "");
  EXPECT_EQ(address.query, "?x");
}

TEST(DeploymentUri, TakesIpv6Literals) {
  const DeploymentAddress address = Parsed("http://[FD00::2]:9080/x");

  EXPECT_EQ(address.uri, "http://[FD00::2]:9080/x");
  EXPECT_EQ(address.endpoint.host, "fd00::2");
  EXPECT_EQ(address.endpoint.port, 9080);
}

TEST(DeploymentUri, RemembersTheHttpVersion) {
  EXPECT_TRUE(ParseDeploymentUri("http://h/", true)->endpoint.http11);
  EXPECT_FALSE(ParseDeploymentUri("http://h/", false)->endpoint.http11);
}

TEST(DeploymentUri, RefusesWhatIsNotAbsolute) {
  for (const char* uri : {"foo", "/foo", "", "localhost:9080", "http://", "http:///x", "://h"}) {
    EXPECT_EQ(
        Reason(uri),
        "The provided uri " + std::string(uri) +
            " is not absolute, only absolute URIs can be used.");
  }
}

TEST(DeploymentUri, RefusesOtherSchemes) {
  EXPECT_EQ(Reason("ftp://h/"), "the scheme 'ftp' is not supported, use http or https");
}

TEST(DeploymentUri, RefusesBadAuthorities) {
  EXPECT_EQ(Reason("http://h:0/"), "invalid port in 'h:0'");
  EXPECT_EQ(Reason("http://h:99999/"), "invalid port in 'h:99999'");
  EXPECT_EQ(Reason("http://h:/"), "invalid port in 'h:'");
  EXPECT_EQ(Reason("http://h:8x/"), "invalid port in 'h:8x'");
  EXPECT_EQ(Reason("http://[::1/"), "invalid host in '[::1'");
  EXPECT_EQ(Reason("http://[]/"), "invalid host in '[]'");
  EXPECT_EQ(Reason("http://[::1]x/"), "invalid port in '[::1]x'");
  EXPECT_EQ(Reason("http://:80/"), "invalid host in ':80'");
  EXPECT_EQ(Reason("http://a,b/"), "invalid host in 'a,b'");
  EXPECT_EQ(
      Reason("http://user:pw@h/"),
      "credentials in the uri are not supported, use additional_headers");
}

TEST(DeploymentUri, RefusesBytesThatMustBeEncoded) {
  for (const char* uri :
       {"http://h/a b", "http://h/a\r\nx: y", "http://h/\xc3\xa4", "http://h/<"}) {
    EXPECT_EQ(Reason(uri), "the uri contains a character that must be percent-encoded");
  }
}

TEST(DeploymentUri, IsBounded) {
  EXPECT_EQ(Reason("http://h/" + std::string(4096, 'a')), "the uri is longer than 4096 bytes");
}

}  // namespace
}  // namespace perdure
