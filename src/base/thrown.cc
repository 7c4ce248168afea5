#include "base/thrown.h"

#include <expected>

namespace baton {
namespace {

// What `Result::value()` throws says only that there was an error.
template <class F>
auto with_cause(const std::exception_ptr& exception, F call) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return call(error);
  } catch (const std::bad_expected_access<Error>& access) {
    return call(access.error());
  }
}

}  // namespace

std::string what_of(const std::exception_ptr& exception) {
  try {
    return with_cause(exception, [](const Error& error) { return std::string(error.what()); });
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

Error thrown_by(std::string_view operation, const std::exception_ptr& exception) {
  try {
    return with_cause(exception, [operation](const Error& error) {
      std::string step = error.operation();
      if (!step.empty() && !error.step().empty()) step += ": ";
      return Error(error.code(), operation, step + error.step());
    });
  } catch (...) {
    return {make_error_code(Errc::exception_thrown), operation, what_of(exception)};
  }
}

}  // namespace baton
