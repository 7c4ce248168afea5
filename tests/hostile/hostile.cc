#include "hostile/hostile.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace baton::test {
namespace {

// `./dev hostile` collects the rows in a file; in a test they are only for who reads its output.
void note_row(std::string_view what, double figure, double bound, std::string_view unit, bool holds) {
  char numbers[100];
  std::snprintf(numbers, sizeof numbers, "%.6g\t%.6g", bound, figure);
  const std::string row =
      std::string(what) + "\t" + numbers + "\t" + std::string(unit) + "\t" + (holds ? "holds" : "FAILS");
  if (const char* table = std::getenv("BATON_HOSTILE_TABLE"))
    std::ofstream(table, std::ios::app) << row << "\n";
  std::printf("%s\n", row.c_str());
}

}  // namespace

bool whole() {
  const char* form = std::getenv("BATON_HOSTILE");
  return form != nullptr && std::string_view(form) == "whole";
}

void expect_within(std::string_view what, double figure, double bound, std::string_view unit) {
  note_row(what, figure, bound, unit, figure <= bound);
  EXPECT_LE(figure, bound) << what << " (" << unit << ")";
}

void expect_in_time(std::string_view what, double milliseconds, double bound) {
  constexpr double for_ever = 5000;  // on any machine
  const double most = whole() ? bound : std::max(for_ever, bound);
  note_row(what, milliseconds, most, "ms", milliseconds <= most);
  EXPECT_LE(milliseconds, most) << what << " (ms)";
}

std::string Hostile::worker(const std::string& name) {
  return BATON_SOURCES "/tests/hostile/workers/" + name;
}
std::string Hostile::python() { return has("/usr/bin/python3") ? "/usr/bin/python3" : "python3"; }

double Hostile::memory(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

double Hostile::peak_memory(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  double kilobytes = 0;
  for (std::string name; file >> name;) {
    if (name == "VmHWM:") file >> kilobytes;
  }
  return kilobytes / 1024;
}

double Hostile::descriptors(pid_t pid) {
  double count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    ++count;
  return count;
}

}  // namespace baton::test
