// Baton's HTTP client at Node's server, `fetched.js`: `http_fetching PORT`. Prints what it was pleased with,
// a line each.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/client.h"
#include "baton/loop/op.h"
#include "baton/loop/task.h"
#include "baton/loop/wait.h"

namespace {

using baton::Task;
using baton::http::Client;
using baton::http::ClientOptions;
using baton::http::FetchOptions;
using baton::http::Reply;

/// The server, and who asks it.
struct Here {
  baton::Loop& loop;
  std::string url;
  Client client;
};

void expect(std::string_view got, std::string_view wanted) {
  if (got == wanted) return;
  throw std::runtime_error("got " + std::string(got.substr(0, 100)) + " instead of " +
                           std::string(wanted.substr(0, 100)));
}
void expect(std::size_t got, std::size_t wanted) { expect(std::to_string(got), std::to_string(wanted)); }
void expect_header(const Reply& reply, std::string_view name, std::string_view wanted) {
  expect(reply.header(name).value_or("none"), wanted);
}

Task<std::string> get(Client& client, std::string url) {
  Reply reply = co_await client.fetch(url);
  co_return co_await reply.body();
}
Task<std::string> connections(Here& here, Client& client) { return get(client, here.url + "/connections"); }

Task<> a_body_of_known_length(Here& here) {
  Reply reply = co_await here.client.fetch(here.url + "/length");
  expect(reply.reason(), "OK");
  expect_header(reply, "content-length", "5");
  expect(co_await reply.body(), "hello");
}

Task<> chunks_and_a_trailer(Here& here) {
  Reply reply = co_await here.client.fetch(here.url + "/chunks");
  expect_header(reply, "transfer-encoding", "chunked");
  expect(reply.trailers().size(), 0);
  expect(co_await reply.body(), "one two three");
  expect(reply.trailers().find("X-Sum").value_or("none"), "abc");
}

Task<> answers_without_a_body(Here& here) {
  Client client(here.loop);
  const std::string before = co_await connections(here, client);
  Reply head = co_await client.fetch(here.url + "/length", FetchOptions().method("HEAD"));
  expect_header(head, "content-length", "5");
  expect(co_await head.body(), "");
  Reply nothing = co_await client.fetch(here.url + "/nothing");
  expect(static_cast<std::size_t>(nothing.status()), 204);
  expect(co_await nothing.body(), "");
  FetchOptions options;
  options.header("If-None-Match", "\"7\"");
  Reply same = co_await client.fetch(here.url + "/same", options);
  expect(static_cast<std::size_t>(same.status()), 304);
  expect_header(same, "etag", "\"7\"");
  expect(co_await same.body(), "");
  expect(co_await connections(here, client), before);
}

Task<> post(Here& here, std::string body) {
  FetchOptions options;
  options.method("POST").body(body);
  Reply reply = co_await here.client.fetch(here.url + "/echo", options);
  expect_header(reply, "x-came", std::to_string(body.size()));
  expect_header(reply, "x-expected", "nothing");
  expect(co_await reply.body(), body);
}
Task<> a_post_without_expectations(Here& here) {
  co_await post(here, "");
  co_await post(here, "hello");
  // Some clients ask first with so much.
  co_await post(here, std::string(1'000'000, 'x'));
}

/// 8 MiB, piece by piece.
class Pieces {
 public:
  Task<std::optional<std::string>> next() {
    if (count_ == 512) co_return std::nullopt;
    std::string piece(16384 - count_, static_cast<char>('a' + count_ % 26));
    ++count_;
    sent_ += piece;
    co_return piece;
  }
  [[nodiscard]] const std::string& sent() const { return sent_; }

