// SPDX-License-Identifier: Apache-2.0
//
// Discovery over HTTP: one probe per request, which asks up to five times and lives until it has an
// answer (service protocol 1). A probe that hears nothing is given up before the command line
// client stops waiting (13 s), so that the operator reads a reason. Registers nothing.
#include "perdure/base/limits.h"
#include "perdure/protocol/manifest.h"
#include "perdure/protocol/message_type.h"
#include "schema/deployment_uri.h"
#include "schema/discovery_errors.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace perdure {
namespace {

constexpr size_t kManifestBytesMax = 8 * limits::kMiB;
constexpr std::string_view kPath = "/discover";
constexpr DurationMs kDeadline = 12'000;
constexpr DurationMs kFirstBackoff = 100;
constexpr int kRetriesMax = 4;

bool RetryableStatus(int status) {
  static constexpr int kRetryable[] = {408, 429, 500, 502, 503, 504};
  return std::find(std::begin(kRetryable), std::end(kRetryable), status) != std::end(kRetryable);
}

bool RetryableFailure(HttpFailure failure, bool http11) {
  switch (failure) {
    case HttpFailure::kConnect:
    case HttpFailure::kStreamReset:
    case HttpFailure::kRefused:
    case HttpFailure::kConnectionLost:
      return true;
    case HttpFailure::kProtocol:
      return !http11;  // over HTTP/1.1 it means the peer speaks only HTTP/2
    case HttpFailure::kNotHttp2:
      return false;
  }
  return false;
}

// Grows by up to 30 %, so that a restarted fleet of servers does not ask in step.
DurationMs WithJitter(DurationMs backoff, const Clock& clock) {
  const uint64_t chance = (clock.MonotonicNs() * 0x9e3779b97f4a7c15ULL) >> 32;
  return backoff + chance % (backoff * 3 / 10 + 1);
}

// What a probe starts from.
struct ProbePlan {
  DiscoveryRequest request;
  DeploymentAddress address;
  DeploymentId id;
  DiscoveryOptions options;
};

class Probe final : public HttpStreamListener {
 public:
  // `finished` destroys the probe.
  using Finished = MoveFunction<void(Probe*)>;

  Probe(
      ProbePlan plan,
      Executor& executor,
      HttpClient& client,
      const Clock& clock,
      Discovery::Done done,
      Finished finished)
      : plan_(std::move(plan)),
        executor_(executor),
        client_(client),
        clock_(clock),
        done_(std::move(done)),
        finished_(std::move(finished)) {}

  void Start() {
    deadline_ =
        executor_.StartTimer(kDeadline, [this] { Finish(TimedOut(plan_.address.uri, kDeadline)); });
    Ask();
  }

  void OnHead(int status, const HttpHeaders& headers) override {
    status_ = status;
    headers_ = headers;
    http11_ = stream_->http11();
  }

  void OnData(BytesView data) override {
    if (body_.size() + data.size() > kManifestBytesMax) {
      Finish(BodyTooLarge(kManifestBytesMax));
      return;
    }
    body_.append(data);
    stream_->ReturnCredit(data.size());
  }

  void OnEnd() override {
    stream_.reset();
    if (status_ != 200) {
      DiscoveryError error = BadStatus(status_, headers_, body_);
      if (!RetryableStatus(status_) || !RetryLater()) {
        Finish(std::move(error));
      }
      return;
    }
    const ManifestResult parsed =
        ParseManifest(headers_.Get("content-type"), body_, plan_.options.protocol_version_max);
    if (!parsed.ok()) {
      Finish(BadManifest(parsed.error()));
      return;
    }
    const Manifest& manifest = parsed.manifest();
    Finish(ToDeployment(manifest));
  }

  void OnFailure(HttpFailure failure, std::string_view message) override {
    const bool http11 = plan_.address.endpoint.http11;
    DiscoveryError error = CallFailed(plan_.address.uri, http11, failure, message);
    stream_.reset();
    if (!RetryableFailure(failure, http11) || !RetryLater()) {
      Finish(std::move(error));
    }
  }

  void OnDrained() override {}

