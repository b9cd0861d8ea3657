// SPDX-License-Identifier: Apache-2.0
//
// Discovery against a scripted endpoint: what it asks, when it asks again, and what it says when it
// gives up (service protocol 1.1, 1.4; admin API 5.3).
#include "perdure/schema/discovery.h"

#include "perdure/protocol/manifest.h"
#include "tests/unit/schema/manual_executor.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace perdure {
namespace {

using testing::ManualExecutor;

class FixedClock final : public Clock {
 public:
  TimeMs WallMs() const override { return 1000; }
  uint64_t MonotonicNs() const override { return 123456789; }
};

class FakeClient final : public HttpClient {
 public:
  class Stream final : public HttpStream {
   public:
    explicit Stream(FakeClient& client) : client_(client) { ++client_.open_streams; }
    ~Stream() override { --client_.open_streams; }
    void Write(std::string) override { FAIL() << "a GET has no body"; }
    void Write(SharedBytes) override { FAIL() << "a GET has no body"; }
    void FinishBody() override { client_.finished = true; }
    void ReturnCredit(size_t bytes) override { client_.credit += bytes; }
    size_t unsent_bytes() const override { return 0; }
    bool http11() const override { return client_.http11; }

   private:
    FakeClient& client_;
  };

  std::unique_ptr<HttpStream> Open(
      HttpStreamRequest request, HttpStreamListener& listener) override {
    requests.push_back(std::move(request));
    current = &listener;
    return std::make_unique<Stream>(*this);
  }

  std::vector<HttpStreamRequest> requests;
  HttpStreamListener* current = nullptr;
  int open_streams = 0;
  bool finished = false;
  bool http11 = false;
  size_t credit = 0;
};

// Writes down what was to be signed.
class FakeIdentity final : public RequestIdentity {
 public:
  const std::string& public_key() const override { return none_; }
  void Sign(std::string_view path, std::string_view key, TimeMs now, HttpHeaders* headers)
      const override {
    headers->Add(
        "signed", std::string(path) + " '" + std::string(key) + "' " + std::to_string(now));
  }

 private:
  std::string none_;
};

constexpr std::string_view kManifest =
    R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":7,"services":[)"
    R"({"name":"Svc","ty":"SERVICE","handlers":[{"name":"run"}]}]})";

class DiscoveryTest : public ::testing::Test {
 protected:
  void Ask(DiscoveryRequest request) {
    discovery_->Discover(std::move(request), id_, executor_, client_, [this](DiscoveryResult r) {
      ++answers_;
      result_ = std::move(r);
    });
  }
  void Ask(const std::string& uri = "http://h:9/") {
    DiscoveryRequest request;
    request.uri = uri;
    Ask(std::move(request));
  }
  void Answer(
      int status,
      std::string_view body,
      std::string_view type = "application/vnd.restate.endpointmanifest.v4+json") {
    HttpStreamListener* listener = client_.current;
    HttpHeaders headers{{"x-restate-server", "stub/1.0"}};
    if (!type.empty()) {
      headers.Add("content-type", std::string(type));
    }
    listener->OnHead(status, headers);
    listener->OnData(body);
    listener->OnEnd();
  }
  const DiscoveryError& error() const { return std::get<DiscoveryError>(*result_); }
  const DeploymentSchema& deployment() const {
    return *std::get<std::shared_ptr<const DeploymentSchema>>(*result_);
  }

