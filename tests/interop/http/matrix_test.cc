// What Baton, the Node under test and Debian's nginx make of the same bytes, in the same run. With
// BATON_HTTP_TABLE=FILE ("-": the standard output) the verdicts are written there as a table.

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "interop/http/asking.h"
#include "interop/http/matrix.h"
#include "interop/world.h"

namespace baton::test {
namespace {

class HttpMatrix : public World {
 protected:
  void TearDown() override {
    World::TearDown();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  Where start_baton(const std::string& mood = "patient") {
    return {.port = run({built("http_matrix_server"), mood}).number("port ")};
  }
  Where start_node(const std::string& mood = "patient") {
    return {.port = run({node_program(), source("tests/interop/http/server.js"), mood}).number("port ")};
  }
  int major_of_node() { return std::stoi(run({node_program(), "--version"}).rest().at(0).substr(1)); }
  // It reads each request to its end because it passes it on, to itself. Returns where it listens.
  std::optional<Where> start_nginx() {
    const std::string nginx = nginx_program();
    if (nginx.empty()) return std::nullopt;
    char folder[] = "/tmp/baton-nginx-XXXXXX";
    folder_ = ::mkdtemp(folder);
    write_configuration();
    run({nginx, "-p", folder_, "-c", folder_ + "/nginx.conf", "-e", "stderr"});
    const std::string front = folder_ + "/front";
    EXPECT_TRUE(eventually([&] { return Client(front).connected(); }));
    return Where{.path = front};
  }

 private:
  static std::string nginx_program() {
    std::istringstream folders(std::string(std::getenv("PATH")) + ":/usr/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (::access((folder + "/nginx").c_str(), X_OK) == 0) return folder + "/nginx";
    }
    return {};
  }

  void write_configuration() const {
    std::ofstream file(folder_ + "/nginx.conf");
    file << "daemon off; master_process off; error_log stderr crit; pid " << folder_ << "/pid;\n"
         << "events { worker_connections 64; }\nhttp { access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      file << kind << "_temp_path " << folder_ << "/" << kind << ";\n";
    }
    file << "server { listen unix:" << folder_
         << "/front; proxy_ignore_client_abort on; proxy_http_version 1.1;\n"
         << "location / { proxy_pass http://unix:" << folder_ << "/behind; } }\n"
         << "server { listen unix:" << folder_
         << "/behind; location / { return 200 \"$request_method $request_uri \\n\"; "
            "} } }\n";
  }

  std::string folder_;
};

struct Verdicts {
  const Row* row;
  Verdict baton, other;
};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::same:
      return "";
    case Kind::eight:
      return "the RFC forbids it, Node takes it";
    case Kind::stricter:
      return "stricter than Node";
    case Kind::loose:
      return "old Nodes take it";
    case Kind::earlier:
      return "Node forgets what came before";
    case Kind::younger:
      return "in younger Nodes";
    case Kind::more:
      return "Node takes fewer";
  }
  return "";
}

void write_table(const char* other, const std::vector<Verdicts>& table) {
  const char* wanted = std::getenv("BATON_HTTP_TABLE");
  if (wanted == nullptr || *wanted == '\0') return;
  std::FILE* file = std::string(wanted) == "-" ? stdout : std::fopen(wanted, "a");
  ASSERT_NE(file, nullptr) << wanted;
  std::fprintf(file, "%-42s %-20s %-20s\n", "", "Baton", other);
  for (const Verdicts& each : table) {
    std::fprintf(file, "%-42s %-20s %-20s %s\n", each.row->what.c_str(), each.baton.c_str(),
                 each.other.c_str(), name_of(each.row->differs.kind));
  }
  if (file != stdout) std::fclose(file);
}