 private:
  std::size_t count_ = 0;
  std::string sent_;
};
constexpr std::size_t all_pieces = std::size_t{512} * 16384 - std::size_t{511} * 512 / 2;

// They still go out while they come back.
Task<> echo_pieces(Here& here, std::optional<std::uint64_t> length, std::string came) {
  Pieces pieces;
  FetchOptions options;
  options.method("PUT").body([&pieces] { return pieces.next(); }, length);
  Reply reply = co_await here.client.fetch(here.url + "/echo", options);
  expect_header(reply, "x-came", came);
  std::string got;
  while (const auto piece = co_await reply.next_data()) got += *piece;
  expect(got.size(), all_pieces);
  if (got != pieces.sent()) throw std::runtime_error("other bytes came back");
  expect(reply.trailers().find("x-bytes").value_or("none"), std::to_string(all_pieces));
}
Task<> an_upload_in_chunks(Here& here) { return echo_pieces(here, std::nullopt, "chunked"); }
Task<> an_upload_of_known_length(Here& here) {
  return echo_pieces(here, all_pieces, std::to_string(all_pieces));
}

Task<> one_connection_for_many_requests(Here& here) {
  Client client(here.loop);
  const std::string first = co_await connections(here, client);
  for (int i = 0; i < 98; ++i) {
    FetchOptions options;
    options.method(i % 2 == 0 ? "POST" : "PUT").body(std::string(static_cast<std::size_t>(i), 'x'));
    Reply reply = co_await client.fetch(here.url + "/echo", options);
    expect((co_await reply.body()).size(), static_cast<std::size_t>(i));
  }
  expect(co_await connections(here, client), first);
}

Task<> five_connections_for_many_requests_at_once(Here& here) {
  Client client(here.loop, ClientOptions().max_connections(5));
  const std::string first = co_await connections(here, client);
  std::vector<Task<std::string>> fetches;
  for (int i = 0; i < 50; ++i) fetches.push_back(get(client, here.url + "/chunks"));
  for (const std::string& body : co_await baton::all(here.loop, std::move(fetches))) {
    expect(body, "one two three");
  }
  expect(std::stoul(co_await connections(here, client)), std::stoul(first) + 4);
}

Task<> connections_that_end_after_each_request(Here& here) {
  Client client(here.loop);
  const std::string first = co_await connections(here, client);
  for (const char* path : {"/last", "/leaves"}) {
    for (int i = 0; i < 20; ++i) expect(co_await get(client, here.url + path), "goodbye");
  }
  expect(std::stoul(co_await connections(here, client)), std::stoul(first) + 40);
}

// The upload has begun when the answer comes, and would still go on.
Task<> a_body_that_is_not_wanted(Here& here) {
  baton::Promise<> answered(here.loop, "be answered");
  auto answer = std::make_shared<baton::Op<>>(answered.op());
  const auto next = [answer, first = true]() mutable -> Task<std::optional<std::string>> {
    if (std::exchange(first, false)) co_return std::string(16384, 'x');
    co_await std::move(*answer);
    co_return std::string(16384, 'y');
  };
  FetchOptions options;
  options.method("POST").body(next);
  Reply reply = co_await here.client.fetch(here.url + "/refused", options);
  expect(static_cast<std::size_t>(reply.status()), 413);
  expect(co_await reply.body(), "too much");
  answered.resolve({});
}

struct Deed {
  const char* what;
  Task<> (*does)(Here&);
};
constexpr Deed deeds[] = {
    {"a body of known length", a_body_of_known_length},
    {"chunks and a trailer", chunks_and_a_trailer},
    {"answers without a body", answers_without_a_body},
    {"a POST without expectations", a_post_without_expectations},
    {"an upload in chunks", an_upload_in_chunks},
    {"an upload of known length", an_upload_of_known_length},
    {"one connection for many requests", one_connection_for_many_requests},
    {"five connections for many requests at once", five_connections_for_many_requests_at_once},
    {"connections that end after each request", connections_that_end_after_each_request},
    {"a body that is not wanted", a_body_that_is_not_wanted},
};

Task<> do_all(Here& here, int& failures) {
  for (const Deed& deed : deeds) {
    try {
      co_await deed.does(here);
      std::printf("%s\n", deed.what);
    } catch (const std::exception& error) {
      std::printf("not %s: %s\n", deed.what, error.what());
      ++failures;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  baton::Loop loop;
  Here here{loop, "http://127.0.0.1:" + std::string(argv[1]), Client(loop)};
  int failures = 0;
  start(loop, do_all(here, failures));
  loop.run();
  return failures == 0 ? 0 : 1;
}
