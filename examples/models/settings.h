#pragma once

#include <string>
#include <vector>

namespace models {

/// What the command line says.
struct Settings {
  std::vector<std::string> models;
  std::vector<int> connections = {1, 64, 1000};
  std::vector<int> think_ms = {0, 5};
  double seconds = 2;
  bool keep_alive = false;
  int limit = 1024;
  std::string svg;
  std::string json;
};

}  // namespace models
