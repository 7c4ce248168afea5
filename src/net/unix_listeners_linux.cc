#include <linux/unix_diag.h>
#include <netinet/tcp.h>

#include "net/diagnosis_linux.h"
#include "net/unix_listeners.h"

namespace baton::net {

bool each_unix_listener(const std::function<void(uint64_t number, std::string_view name)>& hear) {
  unix_diag_req listeners{};
  listeners.sdiag_family = AF_UNIX;
  listeners.udiag_states = 1U << TCP_LISTEN;  // the kernel's word for it, of these too
  listeners.udiag_show = UDIAG_SHOW_NAME;
  return each_answer<unix_diag_msg>(
      ask_diagnosis(listeners, NLM_F_DUMP), [&hear](const unix_diag_msg& one, const nlmsghdr* answer) {
        std::string_view name = attribute_of<unix_diag_msg>(answer, UNIX_DIAG_NAME);
        // That of a file ends at its NUL.
        if (!name.starts_with('\0')) name = name.substr(0, name.find('\0'));
        hear(one.udiag_ino, name);
      });
}

}  // namespace baton::net
