#pragma once

#include <stdexcept>
#include <string>

namespace baton::http {

/// Thrown by a handler that does not answer a request, or by what it calls: the client gets the status, and
/// the text as `text/plain`.
///
///     if (!user) throw http::Refusal(404, "no such user");
///
/// What the handler has set of the response is forgotten. Nobody is told, since nothing went wrong on this
/// side. Behind a head that went out, and without a request to answer, it is an exception as any other.
/// Thrown by a callback beside the handler (`Request::on_data`), the connection is closed behind the answer.
class Refusal : public std::runtime_error {
 public:
  /// 400 to 599; std::invalid_argument for another status.
  Refusal(int status, const std::string& text);
  /// What the client gets.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace baton::http
