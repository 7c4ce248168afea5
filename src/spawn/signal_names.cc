#include "baton/spawn/signal_names.h"

#include <signal.h>

#include <algorithm>
#include <charconv>

namespace baton {
namespace {

struct Name {
  int number;
  std::string_view text;
};

// Of two names for one number the first is the one that is shown.
constexpr Name names[] = {
    {SIGHUP, "HUP"},       {SIGINT, "INT"},     {SIGQUIT, "QUIT"}, {SIGILL, "ILL"},   {SIGTRAP, "TRAP"},
    {SIGABRT, "ABRT"},     {SIGBUS, "BUS"},     {SIGFPE, "FPE"},   {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},
    {SIGSEGV, "SEGV"},     {SIGUSR2, "USR2"},   {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
    {SIGCHLD, "CHLD"},     {SIGCONT, "CONT"},   {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"}, {SIGTTIN, "TTIN"},
    {SIGTTOU, "TTOU"},     {SIGURG, "URG"},     {SIGXCPU, "XCPU"}, {SIGXFSZ, "XFSZ"}, {SIGVTALRM, "VTALRM"},
    {SIGPROF, "PROF"},     {SIGWINCH, "WINCH"}, {SIGIO, "IO"},     {SIGSYS, "SYS"},   {SIGIOT, "IOT"},
#ifdef SIGPWR
    {SIGPWR, "PWR"},
#endif
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT"},
#endif
#ifdef SIGPOLL
    {SIGPOLL, "POLL"},
#endif
};

std::optional<int> decimal(std::string_view text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> real_time(std::string_view text) {
  const bool from_first = text.starts_with("RTMIN");
  if (!from_first && !text.starts_with("RTMAX")) return std::nullopt;
  const int base = from_first ? SIGRTMIN : SIGRTMAX;
  text.remove_prefix(5);
  if (text.empty()) return base;
  if (text.size() < 2 || text[0] != (from_first ? '+' : '-') || text[1] == '-') return std::nullopt;
  auto offset = decimal(text.substr(1));
  if (!offset || *offset > SIGRTMAX - SIGRTMIN) return std::nullopt;
  return from_first ? base + *offset : base - *offset;
}

}  // namespace

std::string signal_name(int number) {
  auto found = std::ranges::find(names, number, &Name::number);
  if (found != std::end(names)) return "SIG" + std::string(found->text);
  if (number == SIGRTMIN) return "SIGRTMIN";
  if (number > SIGRTMIN && number <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
  return "signal " + std::to_string(number);
}

std::optional<int> signal_number(std::string_view name) {
  if (auto value = decimal(name)) {
    return *value > 0 && *value <= SIGRTMAX ? value : std::nullopt;
  }
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  std::string_view key = upper;
  if (key.starts_with("SIG")) key.remove_prefix(3);
  auto found = std::ranges::find(names, key, &Name::text);
  if (found != std::end(names)) return found->number;
  return real_time(key);
}

}  // namespace baton
