// SPDX-License-Identifier: Apache-2.0
//
// How requests name the endpoint they go to.
#include "http/authority.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

HttpEndpoint Endpoint(bool tls, const std::string& host, uint16_t port) {
  HttpEndpoint out;
  out.tls = tls;
  out.host = host;
  out.port = port;
  return out;
}

TEST(Authority, LeavesOutThePortOfTheScheme) {
  EXPECT_EQ(AuthorityOf(Endpoint(false, "svc.test", 9080)), "svc.test:9080");
  EXPECT_EQ(AuthorityOf(Endpoint(false, "svc.test", 80)), "svc.test");
  EXPECT_EQ(AuthorityOf(Endpoint(true, "svc.test", 443)), "svc.test");
  EXPECT_EQ(AuthorityOf(Endpoint(true, "svc.test", 80)), "svc.test:80");
}

TEST(Authority, PutsIpv6InBrackets) {
  EXPECT_EQ(AuthorityOf(Endpoint(false, "fd00::2", 9080)), "[fd00::2]:9080");
  EXPECT_EQ(AuthorityOf(Endpoint(false, "fd00::2", 80)), "[fd00::2]");
}

TEST(Authority, Scheme) {
  EXPECT_EQ(SchemeOf(Endpoint(false, "h", 80)), "http");
  EXPECT_EQ(SchemeOf(Endpoint(true, "h", 443)), "https");
}

}  // namespace
}  // namespace perdure
