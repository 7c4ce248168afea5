#include "process/process_name.h"

#include <sys/prctl.h>

namespace baton {
namespace {

std::string program;  // NOLINT(cert-err58-cpp): an empty one throws nothing
std::string whole;    // NOLINT(cert-err58-cpp)

}  // namespace

void name_process(const std::string& arg0, const std::string& entry) {
  // A forked entry was started as "program: its name".
  program = arg0.substr(0, entry.empty() ? std::string::npos : arg0.rfind(": " + entry));
  program.erase(0, program.rfind('/') + 1);
  whole = entry.empty() ? program : program + ": " + entry;
  // It was executed through /proc/self/exe, and would be called that.
  if (!entry.empty()) ::prctl(PR_SET_NAME, whole.c_str());
}

const std::string& program_name() { return program; }
const std::string& process_name() { return whole; }

}  // namespace baton
