// A thread for each connection. It costs less than a process, and shares everything with the others: what two
// of them change needs a lock, and one that crashes takes all along.

#include <semaphore>
#include <system_error>
#include <thread>
#include <utility>

#include "models/models.h"
#include "models/plain.h"

namespace models {

baton::Task<> thread_each(baton::Process& self) {
  Plain plain = co_await begin_plain(self);
  std::counting_semaphore<> room(plain.limit());
  while (plain) {
    baton::Fd connection = accept_one(plain.listener());
    if (!room.try_acquire()) {
      say_full("thread-each", plain.limit(), "threads");
      room.acquire();
    }
    try {
      std::thread([&room, wait = plain.wait(), connection = std::move(connection)] {
        serve_to_the_end(connection, wait);
        room.release();
      }).detach();
    } catch (const std::system_error& error) {  // the client finds its connection closed
      room.release();
      say_full("thread-each", plain.limit(), error.what());
    }
  }
}

}  // namespace models
