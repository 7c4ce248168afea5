#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "baton/base/fd.h"
#include "baton/loop/loop.h"
#include "baton/loop/timer.h"
#include "loop/poll.h"

namespace baton::cli {

// A process beside `baton run` that outlives it for a moment, however that ends (a pipe does): then it kills
// what is left of the workers that it was told of, whole trees, also those that have become another user,
// whom the kernel's parent-death signal does not reach; and whoever bears their mark. Or, where they shall
// live on, it stays as long as any of them does.
//
// Its command line is a text, which every user can read as /proc/PID/cmdline as long as it lives: a file that
// nobody can clean away, and that is never left behind. Processes that know the file by its name may be
// started long after it was killed, and its number must not become another's: until the end it stays what it
// is then, a zombie, whose file is empty.
class Warden {
 public:
  // How every such text begins.
  static constexpr std::string_view mark = "/* baton:";

  // `text` has no NUL byte. Throws Error. `changed` is called when the process was killed: after another one
  // has taken its place. `keeps`: the workers shall live on.
  Warden(Loop& loop, std::string text, bool keeps, std::function<void()> changed);
  Warden(const Warden&) = delete;
  Warden& operator=(const Warden&) = delete;
  // Ends it; it kills nobody.
  ~Warden();

  void guard(pid_t worker);
  void forget(pid_t worker);

  // Whether there is one right now.
  [[nodiscard]] bool lives() const noexcept { return pid_ > 0; }
  // The file whose content is the text and a NUL byte.
  [[nodiscard]] std::string file() const;
  // Whether it is that to this process and to whatever user its descendants become: /proc may not be there,
  // show other processes than those around us, or hide them from users other than root (hidepid).
  [[nodiscard]] bool can_be_read() const;

  // Whether a process was started to be one, and what it then does; its exit code.
  [[nodiscard]] static bool is_one(int argc, char** argv);
  [[nodiscard]] static int live();

 private:
  void start();
  void end() noexcept;
  void collect(pid_t pid) noexcept;
  void gone();
  void tell(char what, pid_t worker);
  void order(std::string what);

  Loop& loop_;
  const std::string text_;
  const bool keeps_;
  std::function<void()> changed_;
  pid_t pid_ = 0;
  Fd process_;  // its pidfd
  Fd orders_;
  Poll watch_;
  Timer again_;
  std::set<pid_t> guarded_;
  std::deque<pid_t> dead_;  // and not collected
};

}  // namespace baton::cli
