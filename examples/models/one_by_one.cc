// One after the other: the simplest server. While it reads, waits or writes for one client, all others are in
// the kernel's backlog.

#include "models/models.h"
#include "models/plain.h"

namespace models {

baton::Task<> one_by_one(baton::Process& self) {
  Plain plain = co_await begin_plain(self);
  while (plain) serve_to_the_end(accept_one(plain.listener()), plain.wait());
}

}  // namespace models
