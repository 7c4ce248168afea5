#include "base/thrown.h"

namespace baton {

std::string what_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

Error thrown_by(std::string_view operation, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    std::string step = error.operation();
    if (!step.empty() && !error.step().empty()) step += ": ";
    return {error.code(), operation, step + error.step()};
  } catch (...) {
    return {make_error_code(Errc::exception_thrown), operation, what_of(exception)};
  }
}

}  // namespace baton
