#include "baton/ipc/message.h"

#include <new>

#include "loop/work.h"

namespace baton {

void Message::drop_large_value() noexcept {
  try {
    do_aside([value = std::move(value_)] {});
  } catch (const std::bad_alloc&) {
    // It goes here, then.
  }
}

}  // namespace baton
