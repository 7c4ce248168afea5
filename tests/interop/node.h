#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace baton::test {

/// The Node to test with: $BATON_NODE or the one on PATH; empty if there is none.
inline std::string node_program() {
  if (const char* chosen = std::getenv("BATON_NODE"); chosen != nullptr && *chosen != '\0') return chosen;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/node").c_str(), X_OK) == 0) return folder + "/node";
  }
  return {};
}

/// Its major version; 0 if there is none.
inline int node_version() {
  const std::string ask = "'" + node_program() + "' -p 'parseInt(process.versions.node)' </dev/null";
  FILE* answer = ::popen(ask.c_str(), "re");
  if (answer == nullptr) return 0;
  char text[16] = {};
  const bool told = std::fgets(text, sizeof text, answer) != nullptr;
  ::pclose(answer);
  return told ? std::atoi(text) : 0;
}

}  // namespace baton::test
