#include "base/quiet_thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>
#include <system_error>
#include <utility>

namespace baton {
namespace {

using Body = std::move_only_function<void()>;

void* run(void* body) {
  (*std::unique_ptr<Body>(static_cast<Body*>(body)))();
  return nullptr;
}

int start(Body* body, QuietStack stack) {
  constexpr std::size_t little = std::size_t{1} << 20;
  pthread_attr_t how;
  if (const int error = ::pthread_attr_init(&how); error != 0) return error;
  ::pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
  if (stack == QuietStack::little) ::pthread_attr_setstacksize(&how, little);
  pthread_t thread{};
  const int error = ::pthread_create(&thread, &how, run, body);
  ::pthread_attr_destroy(&how);
  return error;
}

}  // namespace

void start_quiet_thread(std::move_only_function<void()> body, QuietStack stack) {
  auto given = std::make_unique<Body>(std::move(body));
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = start(given.get(), stack);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) throw std::system_error(error, std::generic_category(), "start a thread");
  (void)given.release();
}

}  // namespace baton
