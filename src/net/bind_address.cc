// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets: see bind_address.h.
#include "net/bind_address.h"

#include "net/socket_io.h"

#include <boost/asio/ip/v6_only.hpp>

#include <sys/socket.h>

#include <charconv>
#include <utility>
#include <vector>

namespace perdure {
namespace {

using boost::system::error_code;
using Tcp = boost::asio::ip::tcp;
using ReusePort = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Result<std::vector<Tcp::endpoint>> Endpoints(
    boost::asio::io_context& context, const BindAddress& address) {
  if (address.host == "*") {
    // One socket for both families where the kernel has IPv6, else IPv4 alone.
    return std::vector<Tcp::endpoint>{
        Tcp::endpoint(Tcp::v6(), address.port), Tcp::endpoint(Tcp::v4(), address.port)};
  }
  error_code ec;
  Tcp::resolver resolver(context);
  const auto found = resolver.resolve(
      address.host,
      std::to_string(address.port),
      Tcp::resolver::passive | Tcp::resolver::numeric_service,
      ec);
  if (ec) {
    return InvalidArgument(ec.message());
  }
  std::vector<Tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    endpoints.push_back(entry.endpoint());
  }
  return endpoints;
}

error_code Open(
    Tcp::acceptor& acceptor, const Tcp::endpoint& endpoint, const ListenOptions& options) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) {
    acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
  }
  if (!ec && options.share_port) {
    acceptor.set_option(ReusePort(true), ec);
  }
  if (!ec && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    acceptor.set_option(boost::asio::ip::v6_only(false), ec);
  }
  if (!ec) {
    acceptor.bind(endpoint, ec);
  }
  if (!ec) {
    acceptor.listen(Tcp::acceptor::max_listen_connections, ec);
  }
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
  }
  return ec;
}

}  // namespace

Result<BindAddress> ParseBindAddress(std::string_view text) {
  const auto bad = [text](std::string_view reason) {
    return InvalidArgument("bad bind address '" + std::string(text) + "': " + std::string(reason));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad("expected host:port");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  BindAddress address;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) {
    return bad("the port must be a number up to 65535");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address must be in brackets");
  }
  if (host.empty()) {
    return bad("the host is missing");
  }
  address.host.assign(host);
  return address;
}

Result<Tcp::acceptor> OpenAcceptor(
    boost::asio::io_context& context, const BindAddress& address, const ListenOptions& options) {
  const std::string where =
      "cannot listen on " + address.host + ":" + std::to_string(address.port) + ": ";
  Result<std::vector<Tcp::endpoint>> endpoints = Endpoints(context, address);
  if (!endpoints.ok()) {
    return InvalidArgument(where + endpoints.error().message);
  }
  std::string reason = "no address";
  for (const Tcp::endpoint& endpoint : *endpoints) {
    Tcp::acceptor acceptor(context);
    const error_code ec = Open(acceptor, endpoint, options);
    if (!ec) {
      return acceptor;
    }
    reason = OsErrorText(ec);
    if (ec == boost::asio::error::address_in_use) {
      break;  // the other family must not hide that somebody is there
    }
  }
  return Error{ErrorCode::kUnavailable, where + reason};
}

}  // namespace perdure
