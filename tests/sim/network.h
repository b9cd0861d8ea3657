// SPDX-License-Identifier: Apache-2.0
//
// The network between the server and its services: streams with latency, chunks of any size,
// windows, connections that fail. It lives longer than any process: a request that was sent before
// a crash still arrives, and whoever serves it learns of the crash later.
#pragma once

#include "perdure/base/limits.h"
#include "perdure/http/client.h"
#include "tests/sim/core.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace perdure::sim {

class Link;

// The service's side of one request.
class Servant {
 public:
  virtual ~Servant() = default;
  virtual void OnInput(std::string bytes) = 0;
  virtual void OnInputEnd() = 0;
  // The stream is gone; whatever is said from now on is lost. It may be kept alive by its own
  // events.
  virtual void OnLost() = 0;
};

// Makes the servant of a request.
using ServantFactory =
    std::function<std::shared_ptr<Servant>(std::shared_ptr<Link>, const HttpStreamRequest&)>;

// One stream. The server's side is held by a HttpStream, the service's side by its servant.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(SimCore& core, HttpStreamListener& listener) : core_(core), listener_(&listener) {}

  // --- the service's side ---
  void SendHead(int status, HttpHeaders headers);
  void SendData(std::string bytes);
  void SendEnd();
  void SendReset();

  // --- the server's side ---
  void Write(BytesView bytes);
  void FinishBody();
  void ReturnCredit(size_t bytes);
  size_t unsent_bytes() const { return unsent_; }
  void DropListener();

  // --- the network ---
  void Connect(std::shared_ptr<Servant> servant) { servant_ = std::move(servant); }
  // The connection breaks: both sides are told.
  void Break(HttpFailure failure);
  bool open() const { return listener_ != nullptr; }

 private:
  void Pump();
  uint64_t Latency();
  void ToServant(MoveFunction<void(Servant&)> event);
  void ToListener(MoveFunction<void(HttpStreamListener&)> event);

  SimCore& core_;
  HttpStreamListener* listener_;      // null: the server's side is gone, or was told the end
  std::shared_ptr<Servant> servant_;  // null: the service's side is gone
  uint64_t servant_busy_ns_ = 0;      // events keep their order
  uint64_t listener_busy_ns_ = 0;
  size_t unsent_ = 0;
  bool finished_ = false;
  std::deque<std::string> waiting_;  // data that has no window yet
  bool end_waits_ = false;
  size_t window_ = 64 * limits::kKiB;
  size_t in_flight_ = 0;  // data the server has not given credit for
};

class Network {
 public:
  explicit Network(SimCore& core) : core_(core) {}
  ~Network();  // links and servants hold each other
  void SetServants(ServantFactory factory) { make_servant_ = std::move(factory); }

  std::shared_ptr<Link> Open(const HttpStreamRequest& request, HttpStreamListener& listener);
  // The services of this host are gone for a while: nobody answers, what was open breaks.
  void TakeDown(const std::string& host, uint64_t for_ns);
  size_t open_links() const;

 private:
  SimCore& core_;
  ServantFactory make_servant_;
  std::map<std::string, uint64_t> down_until_ns_;
  std::map<std::string, std::vector<std::weak_ptr<Link>>> links_;
};

// The HttpClient of one I/O thread of a process.
class SimHttpClient final : public HttpClient {
 public:
  explicit SimHttpClient(Network& network) : network_(network) {}
  std::unique_ptr<HttpStream> Open(
      HttpStreamRequest request, HttpStreamListener& listener) override;

 private:
  Network& network_;
};

}  // namespace perdure::sim
