#include "spawn/stdio_setup.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "spawn/pseudo_terminal.h"

namespace baton::spawner {
namespace {

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

std::string as_descriptor(const std::string& what, int target) {
  return what + " as descriptor " + std::to_string(target);
}

}  // namespace

StdioSetup::StdioSetup(Loop& loop, const std::string& operation, const SpawnOptions& options) {
  const auto& wanted = options.stdio();
  // Those that exist come first: what is opened here could else take the number of one that is closed, and be
  // given to the child in its place.
  for (const auto& [target, what] : wanted) place_existing(operation, target, what);
  for (const auto& [target, what] : wanted) {
    if (what.kind() == Stdio::Kind::pipe) make_pipe(loop, operation, target);
  }
  if (options.terminal()) make_terminal(loop, operation, options);
  for (const auto& [target, what] : wanted) {
    if (what.kind() != Stdio::Kind::terminal) continue;
    if (terminal_ < 0) throw std::logic_error(operation + ": Stdio::terminal() without a terminal()");
    placements_.push_back({terminal_, target});
  }
  for (const int target : to_null_) placements_.push_back({null_device(operation), target});
}

void StdioSetup::place_existing(const std::string& operation, int target, const Stdio& what) {
  switch (what.kind()) {
    case Stdio::Kind::pipe:
    case Stdio::Kind::terminal:
      break;
    case Stdio::Kind::inherit:
      if (is_open(target)) {
        placements_.push_back({target, target});
      } else {
        to_null_.push_back(target);
      }
      break;
    case Stdio::Kind::ignore:
      to_null_.push_back(target);
      break;
    case Stdio::Kind::descriptor:
      if (!is_open(what.number())) {
        throw Error(EBADF, operation, as_descriptor("dup " + std::to_string(what.number()), target));
      }
      placements_.push_back({what.number(), target});
      break;
  }
}

void StdioSetup::make_pipe(Loop& loop, const std::string& operation, int target) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(errno, operation, as_descriptor("socketpair", target));
  }
  Fd parents(ends[0]);
  ours_.emplace_back(ends[1]);
  placements_.push_back({ends[1], target});
  auto stream = net::Socket::adopt(loop, std::move(parents));
  if (!stream) throw Error(stream.error().code(), operation, as_descriptor("socketpair", target));
  // Nothing is ever written to a child's output; so its stream is over when the child's side ends.
  if (target == 1 || target == 2) stream->end();
  streams_.emplace_back(target, std::move(*stream));
}

void StdioSetup::make_terminal(Loop& loop, const std::string& operation, const SpawnOptions& options) {
  auto pair = open_pseudo_terminal(*options.terminal(), options.uid());
  if (!pair) throw Error(pair.error().code(), operation, pair.error().step());
  terminal_ = pair->childs.get();
  ours_.push_back(std::move(pair->childs));
  auto stream = net::Socket::adopt(loop, std::move(pair->ours));
  if (!stream) throw Error(stream.error().code(), operation, "open a pseudo-terminal");
  streams_.emplace_back(terminal, std::move(*stream));
}

int StdioSetup::null_device(const std::string& operation) {
  if (null_ < 0) {
    null_ = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_ < 0) throw Error(errno, operation, "open /dev/null");
    ours_.emplace_back(null_);
  }
  return null_;
}

}  // namespace baton::spawner