// What this Node said must be what Baton said, or be listed.
void compare(const Row& row, const Said& baton, const Said& node, int major) {
  EXPECT_EQ(baton.verdict, row.baton);
  if (!row.says.empty() && !baton.bodies.empty()) {
    EXPECT_EQ(baton.bodies.front(), row.says);
  }
  const Difference& differs = row.differs;
  if (baton.verdict == node.verdict) {
    if (differs.kind == Kind::more) {
      EXPECT_NE(baton.bodies, node.bodies);
    } else {
      EXPECT_EQ(baton.bodies, node.bodies);
    }
    return;
  }
  EXPECT_TRUE(differs.kind != Kind::same && major < differs.until) << "Node: " << node.verdict;
  EXPECT_EQ(node.verdict, differs.node);
  const bool may_take =
      differs.kind == Kind::earlier || differs.kind == Kind::younger || differs.kind == Kind::more;
  EXPECT_TRUE(may_take || taken(baton.verdict) <= taken(node.verdict)) << "Node: " << node.verdict;
}

TEST_F(HttpMatrix, AnswersAsNodeDoesButForTheDifferencesThatItsRowsName) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  const Where baton = start_baton();
  const Where node = start_node();
  const int major = major_of_node();
  std::vector<Verdicts> table;
  for (const Row& row : matrix()) {
    SCOPED_TRACE(row.what);
    const Said ours = ask_with(baton, row.bytes);
    const Said theirs = ask_with(node, row.bytes);
    compare(row, ours, theirs, major);
    table.emplace_back(&row, ours.verdict, theirs.verdict);
  }
  write_table("Node", table);
  RecordProperty("rows", static_cast<int>(table.size()));
}

TEST_F(HttpMatrix, RefusesTheEightThatTheRfcForbidsAndNodeTakes) {
  const Where baton = start_baton();
  int rows = 0;
  for (const Row& row : matrix()) {
    if (row.differs.kind != Kind::eight) continue;
    SCOPED_TRACE(row.what);
    EXPECT_EQ(ask_with(baton, row.bytes).verdict, "400 closed");
    ++rows;
  }
  EXPECT_EQ(rows, 8);
}

TEST_F(HttpMatrix, AnswersAsNodeDoesWhenAClientFinishesAmidARequest) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  const Where baton = start_baton();
  const Where node = start_node();
  const int major = major_of_node();
  for (const Row& row : unfinished()) {
    SCOPED_TRACE(row.what);
    compare(row, ask_and_finish(baton, row.bytes), ask_and_finish(node, row.bytes), major);
  }
}

// Both were told to wait for a tenth of a second or two; how long they do is not looked at.
TEST_F(HttpMatrix, AsNodeSays408ToAClientThatDoesNotGoOn) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  const Where baton = start_baton("impatient");
  const Where node = start_node("impatient");
  const bool of_later_requests_too = major_of_node() >= 20;
  for (const Row& row : unfinished()) {
    SCOPED_TRACE(row.what);
    const Said ours = ask_and_wait(baton, row.bytes);
    const Said theirs = ask_and_wait(node, row.bytes);
    if (of_later_requests_too || ours.verdict.starts_with("408")) {
      EXPECT_EQ(ours.verdict, theirs.verdict);
    }
    EXPECT_TRUE(ours.verdict.ends_with("408 closed")) << ours.verdict;
  }
  const std::string request = matrix().front().bytes;
  EXPECT_EQ(ask_and_wait(baton, request).verdict, "200 closed");
  EXPECT_EQ(ask_and_wait(node, request).verdict, "200 closed");
}

// Its differences are not ours to list, but for what it refuses and Baton takes.
TEST_F(HttpMatrix, TakesNothingThatNginxRefusesButForThreeRows) {
  const auto nginx = start_nginx();
  if (!nginx) GTEST_SKIP() << "nginx is not installed (Debian: nginx-light)";
  const Where baton = start_baton();
  std::vector<Verdicts> table;
  std::vector<std::string> refused;
  for (const Row& row : matrix()) {
    SCOPED_TRACE(row.what);
    const Verdict ours = ask_and_finish(baton, row.bytes).verdict;
    const Verdict theirs = ask_and_finish(*nginx, row.bytes).verdict;
    if (taken(ours) > taken(theirs)) refused.push_back(row.what);
    table.emplace_back(&row, ours, theirs);
  }
  EXPECT_EQ(refused, (std::vector<std::string>{"OPTIONS *", "1,500 fields", "2,000 fields"}));
  write_table("nginx", table);
}

}  // namespace
}  // namespace baton::test
