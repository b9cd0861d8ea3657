// SPDX-License-Identifier: Apache-2.0
//
// Bind addresses as the settings spell them.
#include "net/bind_address.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

TEST(BindAddress, Forms) {
  struct Case {
    std::string_view text;
    std::string_view host;
    uint16_t port;
  };
  for (const Case& c : {
           Case{"*:8080", "*", 8080},
           Case{"[::]:8080", "::", 8080},
           Case{"127.0.0.1:0", "127.0.0.1", 0},
           Case{"localhost:65535", "localhost", 65535},
       }) {
    const Result<BindAddress> parsed = ParseBindAddress(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed->host, c.host);
    EXPECT_EQ(parsed->port, c.port);
  }
}

TEST(BindAddress, BadOnesNameThemselves) {
  for (const std::string_view text :
       {"",
        "8080",
        "host",
        ":8080",
        "host:",
        "host:x",
        "host:65536",
        "host:-1",
        "::1:80",
        "h:1 "}) {
    const Result<BindAddress> parsed = ParseBindAddress(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("'" + std::string(text) + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace perdure
