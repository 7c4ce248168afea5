#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

/// The environment variables that a child is given: each key once, in the order of their first setting.
///
/// Nothing is checked here: a key that is empty or contains '=', and a NUL byte in either part, make the
/// spawn fail with EINVAL and an error that names the variable.
class Environment {
 public:
  /// A variable and its value.
  class Variable {
   public:
    /// @{
    /// Two strings; what a value means is the program's business.
    Variable(std::string key, std::string value) : key_(std::move(key)), value_(std::move(value)) {}
    [[nodiscard]] const std::string& key() const noexcept { return key_; }
    [[nodiscard]] const std::string& value() const noexcept { return value_; }
    /// @}

   private:
    friend class Environment;
    std::string key_;
    std::string value_;
  };

  /// No variables at all. A child without PATH is still searched for in the system's default path.
  Environment() = default;
  /// A copy of this process's environment as it is now. Entries of environ(7) that are no `KEY=value` are
  /// left out.
  [[nodiscard]] static Environment current();

  /// Gives `key` the value; what it had before is replaced.
  Environment& set(std::string_view key, std::string_view value);
  /// Removes `key`, if it is there.
  Environment& unset(std::string_view key);

  /// The value of `key`; nothing if it is not set. The view is good until the next change.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const noexcept;
  /// All of them, in their order.
  [[nodiscard]] const std::vector<Variable>& variables() const noexcept { return variables_; }

 private:
  std::vector<Variable> variables_;
};

}  // namespace baton
