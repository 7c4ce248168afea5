// What does not compile, and what the compiler says of it: each line that ends in `// TEXT` breaks a rule,
// and the error names that line and says TEXT. check.py compiles it.

#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "baton/baton.h"

namespace {

using baton::Task;
using baton::Value;

// The compiler says it once of a type.
template <int>
struct Plain {};
struct Sent {
  std::list<int> numbers;
};
BATON_FIELDS(Sent, numbers)
struct Read {
  std::list<int> numbers;
};
BATON_FIELDS(Read, numbers)

Task<int> number() { co_return 1; }
Task<std::string> text() { co_return "text"; }
std::optional<Task<>> perhaps() { return std::nullopt; }

// clang-format off

// A coroutine that nobody would start.
[[maybe_unused]] void never_run(baton::Loop& loop, baton::Channel& channel, baton::Promise<int>& promise) {
  channel.on_close([] { return number(); });                                 // a callback returns nothing or a Task<>
  channel.on_message([](const auto& /*message*/) { return text(); });        // a callback returns nothing or a Task<>
  loop.defer([] { return perhaps(); });                                      // a callback returns nothing or a Task<>
  promise.on_orphan([](const auto& /*error*/) { return number(); });         // a callback returns nothing or a Task<>
  const baton::Entry entry("main", [](baton::Process&) { return text(); });  // an entry returns nothing, int, Task<>
  const auto server = baton::http::serve(loop, [](auto&, auto&) { return number(); });  // what serves returns nothing
}

// What is no message.
[[maybe_unused]] void no_message(baton::Channel& channel, baton::Pool& pool, baton::http::Response& response) {
  channel.send(Plain<1>());                                     // BATON_FIELDS(Type, member...)
  static_cast<void>(channel.request(Plain<2>()));               // BATON_FIELDS(Type, member...)
  static_cast<void>(pool.run(Plain<3>()));                      // BATON_FIELDS(Type, member...)
  static_cast<void>(pool.run<int>(Plain<4>()));                 // BATON_FIELDS(Type, member...)
  baton::web::send_json(response, Plain<5>());                  // BATON_FIELDS(Type, member...)
  channel.on_request([](const Value&) { return Plain<6>(); });  // give the struct BATON_FIELDS
  channel.send(Sent());                                         // does not travel: give a struct BATON_FIELDS
}

// What cannot be read.
[[maybe_unused]] void unreadable(const Value& value, baton::Channel& channel, baton::http::Request& request) {
  static_cast<void>(baton::from_value<Plain<7>>(value));          // cannot be read: give a struct BATON_FIELDS
  static_cast<void>(baton::from_value<std::string_view>(value));  // a text std::string
  static_cast<void>(baton::from_json<Read>("{}"));                // cannot be read: give a struct BATON_FIELDS
  channel.on_request([](const Plain<8>&) {});                     // cannot be read: give a struct BATON_FIELDS
  static_cast<void>(baton::web::read_json<Plain<9>>(request));    // cannot be read: give a struct BATON_FIELDS
}

}  // namespace
