#include "interop/http/asking.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

namespace baton::test {
namespace {

const char* const unanswered = "the server made no end";

std::unique_ptr<Client> client_of(const Where& where) {
  return where.path.empty() ? std::make_unique<Client>(where.port) : std::make_unique<Client>(where.path);
}

struct Answer {
  std::string status, body;
  bool closes = false;
};

// The value of a field, in lower case.
std::string field(const std::string& head, const std::string& name) {
  std::string lower = head;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto at = lower.find("\r\n" + name + ":");
  if (at == std::string::npos) return {};
  const auto begin = lower.find_first_not_of(' ', at + name.size() + 3);
  return lower.substr(begin, lower.find("\r\n", begin) - begin);
}

std::string chunked_body(const Client& client) {
  std::string body;
  while (const auto size = std::strtoul(client.read_until("\r\n").c_str(), nullptr, 16)) {
    body += client.read(size);
    if (client.read_until("\r\n").empty()) return body + "(cut)";
  }
  while (client.read_until("\r\n").size() > 2) {
  }
  return body;
}

std::optional<Answer> next_answer(const Client& client, bool to_head) {
  const std::string head = client.read_until("\r\n\r\n");
  if (head.empty()) return std::nullopt;
  Answer answer;
  // Rubbish, or a body where none may be.
  if (!head.starts_with("HTTP/1.") || !head.ends_with("\r\n\r\n")) return Answer{head, {}, true};
  answer.status = head.substr(9, 3);
  answer.closes = field(head, "connection") == "close";
  if (to_head || answer.status[0] == '1' || answer.status == "204" || answer.status == "304") return answer;
  const std::string length = field(head, "content-length");
  if (!length.empty()) {
    answer.body = client.read(std::stoul(length));
  } else if (field(head, "transfer-encoding") == "chunked") {
    answer.body = chunked_body(client);
  } else {
    answer.body = client.read_all();
    answer.closes = true;
  }
  return answer;
}

void note(Said& said, const Answer& answer) {
  if (!said.verdict.empty()) said.verdict += ' ';
  said.verdict += answer.status;
  if (answer.status[0] == '2') said.bodies.push_back(answer.body);
}

// Answers up to the end, or as many as `most`. True if the connection can be used no more.
bool read_answers(const Client& client, const std::string& bytes, Said& said, std::size_t most = SIZE_MAX) {
  bool to_head = bytes.starts_with("HEAD ");
  bool closes = false;
  for (std::size_t count = 0; count < most; ++count) {
    const auto answer = next_answer(client, to_head);
    if (!answer) return true;
    note(said, *answer);
    closes = closes || answer->closes;
    to_head = false;
  }
  return closes;
}

std::size_t words_in(const Verdict& verdict) {
  std::istringstream words(verdict);
  return static_cast<std::size_t>(std::distance(std::istream_iterator<std::string>(words), {}));
}

// Whether the connection can be used no more. A client that is not told so asks once more; what is answered
// before that was still owed.
bool closed(const Client& client, bool told, Said& said) {
  if (!told) {
    client.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    while (const auto answer = next_answer(client, false)) {
      if (answer->body.starts_with("GET /again ")) return false;
      note(said, *answer);
    }
  }
  EXPECT_FALSE(client.read_all().ends_with("(nothing came)")) << unanswered;
  return true;
}

}  // namespace

Said ask_and_finish(const Where& where, const std::string& bytes) {
  Said said;
  const auto client = client_of(where);
  client->send(bytes);
  client->finish();
  read_answers(*client, bytes, said);
  if (said.verdict.empty()) said.verdict = "closed";
  return said;
}

Said ask_and_wait(const Where& where, const std::string& bytes) {
  Said said;
  const auto client = client_of(where);
  client->send(bytes);
  read_answers(*client, bytes, said);
  EXPECT_FALSE(client->read_all().ends_with("(nothing came)")) << unanswered;
  if (!said.verdict.empty()) said.verdict += ' ';
  said.verdict += "closed";
  return said;
}

Said ask_with(const Where& where, const std::string& bytes) {
  const Said finished = ask_and_finish(where, bytes);
  Said said;
  const auto client = client_of(where);
  client->send(bytes);
  const bool told = read_answers(*client, bytes, said, words_in(finished.verdict));
  const bool over = closed(*client, told, said);
  if (said.verdict != finished.verdict || said.bodies != finished.bodies) {
    said.verdict += " (" + finished.verdict + " if finished)";
  }
  if (over) said.verdict += " closed";
  return said;
}

std::size_t taken(const Verdict& verdict) {
  std::istringstream words(verdict);
  return static_cast<std::size_t>(std::count_if(std::istream_iterator<std::string>(words), {},
                                                [](const std::string& word) { return word[0] == '2'; }));
}

}  // namespace baton::test
