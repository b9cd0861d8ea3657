// SPDX-License-Identifier: Apache-2.0
//
// Addresses to listen on: "host:port", "*:port", "[v6]:port". Parsing, resolving and opening the
// listening socket; accepting is the listener's.
#pragma once

#include "perdure/base/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace perdure {

struct BindAddress {
  std::string host;  // "*": every address of both families
  uint16_t port = 0;
};

Result<BindAddress> ParseBindAddress(std::string_view text);

struct ListenOptions {
  bool share_port = false;  // SO_REUSEPORT
};

// Tries what the host resolves to, in order. The error names the address and the reason.
Result<boost::asio::ip::tcp::acceptor> OpenAcceptor(
    boost::asio::io_context& context, const BindAddress& address, const ListenOptions& options);

}  // namespace perdure