  FixedClock clock_;
  ManualExecutor executor_;
  FakeClient client_;
  DeploymentId id_{{1, 2, 3}};
  std::shared_ptr<FakeIdentity> identity_ = std::make_shared<FakeIdentity>();
  std::unique_ptr<Discovery> discovery_ = MakeDiscovery({"cluster", identity_}, clock_);
  int answers_ = 0;
  std::optional<DiscoveryResult> result_;
};

TEST_F(DiscoveryTest, AsksAndBuildsTheDeployment) {
  DiscoveryRequest request;
  request.uri = "http://h:9/pre/?q=1";
  request.additional_headers.Add("x-tok", "1");
  request.metadata["git"] = "abc";
  Ask(std::move(request));
  ASSERT_EQ(client_.requests.size(), 1U);
  EXPECT_TRUE(client_.finished);
  Answer(200, kManifest);

  const HttpStreamRequest& sent = client_.requests[0];
  EXPECT_EQ(sent.method, "GET");
  EXPECT_EQ(sent.path, "/pre/discover?q=1");
  EXPECT_EQ(sent.headers.Get("accept"), kDiscoveryAccept);
  EXPECT_EQ(sent.headers.Get("x-restate-cluster-name"), "cluster");
  EXPECT_EQ(sent.headers.Get("x-tok"), "1");
  EXPECT_EQ(sent.headers.Get("signed"), "/discover '' 1000");
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(deployment().id, id_);
  EXPECT_EQ(deployment().uri, "http://h:9/pre/?q=1");
  EXPECT_EQ(deployment().path_prefix, "/pre");
  EXPECT_EQ(deployment().query, "?q=1");
  EXPECT_EQ(deployment().metadata.at("git"), "abc");
  EXPECT_EQ(deployment().min_protocol_version, 5);
  EXPECT_EQ(deployment().max_protocol_version, 7);
  EXPECT_TRUE(deployment().bidirectional);
  EXPECT_EQ(deployment().sdk_version, "stub/1.0");
  ASSERT_NE(deployment().FindService("Svc"), nullptr);
  EXPECT_EQ(client_.credit, kManifest.size());
  EXPECT_EQ(client_.open_streams, 0);
  EXPECT_EQ(executor_.timers(), 0U);
}

TEST_F(DiscoveryTest, RefusesTheUriBeforeAsking) {
  Ask("ftp://h/");
  EXPECT_EQ(answers_, 0);
  executor_.RunPosted();

  EXPECT_TRUE(client_.requests.empty());
  EXPECT_EQ(error().status, 400);
  EXPECT_EQ(error().code, "");
  EXPECT_EQ(
      error().message,
      "The request field 'uri' is invalid. Reason: the scheme 'ftp' is not supported, use http or "
      "https");
}

TEST_F(DiscoveryTest, RemembersTheHttpVersionThatTlsDecided) {
  for (const bool http11 : {false, true}) {
    client_.http11 = http11;
    Ask("https://h/");
    EXPECT_TRUE(client_.requests.back().endpoint.tls);
    EXPECT_FALSE(client_.requests.back().endpoint.http11);
    Answer(200, kManifest);
    EXPECT_EQ(deployment().uri, "https://h/");
    EXPECT_TRUE(deployment().endpoint.tls);
    EXPECT_EQ(deployment().endpoint.http11, http11);
  }
}

TEST_F(DiscoveryTest, TellsWhyTheEndpointIsNotTrusted) {
  Ask("https://h/");
  for (int i = 0; i < 4; ++i) {
    client_.current->OnFailure(HttpFailure::kConnect, "invalid peer certificate: x");
    ASSERT_TRUE(executor_.FireNextTimer());
  }
  client_.current->OnFailure(HttpFailure::kConnect, "invalid peer certificate: x");
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "META0003");
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] error when calling 'https://h/': unable to reach the remote "
      "endpoint.\nReason: invalid peer certificate: x");
}

// Service protocol 1.1: the path of the URI without its slash, the query kept.
TEST_F(DiscoveryTest, AsksBehindThePrefix) {
  const std::pair<const char*, const char*> rows[] = {
      {"http://h:9", "/discover"},
      {"http://h:9/", "/discover"},
      {"http://h:9/a/b", "/a/b/discover"},
      {"http://h:9/a/b/", "/a/b/discover"},
      {"http://h:9/a?q=1", "/a/discover?q=1"},
  };
  for (const auto& row : rows) {
    Ask(row.first);
    EXPECT_EQ(client_.requests.back().path, row.second) << row.first;
    Answer(200, kManifest);
  }
}

TEST_F(DiscoveryTest, RetriesFourTimesWithGrowingPauses) {
  Ask();
  std::vector<TimeMs> times{executor_.now()};
  for (int i = 0; i < 4; ++i) {
    client_.current->OnFailure(HttpFailure::kConnect, "Connection refused");
    ASSERT_EQ(answers_, 0);
    ASSERT_TRUE(executor_.FireNextTimer());
    times.push_back(executor_.now());
  }
  client_.current->OnFailure(HttpFailure::kConnect, "Connection refused");

  ASSERT_EQ(client_.requests.size(), 5U);
  for (size_t i = 0; i < 4; ++i) {
    const DurationMs pause = times[i + 1] - times[i];
    const DurationMs base = 100U << i;
    EXPECT_GE(pause, base);
    EXPECT_LE(pause, base * 13 / 10);
  }
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "META0003");
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] error when calling 'http://h:9/': unable to reach the remote "
      "endpoint.\nReason: Connection refused");
  EXPECT_EQ(executor_.timers(), 0U);
}

TEST_F(DiscoveryTest, RetriesStatusesThatMayPass) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    result_.reset();
    const size_t before = client_.requests.size();
    Ask();
    Answer(status, "busy");
    ASSERT_FALSE(result_.has_value()) << status;
    ASSERT_TRUE(executor_.FireNextTimer());
    Answer(200, kManifest);
    ASSERT_TRUE(result_.has_value()) << status;
    EXPECT_EQ(deployment().services.size(), 1U);
    EXPECT_EQ(client_.requests.size(), before + 2);
  }
}

