// SPDX-License-Identifier: Apache-2.0
//
// See network.h. Each direction delivers in order; the window is that of the smallest stream the
// server offers.
#include "tests/sim/network.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

class SimStream final : public HttpStream {
 public:
  explicit SimStream(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~SimStream() override { link_->DropListener(); }
  void Write(std::string bytes) override { link_->Write(bytes); }
  void Write(SharedBytes bytes) override { link_->Write(bytes.view()); }
  void FinishBody() override { link_->FinishBody(); }
  void ReturnCredit(size_t bytes) override { link_->ReturnCredit(bytes); }
  size_t unsent_bytes() const override { return link_->unsent_bytes(); }

 private:
  std::shared_ptr<Link> link_;
};

}  // namespace

uint64_t Link::Latency() {
  return core_.Fault(10) ? core_.rng.Between(5, 300) * kMs : core_.rng.Between(20, 400) * kUs;
}

void Link::ToServant(MoveFunction<void(Servant&)> event) {
  servant_busy_ns_ = std::max(servant_busy_ns_, core_.now_ns() + Latency());
  core_.scheduler.At(
      servant_busy_ns_, [self = shared_from_this(), event = std::move(event)]() mutable {
        if (const std::shared_ptr<Servant> servant = self->servant_) {
          event(*servant);
        }
      });
}

void Link::ToListener(MoveFunction<void(HttpStreamListener&)> event) {
  listener_busy_ns_ = std::max(listener_busy_ns_, core_.now_ns() + Latency());
  core_.scheduler.At(
      listener_busy_ns_, [self = shared_from_this(), event = std::move(event)]() mutable {
        if (self->listener_ != nullptr) {
          event(*self->listener_);
        }
      });
}

void Link::SendHead(int status, HttpHeaders headers) {
  ToListener([status, headers = std::move(headers)](HttpStreamListener& listener) {
    listener.OnHead(status, headers);
  });
}

void Link::SendData(std::string bytes) {
  waiting_.push_back(std::move(bytes));
  Pump();
}

void Link::Pump() {
  while (!waiting_.empty() && window_ > 0) {
    std::string& next = waiting_.front();
    size_t size = std::min(next.size(), window_);
    if (core_.rng.Percent(30)) {
      size = std::min<size_t>(size, core_.rng.Between(1, 64));
    }
    window_ -= size;
    in_flight_ += size;
    ToListener(
        [bytes = next.substr(0, size)](HttpStreamListener& listener) { listener.OnData(bytes); });
    if (size == next.size()) {
      waiting_.pop_front();
    } else {
      next.erase(0, size);
    }
  }
  if (waiting_.empty() && std::exchange(end_waits_, false)) {
    ToListener([this](HttpStreamListener& listener) {
      listener_ = nullptr;
      listener.OnEnd();
    });
  }
}

void Link::SendEnd() {
  end_waits_ = true;
  Pump();
}

void Link::SendReset() {
  waiting_.clear();
  servant_.reset();
  ToListener([this](HttpStreamListener& listener) {
    listener_ = nullptr;
    listener.OnFailure(HttpFailure::kStreamReset, "the stream was reset");
  });
}

void Link::Write(BytesView bytes) {
  PERDURE_INVARIANT(!finished_, "a body goes on after its end");
  unsent_ += bytes.size();
  ToServant([this, bytes = std::string(bytes)](Servant& servant) mutable {
    unsent_ -= bytes.size();
    if (unsent_ == 0) {
      ToListener([](HttpStreamListener& listener) { listener.OnDrained(); });
    }
    servant.OnInput(std::move(bytes));
  });
}

void Link::FinishBody() {
  PERDURE_INVARIANT(!finished_, "a body ends twice");
  finished_ = true;
  ToServant([](Servant& servant) { servant.OnInputEnd(); });
}

void Link::ReturnCredit(size_t bytes) {
  PERDURE_INVARIANT(bytes <= in_flight_, "more credit is given back than was used");
  in_flight_ -= bytes;
  window_ += bytes;
  Pump();
}

void Link::DropListener() {
  listener_ = nullptr;
  ToServant([this](Servant& servant) {
    servant.OnLost();
    servant_.reset();
  });
}

void Link::Break(HttpFailure failure) {
  if (const std::shared_ptr<Servant> servant = std::exchange(servant_, nullptr)) {
    servant->OnLost();
  }
  waiting_.clear();
  ToListener([this, failure](HttpStreamListener& listener) {
    listener_ = nullptr;
    listener.OnFailure(failure, "nobody is there");
  });
}

std::shared_ptr<Link> Network::Open(
    const HttpStreamRequest& request, HttpStreamListener& listener) {
  auto link = std::make_shared<Link>(core_, listener);
  const std::string& host = request.endpoint.host;
  if (down_until_ns_[host] > core_.now_ns()) {
    ++core_.coverage["attempts that found nobody"];
    link->Break(HttpFailure::kConnect);
    return link;
  }
  std::vector<std::weak_ptr<Link>>& links = links_[host];
  std::erase_if(links, [](const std::weak_ptr<Link>& other) { return other.expired(); });
  links.push_back(link);
  link->Connect(make_servant_(link, request));
  return link;
}

void Network::TakeDown(const std::string& host, uint64_t for_ns) {
  core_.Say("network: " + host + " goes down for " + std::to_string(for_ns / kMs) + " ms");
  ++core_.coverage["services that went down"];
  down_until_ns_[host] = core_.now_ns() + for_ns;
  const std::vector<std::weak_ptr<Link>> links = std::exchange(links_[host], {});
  for (const std::weak_ptr<Link>& weak : links) {
    if (const std::shared_ptr<Link> link = weak.lock()) {
      link->Break(HttpFailure::kConnectionLost);
    }
  }
}

Network::~Network() {
  for (const auto& item : links_) {
    for (const std::weak_ptr<Link>& weak : item.second) {
      if (const std::shared_ptr<Link> link = weak.lock()) {
        link->Connect(nullptr);
      }
    }
  }
}

size_t Network::open_links() const {
  size_t open = 0;
  for (const auto& item : links_) {
    for (const std::weak_ptr<Link>& weak : item.second) {
      const std::shared_ptr<Link> link = weak.lock();
      open += size_t{link != nullptr && link->open() ? 1U : 0U};
    }
  }
  return open;
}

std::unique_ptr<HttpStream> SimHttpClient::Open(
    HttpStreamRequest request, HttpStreamListener& listener) {
  return std::make_unique<SimStream>(network_.Open(request, listener));
}

}  // namespace perdure::sim
