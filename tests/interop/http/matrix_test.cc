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

#include "interop/http/matrix.h"
#include "interop/world.h"

namespace baton::test {
namespace {

// "200 400" for two answers.
Verdict verdict_of(const std::string& answer) {
  Verdict verdict;
  for (std::size_t at = 0; (at = answer.find("HTTP/1.", at)) != std::string::npos; ++at) {
    const bool begins_a_line = at == 0 || answer[at - 1] == '\n';
    if (!begins_a_line || answer.size() < at + 12) continue;
    if (!verdict.empty()) verdict += ' ';
    verdict += answer.substr(at + 9, 3);
  }
  return verdict.empty() ? "closed" : verdict;
}

// How many requests were taken.
std::size_t taken(const Verdict& verdict) {
  std::istringstream words(verdict);
  return static_cast<std::size_t>(std::count_if(std::istream_iterator<std::string>(words), {},
                                                [](const std::string& word) { return word[0] == '2'; }));
}

template <class Where>
Verdict ask_with(const Where& where, const std::string& bytes) {
  const Client client(where);
  client.send(bytes);
  client.finish();
  return verdict_of(client.read_all());
}

class HttpMatrix : public World {
 protected:
  void TearDown() override {
    World::TearDown();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  int start_baton() { return run({program("http_matrix_server")}).number("port "); }
  int start_node() { return run({node_program(), source("tests/interop/http/server.js")}).number("port "); }
  // It reads each request to its end because it passes it on, to itself. Returns where it listens.
  std::optional<std::string> start_nginx() {
    const std::string nginx = nginx_program();
    if (nginx.empty()) return std::nullopt;
    char folder[] = "/tmp/baton-nginx-XXXXXX";
    folder_ = ::mkdtemp(folder);
    write_configuration();
    run({nginx, "-p", folder_, "-c", folder_ + "/nginx.conf", "-e", "stderr"});
    const std::string front = folder_ + "/front";
    EXPECT_TRUE(eventually([&] { return Client(front).connected(); }));
    return front;
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
         << "server { listen unix:" << folder_ << "/behind; location / { return 200 \"taken\\n\"; } } }\n";
  }

  std::string folder_;
};

struct Verdicts {
  const Row* row;
  Verdict baton, node, nginx;
};

void write_table(const std::vector<Verdicts>& table) {
  const char* wanted = std::getenv("BATON_HTTP_TABLE");
  if (wanted == nullptr || *wanted == '\0') return;
  std::FILE* file = std::string(wanted) == "-" ? stdout : std::fopen(wanted, "w");
  ASSERT_NE(file, nullptr) << wanted;
  std::fprintf(file, "%-42s %-9s %-9s %-9s\n", "", "Baton", "Node", "nginx");
  for (const Verdicts& each : table) {
    const char* kind = each.row->kind == Kind::eight      ? "the RFC forbids it, Node takes it"
                       : each.row->kind == Kind::stricter ? "stricter than Node"
                       : each.row->kind == Kind::earlier  ? "Node forgets what came before"
                       : each.row->kind == Kind::younger  ? "in younger Nodes"
                                                          : "";
    std::fprintf(file, "%-42s %-9s %-9s %-9s %s\n", each.row->what.c_str(), each.baton.c_str(),
                 each.node.c_str(), each.nginx.c_str(), kind);
  }
  if (file != stdout) std::fclose(file);
}

TEST_F(HttpMatrix, TakesNothingThatNodeRefusesAndRefusesWhatTheRfcForbids) {
  if (!has_node()) GTEST_SKIP() << "no Node on PATH";
  const int baton = start_baton();
  const int node = start_node();
  // Its parser takes much that the later ones do not.
  const bool loose_node = run({node_program(), "--version"}).rest().at(0).starts_with("v18.");
  const auto nginx = start_nginx();
  if (!nginx) std::puts("nginx: SKIPPED, it is not installed (Debian: nginx-light)");
  std::vector<Verdicts> table;
  for (const Row& row : matrix()) {
    SCOPED_TRACE(row.what);
    const Verdicts& said = table.emplace_back(&row, ask_with(baton, row.bytes), ask_with(node, row.bytes),
                                              nginx ? ask_with(*nginx, row.bytes) : "skipped");
    EXPECT_EQ(said.baton, row.baton);
    if (row.kind == Kind::younger || row.kind == Kind::earlier) continue;
    EXPECT_LE(taken(said.baton), taken(said.node)) << "Node: " << said.node;
    if (row.kind == Kind::same && !loose_node) {
      EXPECT_EQ(taken(said.baton), taken(said.node)) << "Node: " << said.node;
    }
  }
  EXPECT_EQ(std::ranges::count(matrix(), Kind::eight, &Row::kind), 8);
  write_table(table);
  RecordProperty("rows", static_cast<int>(table.size()));
  // It is there to be looked at, but it must have been asked.
  if (nginx) {
    EXPECT_EQ(table.front().nginx, "200");
  }
}

}  // namespace
}  // namespace baton::test
