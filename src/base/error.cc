#include "baton/base/error.h"

#include <cctype>
#include <cstring>

namespace baton {
namespace {

class Category : public std::error_category {
 public:
  const char* name() const noexcept override { return "baton"; }
  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::cancelled:
        return "cancelled";
      case Errc::timed_out:
        return "timed out";
      case Errc::disconnected:
        return "disconnected";
      case Errc::queue_full:
        return "the queue is full";
      case Errc::message_too_large:
        return "message too large";
      case Errc::message_too_deep:
        return "message nested too deeply";
      case Errc::bad_message:
        return "not a message";
      case Errc::peer_failed:
        return "says the peer";
      case Errc::bad_json:
        return "not JSON";
      case Errc::too_many_bad_frames:
        return "too many bad frames in a row";
      case Errc::handle_lost:
        return "the descriptor did not arrive";
      case Errc::handle_unclaimed:
        return "a descriptor that no message claims";
      case Errc::wrong_handle:
        return "not a descriptor of that kind";
      case Errc::wrong_value:
        return "the value does not fit";
      case Errc::unexpected_message:
        return "nothing was waiting for it";
      case Errc::exception_thrown:
        return "an exception that nobody caught";
    }
    return "unknown error";
  }
};

// errno's texts begin with a capital; inside a sentence of ours they do not, except for names such as "RFS".
std::string cause_of(const std::error_code& code) {
  std::string text = code.message();
  if (text.size() > 1 && !std::isupper(static_cast<unsigned char>(text[1]))) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

}  // namespace

std::error_code make_error_code(Errc code) noexcept {
  static const Category category;
  return {static_cast<int>(code), category};
}

Error::Error(std::error_code code, std::string_view operation, std::string_view step)
    : std::system_error(code), operation_(operation), step_(step) {
  for (const std::string& part : {operation_, step_, cause_of(code)}) {
    if (part.empty()) continue;
    if (!text_.empty()) text_ += ": ";
    text_ += part;
  }
}

Error::Error(int errno_value, std::string_view operation, std::string_view step)
    : Error(std::error_code(errno_value, std::generic_category()), operation, step) {}

std::string Error::name() const {
  const bool of_the_system =
      code().category() == std::generic_category() || code().category() == std::system_category();
  const char* known = of_the_system ? ::strerrorname_np(code().value()) : nullptr;
  return known != nullptr ? known : code().message();
}

std::unexpected<Error> failure(int errno_value, std::string_view operation, std::string_view step) {
  return std::unexpected(Error(errno_value, operation, step));
}

std::unexpected<Error> failure(Errc code, std::string_view operation, std::string_view step) {
  return std::unexpected(Error(make_error_code(code), operation, step));
}

}  // namespace baton
