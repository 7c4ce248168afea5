#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "baton/baton.h"

namespace bench {

/// A program that measures one thing: its last line of output is an object of numbers.
class Contender {
 public:
  Contender(std::string name, std::vector<std::string> command)
      : name_(std::move(name)), command_(std::move(command)) {}
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<std::string>& command() const noexcept { return command_; }

 private:
  std::string name_;
  std::vector<std::string> command_;
};

/// The same thing measured by several contenders in turn (A B C A B C ...), so that what disturbs the machine
/// disturbs them alike.
class Contest {
 public:
  explicit Contest(std::string name) : name_(std::move(name)) {}
  Contest& add(std::string name, std::vector<std::string> command) {
    contenders_.emplace_back(std::move(name), std::move(command));
    return *this;
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<Contender>& contenders() const noexcept { return contenders_; }

 private:
  std::string name_;
  std::vector<Contender> contenders_;
};

/// What contenders printed in all rounds.
class Figures {
 public:
  void add(const std::string& contender, const std::string& figure, double value) {
    all_[{contender, figure}].push_back(value);
  }
  [[nodiscard]] bool has(const std::string& contender) const;
  /// The median over the rounds; NaN if the contender did not print it.
  [[nodiscard]] double median(const std::string& contender, const std::string& figure) const;
  /// Everything, for the file of results.
  [[nodiscard]] baton::Value to_value() const;

 private:
  std::map<std::pair<std::string, std::string>, std::vector<double>> all_;
};

/// Runs every contender `rounds` times. One that fails is reported on standard error and has no figures.
baton::Task<Figures> hold(baton::Process& self, const Contest& contest, int rounds);

}  // namespace bench
