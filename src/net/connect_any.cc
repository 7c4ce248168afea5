#include "net/connect_any.h"

#include <memory>
#include <stop_token>
#include <system_error>
#include <utility>

#include "net/address_race.h"

namespace baton::net {
namespace {

// The first address is the one that the resolver likes best: its failure counts, the others are told.
Error error_of(const std::string& what, const std::vector<Endpoint>& addresses,
               const std::vector<std::error_code>& failures) {
  std::string step;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (i > 0) step += ", ";
    step += addresses[i].to_string();
    if (failures[i] != failures[0]) step += " (" + std::string(Error(failures[i], {}).what()) + ")";
  }
  return Error(failures[0], what, step);
}

class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(Loop& loop, std::string what, std::vector<Endpoint> addresses)
      : loop_(loop),
        what_(std::move(what)),
        addresses_(std::move(addresses)),
        machine_(addresses_.size()),
        promise_(loop, what_),
        failures_(addresses_.size()) {}

  Op<Socket> begin() {
    loop_.keep(shared_from_this());
    promise_.on_given_up([weak = weak_from_this()](bool) {
      if (const auto self = weak.lock()) self->end();
    });
    auto op = promise_.op();
    go_on();
    return op;
  }

 private:
  void go_on() {
    while (const auto number = machine_.next(loop_.now())) {
      connect(loop_, addresses_[*number])
          .cancel_on(over_.get_token())
          .then([self = shared_from_this(), number = *number](Result<Socket> outcome) {
            self->ended(number, std::move(outcome));
          });
    }
    if (machine_.lost()) return settle(std::unexpected(error_of(what_, addresses_, failures_)));
    const auto due = machine_.due();
    next_ = due ? Timer(loop_, *due - loop_.now(), [this] { go_on(); }) : Timer();
  }

  void ended(std::size_t number, Result<Socket> outcome) {
    if (over_.stop_requested()) return;
    if (outcome) return settle(std::move(outcome));
    failures_[number] = outcome.error().code();
    machine_.failed(loop_.now());
    go_on();
  }

  void settle(Result<Socket> outcome) {
    promise_.resolve(std::move(outcome));
    end();
  }
  // Those who are still on their way are closed.
  void end() {
    if (!over_.request_stop()) return;
    next_.stop();
    loop_.let_go(this);
  }

  Loop& loop_;
  const std::string what_;
  const std::vector<Endpoint> addresses_;
  AddressRace machine_;
  Promise<Socket> promise_;
  std::vector<std::error_code> failures_;
  std::stop_source over_;
  Timer next_;
};

}  // namespace

Op<Socket> connect_to_any(Loop& loop, std::string what, std::vector<Endpoint> addresses) {
  return std::make_shared<Race>(loop, std::move(what), std::move(addresses))->begin();
}

}  // namespace baton::net