TEST_F(DiscoveryTest, DoesNotRetryOtherStatuses) {
  Ask();
  Answer(404, "not here");
  EXPECT_EQ(error().code, "META0003");
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] got status code '404'. Make sure the provided URI has the correct "
      "path where the Restate SDK endpoint is mounted. Response headers: {\"x-restate-server\": "
      "\"stub/1.0\", \"content-type\": \"application/vnd.restate.endpointmanifest.v4+json\"}. "
      "Body: not here");

  result_.reset();
  Ask();
  Answer(401, "no", "");
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] got status code '401 Unauthorized'. Response headers: "
      "{\"x-restate-server\": \"stub/1.0\"}. Body: no");
  EXPECT_EQ(client_.requests.size(), 2U);
}

TEST_F(DiscoveryTest, TellsThatTheEndpointSpeaksHttp1Only) {
  Ask();
  client_.current->OnFailure(HttpFailure::kNotHttp2, "got HTTP/1.1 400");

  ASSERT_EQ(client_.requests.size(), 1U);
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "META0014");
  EXPECT_EQ(
      error().message,
      "[META0014] [META0014] error when calling 'http://h:9/': server possibly supports only "
      "HTTP1.1, consider discovery with --use-http1.1.");
}

TEST_F(DiscoveryTest, TellsThatTheEndpointSpeaksHttp2Only) {
  DiscoveryRequest request;
  request.uri = "http://h:9/";
  request.use_http_11 = true;
  Ask(std::move(request));
  EXPECT_TRUE(client_.requests.at(0).endpoint.http11);
  client_.current->OnFailure(HttpFailure::kProtocol, "bad version");

  EXPECT_EQ(client_.requests.size(), 1U);
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] error when calling 'http://h:9/': server possibly supports only "
      "HTTP/2, consider discovering without --use-http1.1.\nReason: bad version");
}

TEST_F(DiscoveryTest, RefusesProtocolVersionsOutOfRange) {
  const auto ask = [this](int min, int max) {
    result_.reset();
    Ask();
    Answer(
        200,
        R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":)" + std::to_string(min) +
            R"(,"maxProtocolVersion":)" + std::to_string(max) + R"(,"services":[]})");
  };
  ask(1, 2);
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "META0012");
  EXPECT_EQ(
      error().message,
      "[META0012] [META0012] unsupported service protocol versions: [1, 2]. Supported versions by "
      "this runtime are [5, 7]. Please upgrade the SDK and try registering again.");
  ask(8, 9);
  EXPECT_EQ(error().code, "META0012");
  ask(7, 9);
  EXPECT_EQ(error().code, "META0012");
  EXPECT_NE(error().message.find("are [5, 6]"), std::string::npos) << error().message;
  ask(1, 5);
  EXPECT_EQ(deployment().max_protocol_version, 5);
}

TEST_F(DiscoveryTest, ReportsBadManifests) {
  Ask();
  Answer(200, kManifest, "application/json");
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "META0013");
  EXPECT_EQ(error().message.find("[META0013] [META0013] received a bad response"), 0U)
      << error().message;

  result_.reset();
  Ask();
  Answer(200, "{\"a\":");
  EXPECT_EQ(error().status, 500);
  EXPECT_EQ(error().code, "");

  result_.reset();
  Ask();
  Answer(
      200,
      R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":7,)"
      R"("services":[{"name":"RestateX","ty":"SERVICE","handlers":[]}]})");
  EXPECT_EQ(error().status, 400);
  EXPECT_EQ(error().code, "META0005");
  EXPECT_EQ(
      error().message,
      "[META0005] cannot insert/modify service 'RestateX' as it contains a reserved name");
  EXPECT_EQ(client_.requests.size(), 3U);
}

TEST_F(DiscoveryTest, BoundsTheBody) {
  Ask();
  client_.current->OnHead(200, {});
  const std::string chunk(1024 * 1024, ' ');
  for (int i = 0; i < 8; ++i) {
    client_.current->OnData(chunk);
    ASSERT_EQ(answers_, 0);
  }
  client_.current->OnData("x");

  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(error().code, "META0013");
  EXPECT_EQ(client_.open_streams, 0);
}

TEST_F(DiscoveryTest, GivesUpOnASilentEndpoint) {
  Ask();
  ASSERT_TRUE(executor_.FireNextTimer());

  EXPECT_EQ(executor_.now(), 12'000U);
  EXPECT_EQ(error().code, "META0003");
  EXPECT_EQ(
      error().message,
      "[META0003] [META0003] error when calling 'http://h:9/': no complete answer within 12 "
      "seconds");
  EXPECT_EQ(client_.open_streams, 0);
}

TEST_F(DiscoveryTest, DestroyingItResetsTheStreams) {
  Ask();
  discovery_.reset();

  EXPECT_EQ(client_.open_streams, 0);
  EXPECT_EQ(answers_, 0);
}

}  // namespace
}  // namespace perdure
