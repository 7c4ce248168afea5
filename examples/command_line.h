#pragma once

// How the examples take their arguments: --help goes to standard output and ends with 0, what is wrong is one
// line on standard error and ends with 2.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

/// Reads them. With a number, the program ends with it.
inline std::optional<int> read_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    const std::string& name = app.get_name();
    std::fprintf(stderr, "%s: %s (see %s --help)\n", name.c_str(), error.what(), name.c_str());
    return 2;
  }
}
