#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>

namespace baton {

/// Failures that are Baton's own and not the kernel's. They compare with `Error::code()`.
enum class Errc {
  cancelled = 1,        ///< the caller withdrew the wait
  timed_out,            ///< the time given to an operation ran out
  disconnected,         ///< the channel or the connection has ended
  queue_full,           ///< more is queued than the limit allows; nothing of this call was queued
  message_too_large,    ///< a frame over the limit
  message_too_deep,     ///< a value nested over the limit
  bad_message,          ///< bytes that are no message
  too_many_bad_frames,  ///< so many bad frames in a row that the channel was ended
  handle_lost,          ///< a handle whose descriptor did not arrive, after every retry
  handle_unclaimed,     ///< a descriptor that came without a message that names it; it was closed
  wrong_handle,         ///< a descriptor that is not what its message says, or cannot be sent
  wrong_value,          ///< a value that is not what the program's struct says
  unexpected_message,   ///< an acknowledgement or notice that nothing was waiting for
  bad_json,             ///< a text that is no JSON, or more of it than the limits allow
  peer_failed,          ///< the peer's answer is that it has none; the step says why
  exception_thrown,     ///< an exception left the program's function; the step is its message
};
[[nodiscard]] std::error_code make_error_code(Errc code) noexcept;

/// What went wrong, in three parts that `what()` joins: the operation with its subject, the step of it that
/// failed, and the cause: "spawn ./worker: chdir /srv/app: no such file or directory".
class Error : public std::system_error {
 public:
  /// `operation` and `step` may be empty; then they are left out of `what()`.
  Error(std::error_code code, std::string_view operation, std::string_view step = {});
  /// The same for a value of errno.
  Error(int errno_value, std::string_view operation, std::string_view step = {});

  /// `message()`, for who catches a std::exception.
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  /// The operation and its subject: "spawn ./worker".
  [[nodiscard]] const std::string& operation() const noexcept { return operation_; }
  /// The call of the kernel, or the part of the operation, that failed, with its subject: "chdir /srv/app".
  [[nodiscard]] const std::string& step() const noexcept { return step_; }
  /// The first word of the step: the call alone, "chdir".
  [[nodiscard]] std::string_view call() const noexcept {
    return std::string_view(step_).substr(0, step_.find(' '));
  }
  /// "ENOENT", as Node's `error.code`; of Baton's own failures their words ("timed out").
  [[nodiscard]] std::string name() const;

 private:
  std::string operation_;
  std::string step_;
  std::string text_;
};

/// A value, or what prevented it.
template <class T>
using Result = std::expected<T, Error>;

/// `return failure(errno, "listen [::1]:80", "bind");`
[[nodiscard]] std::unexpected<Error> failure(int errno_value, std::string_view operation,
                                             std::string_view step = {});
[[nodiscard]] std::unexpected<Error> failure(Errc code, std::string_view operation,
                                             std::string_view step = {});

}  // namespace baton

template <>
struct std::is_error_code_enum<baton::Errc> : std::true_type {};
