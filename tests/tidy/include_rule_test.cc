// SPDX-License-Identifier: Apache-2.0
//
// The dependency rule catches what it is there for, and lets pass what the table allows.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace perdure::tidy {
namespace {

struct Case {
  const char* path;
  const char* line;
};

size_t Count(const Case& tested) {
  return CheckIncludes(SourceFile(tested.path, std::string(tested.line) + "\n")).size();
}

TEST(TidyIncludes, CatchesWhatIsNotGranted) {
  for (const Case& bad : std::initializer_list<Case>{
           {"src/ingress/a.cc", "#include \"admin/router.h\""},
           {"src/core/a.cc", "#include \"protocol/frame.h\""},
           {"src/core/a.cc", "#include \"../base/hashes.h\""},
           {"src/core/a.cc", "#include \"keys.h\""},
           {"src/core/a.cc", "#include <rocksdb/db.h>"},
           {"src/core/a.cc", "#include <chrono>"},
           {"src/core/a.cc", "#include <thread>"},
           {"src/core/a.cc", "#include <unistd.h>"},
           {"src/core/a.cc", "#include \"core_rows.pb.h\""},
           {"src/core/row_codec.h", "#include \"core_rows.pb.h\""},
           {"src/core/a.cc", "#include \"perdure/http/message.h\""},
           {"src/base/a.cc", "#include \"perdure/core/target.h\""},
           {"src/base/a.cc", "#include <spdlog/spdlog.h>"},
           {"src/http/a.cc", "#include <boost/asio/ip/tcp.hpp>"},
           {"src/http/http1_server.cc", "#include <boost/beast/http/parser.hpp>"},
           {"src/net/a.cc", "#include \"perdure/core/command.h\""},
           {"src/store/a.cc", "#include \"perdure/core/command.h\""},
           {"src/log/a.cc", "#include <rocksdb/db.h>"},
           {"src/partition/a.cc", "#include \"perdure/http/client.h\""},
           {"src/invoker/a.cc", "#include <nlohmann/json.hpp>"},
           {"src/admin/a.h", "#include <nlohmann/json.hpp>"},
           {"src/admin/a.h", "  #  include  <nlohmann/json.hpp> // x"},
           {"src/unheard_of/a.cc", "#include <string>"},
           {"src/base/a.cc", "#include <format>"},
           {"tests/unit/base/a.cc", "#include <ranges>"},
           {"include/perdure/core/a.h", "#include <rocksdb/db.h>"},
           {"include/perdure/core/a.h", "#include \"core/keys.h\""},
           {"include/perdure/core/a.h", "#include <unistd.h>"},
           {"include/perdure/base/a.h", "#include \"perdure/core/target.h\""}}) {
    EXPECT_EQ(Count(bad), 1U) << bad.path << ": " << bad.line;
  }
}

TEST(TidyIncludes, LetsPassWhatTheTableAllows) {
  for (const Case& good : std::initializer_list<Case>{
           {"src/core/a.cc", "#include \"perdure/core/machine.h\""},
           {"src/core/a.cc", "#include \"core/keys.h\""},
           {"src/core/a.cc", "#include \"base/utf8.h\""},
           {"src/core/row_values.h", "#include \"core_rows.pb.h\""},
           {"src/base/log.cc", "#include <spdlog/spdlog.h>"},
           {"src/http/http1_parser.cc", "#include <boost/beast/http/basic_parser.hpp>"},
           {"src/net/a.h", "#include <boost/asio/ip/tcp.hpp>"},
           {"src/net/a.cc", "#include <sys/socket.h>"},
           {"src/partition/a.cc", "#include <thread>"},
           {"src/admin/a.cc", "#include <nlohmann/json.hpp>"},
           {"src/admin/a.h", "#include <nlohmann/json_fwd.hpp>"},
           {"src/server/server.cc", "#include \"net/listener.h\""},
           {"src/server/main.cc", "#include <CLI/CLI.hpp>"},
           {"src/core/a.cc", "// #include <rocksdb/db.h>"},
           {"tests/unit/core/a.cc", "#include \"core/keys.h\""},
           {"include/perdure/core/a.h", "#include <vector>"}}) {
    EXPECT_EQ(Count(good), 0U) << good.path << ": " << good.line;
  }
}

TEST(TidyIncludes, FindsLinksThatLeadUpwards) {
  const auto count = [](const char* text) {
    return CheckLinkLine(SourceFile("CMakeLists.txt", text)).size();
  };
  EXPECT_EQ(count("perdure_module(core DEPENDS protocol store THIRD_PARTY perdure_proto)"), 1U);
  EXPECT_EQ(count("perdure_module(ingress DEPENDS http\n               admin)"), 1U);
  EXPECT_EQ(count("perdure_module(log DEPENDS store)"), 1U);
  EXPECT_EQ(count("perdure_module(base DEPENDS unheard_of)"), 1U);
  EXPECT_EQ(count("perdure_module(unheard_of)"), 1U);
  EXPECT_EQ(count("perdure_module(core DEPENDS protocol THIRD_PARTY x)\nperdure_module(log)"), 0U);
  EXPECT_EQ(count("perdure_module(server DEPENDS core admin)"), 0U);
}

TEST(TidyIncludes, NamesTheLine) {
  const SourceFile file("src/log/a.cc", "// x\n#include <string>\n#include \"core/keys.h\"\n");
  const Findings findings = CheckIncludes(file);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 3U);
  EXPECT_NE(ToString(findings[0]).find("core/keys.h"), std::string::npos);
}

}  // namespace
}  // namespace perdure::tidy