 private:
  void Ask() {
    status_ = 0;
    headers_ = {};
    body_.clear();
    HttpStreamRequest request;
    request.endpoint = plan_.address.endpoint;
    request.method = "GET";
    request.path = plan_.address.path_prefix + std::string(kPath) + plan_.address.query;
    request.headers.Add("accept", std::string(kDiscoveryAccept));
    if (!plan_.options.cluster_name.empty()) {
      request.headers.Add("x-restate-cluster-name", plan_.options.cluster_name);
    }
    for (const HttpHeader& header : plan_.request.additional_headers.items()) {
      request.headers.Add(header.name, header.value);
    }
    if (plan_.options.identity != nullptr) {
      plan_.options.identity->Sign(kPath, "", clock_.WallMs(), &request.headers);
    }
    stream_ = client_.Open(std::move(request), *this);
    stream_->FinishBody();
  }

  // False: there were enough.
  bool RetryLater() {
    if (retries_ == kRetriesMax) {
      return false;
    }
    const DurationMs backoff = kFirstBackoff << retries_;
    ++retries_;
    retry_ = executor_.StartTimer(WithJitter(backoff, clock_), [this] {
      retry_ = 0;
      Ask();
    });
    return true;
  }

  std::shared_ptr<const DeploymentSchema> ToDeployment(const Manifest& manifest) {
    auto out = std::make_shared<DeploymentSchema>();
    out->id = plan_.id;
    out->uri = plan_.address.uri;
    out->endpoint = plan_.address.endpoint;
    // Invocations are sent the way the endpoint was found (service protocol 1.5): behind TLS that
    // was not known before.
    out->endpoint.http11 = out->endpoint.http11 || http11_;
    out->path_prefix = plan_.address.path_prefix;
    out->query = plan_.address.query;
    out->additional_headers = std::move(plan_.request.additional_headers);
    out->metadata = std::move(plan_.request.metadata);
    out->min_protocol_version = manifest.min_protocol_version;
    out->max_protocol_version = manifest.max_protocol_version;
    out->bidirectional = manifest.bidirectional;
    if (const auto server = headers_.Get("x-restate-server")) {
      out->sdk_version = std::string(*server);
    }
    for (const ServiceSchema& service : manifest.services) {
      out->services[service.name] = std::make_shared<const ServiceSchema>(service);
    }
    return out;
  }

  void Finish(DiscoveryResult result) {
    executor_.CancelTimer(deadline_);
    executor_.CancelTimer(retry_);
    Discovery::Done done = std::move(done_);
    Finished finished = std::move(finished_);
    finished(this);  // destroys this
    done(std::move(result));
  }

  ProbePlan plan_;
  Executor& executor_;
  HttpClient& client_;
  const Clock& clock_;
  Discovery::Done done_;
  Finished finished_;

  std::unique_ptr<HttpStream> stream_;
  Executor::TimerId deadline_ = 0;
  Executor::TimerId retry_ = 0;
  int retries_ = 0;
  int status_ = 0;
  bool http11_ = false;
  HttpHeaders headers_;
  std::string body_;
};

// Owns the probes of all I/O threads; each is used on its own thread only.
class HttpDiscovery final : public Discovery {
 public:
  HttpDiscovery(DiscoveryOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  std::variant<DeploymentAddress, DiscoveryError> ParseUri(
      std::string_view uri, bool use_http_11) const override {
    Result<DeploymentAddress> address = ParseDeploymentUri(uri, use_http_11);
    if (!address.ok()) {
      return BadUri(address.error().message);
    }
    return std::move(address).value();
  }

  void Discover(
      DiscoveryRequest request,
      DeploymentId id,
      Executor& executor,
      HttpClient& client,
      Done done) override {
    Result<DeploymentAddress> address = ParseDeploymentUri(request.uri, request.use_http_11);
    if (!address.ok()) {
      executor.Post([done = std::move(done), error = BadUri(address.error().message)]() mutable {
        done(std::move(error));
      });
      return;
    }
    ProbePlan plan{std::move(request), std::move(address).value(), id, options_};
    auto probe = std::make_unique<Probe>(
        std::move(plan), executor, client, clock_, std::move(done), [this](Probe* p) { Drop(p); });
    Probe& started = *probe;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      probes_[&started] = std::move(probe);
    }
    started.Start();
  }

 private:
  void Drop(Probe* probe) {
    std::unique_ptr<Probe> dying;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = probes_.find(probe);
    PERDURE_ASSERT(it != probes_.end());
    dying = std::move(it->second);
    probes_.erase(it);
  }

  const DiscoveryOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<Probe*, std::unique_ptr<Probe>> probes_;  // protected by mutex_
};

}  // namespace

std::unique_ptr<Discovery> MakeDiscovery(const DiscoveryOptions& options, const Clock& clock) {
  return std::make_unique<HttpDiscovery>(options, clock);
}

}  // namespace perdure
