#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::http {
namespace {

using Event = RequestParser::Event;

// Everything a parser says, as text: "GET /|Host=a|body|end " for a request, "400" for a failure, "..." when
// it waits.
class Transcript {
 public:
  explicit Transcript(std::size_t header_limit = RequestParser::default_header_limit,
                      std::size_t most_headers = RequestParser::default_most_headers)
      : parser_(header_limit, most_headers) {}

  void feed(std::string_view input) {
    for (;;) {
      switch (parser_.feed(input)) {
        case Event::need_more:
          EXPECT_TRUE(input.empty());
          return;
        case Event::head:
          add_head();
          break;
        case Event::body:
          EXPECT_FALSE(parser_.body().empty());
          text_ += parser_.body();
          break;
        case Event::end:
          text_ += "|end ";
          break;
        case Event::failure:
          if (!failed_) text_ += std::to_string(parser_.status());
          failed_ = true;
          return;
      }
    }
  }

  std::string text() const {
    const bool waiting = !failed_ && !parser_.idle() && !text_.ends_with("|end ");
    return text_ + (waiting || parser_.in_head() ? "..." : "");
  }
  RequestParser& parser() { return parser_; }

 private:
  void add_head() {
    const RequestHead& head = parser_.head();
    text_ += std::string(head.method()) + " " + std::string(head.target());
    if (head.version_minor() == 0) text_ += " 1.0";
    if (!head.keep_alive()) text_ += " close";
    if (head.expectation() == Expectation::continue_100) text_ += " 100";
    if (head.expectation() == Expectation::other) text_ += " expects";
    text_ += "|";
  }

  RequestParser parser_;
  std::string text_;
  bool failed_ = false;
};

std::string whole(std::string_view input) {
  Transcript transcript;
  transcript.feed(input);
  return transcript.text();
}

std::string split(std::string_view input, std::size_t at) {
  Transcript transcript;
  transcript.feed(input.substr(0, at));
  transcript.feed(input.substr(at));
  return transcript.text();
}

std::string byte_by_byte(std::string_view input) {
  Transcript transcript;
  for (const char& c : input) transcript.feed({&c, 1});
  return transcript.text();
}

void expect(std::string_view input, std::string_view said) {
  SCOPED_TRACE(testing::PrintToString(std::string(input)));
  EXPECT_EQ(whole(input), said);
  EXPECT_EQ(byte_by_byte(input), said);
  for (std::size_t at = 1; at < input.size(); ++at) ASSERT_EQ(split(input, at), said) << "cut at " << at;
}

std::string get_with(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n\r\n";
}

std::string chunked(std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

std::string line(std::string_view line) { return std::string(line) + "\r\nHost: a\r\n\r\n"; }

void expect_all_refused(const std::vector<std::string>& inputs) {
  for (const auto& input : inputs) expect(input, "400");
}

// --- what is read
// -------------------------------------------------------------------------------------------------

TEST(RequestParser, ReadsARequestWithoutABody) {
  expect("GET /path?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /path?q=1||end ");
}

TEST(RequestParser, KeepsHeadersInOrderAndFindsThemInAnyCase) {
  Transcript transcript;
  transcript.feed("GET / HTTP/1.1\r\nHost: a\r\nX-One:  1 \t\r\nx-two:\r\nX-ONE: 3\r\n");
  std::string_view rest = "\r\n";
  ASSERT_EQ(transcript.parser().feed(rest), Event::head);
  const Headers headers = transcript.parser().head().headers();
  std::vector<Headers::Field> fields(headers.begin(), headers.end());
  EXPECT_EQ(fields,
            (std::vector<Headers::Field>{{"Host", "a"}, {"X-One", "1"}, {"x-two", ""}, {"X-ONE", "3"}}));
  EXPECT_EQ(headers.find("x-one"), "1");
  EXPECT_EQ(headers.find("X-Two"), "");
  EXPECT_EQ(headers.find("x-three"), std::nullopt);
  EXPECT_EQ(headers.size(), 4U);
  EXPECT_EQ(headers[3].second, "3");
}

TEST(RequestParser, ReadsABodyOfKnownLength) {
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST /|hello|end ");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005 \r\n\r\nhello", "POST /|hello|end ");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /||end ");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", "POST /|hell...");
  // No length is too large for the parser; whether it is for the handler is his business.
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\nhell", "POST /|hell...");
}

TEST(RequestParser, ReadsAChunkedBody) {
  expect(chunked("5\r\nhello\r\n0c\r\n, wide world\r\n0\r\n\r\n"), "POST /|hello, wide world|end ");
  expect(chunked("A\r\n0123456789\r\n000\r\n\r\n"), "POST /|0123456789|end ");
  expect(chunked("0\r\n\r\n"), "POST /||end ");
  expect(chunked("5\r\nhello\r\n0\r\n"), "POST /|hello...");
}

TEST(RequestParser, DropsChunkExtensionsAndTrailers) {
  expect(chunked("1;a\r\nx\r\n1;a=b;c=\"d;\\\"\xe9\t\"\r\ny\r\n0;z\r\nX: y\r\nHost: b\r\n\r\n"),
         "POST /|xy|end ");
}

TEST(RequestParser, ReadsPipelinedRequestsInOrder) {
  expect("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo" +
             chunked("5\r\nthree\r\n0\r\n\r\n") + "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET /1||end POST /2|two|end POST /|three|end GET /4||end ");
}

TEST(RequestParser, StopsAtEachEventAndLeavesTheRestOfTheInput) {
  RequestParser parser;
  std::string_view input = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.feed(input), Event::head);
  EXPECT_FALSE(parser.idle());
  EXPECT_EQ(parser.feed(input), Event::end);
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.head().target(), "/1");
  EXPECT_EQ(input, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parser.feed(input), Event::head);
  EXPECT_EQ(parser.head().target(), "/2");
}

TEST(RequestParser, KeepsTheConnectionAsTheVersionAndTheConnectionFieldSay) {
  expect(get_with("Connection: close"), "GET / close||end ");
  expect(get_with("Connection: x, Close"), "GET / close||end ");
  expect(get_with("Connection: keep-alive, close"), "GET / close||end ");
  expect(get_with("Connection: closed"), "GET /||end ");
  expect("GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close||end ");
  expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 1.0||end ");
}

TEST(RequestParser, DropsWhatFollowsTheLastRequest) {
  expect(get_with("Connection: close") + get_with("X: y") + "\1\2", "GET / close||end ");
  expect(chunked("0\r\nConnection: close\r\n\r\n") + get_with("X: y"), "POST /||end ");
}

TEST(RequestParser, TakesWhatFollowsAConnectForNoRequestAndNoBody) {
  expect("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\nContent-Length: 9\r\n\r\n" + get_with("X: y"),
         "CONNECT b:443 close||end ");
  expect("CONNECT b:443 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\nx",
         "CONNECT b:443 close||end ");
}

TEST(RequestParser, TellsWhatTheClientExpects) {
  expect(get_with("Expect: 100-Continue"), "GET / 100||end ");
  expect(get_with("Expect: tea"), "GET / expects||end ");
  expect(get_with("Expect:"), "GET / expects||end ");
  expect(get_with("Expect: tea\r\nExpect: 100-continue"), "GET / expects||end ");
  expect("GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", "GET / 1.0 close||end ");
}

TEST(RequestParser, TakesTheMethodsOfNodesParserAndNoOther) {
  for (const char* method : {"ACL",   "BIND",   "CHECKOUT", "COPY",   "DELETE",     "GET",        "HEAD",
                             "LINK",  "LOCK",   "M-SEARCH", "MERGE",  "MKACTIVITY", "MKCALENDAR", "MKCOL",
                             "MOVE",  "NOTIFY", "OPTIONS",  "PATCH",  "POST",       "PROPFIND",   "PROPPATCH",
                             "PURGE", "PUT",    "QUERY",    "REBIND", "REPORT",     "SEARCH",     "SUBSCRIBE",
                             "TRACE", "UNBIND", "UNLINK",   "UNLOCK", "UNSUBSCRIBE"}) {
    expect(line(std::string(method) + " / HTTP/1.1"), std::string(method) + " /||end ");
  }
  for (const char* method :
       {"get", "Get", "FOO", "GETX", "GE", "PRI", "SOURCE", "G\tT", "G@T", "", "UNSUBSCRIBED"}) {
    expect(line(std::string(method) + " / HTTP/1.1"), "400");
  }
}

TEST(RequestParser, TakesTheFourFormsOfATarget) {
  for (const char* target : {"/", "//", "/a%20b?c#d", "/\"<>\\^`{|}", "http://b", "http://b/c?d",
                             "https://b:8/c", "http://[::1]:8080/", "http://b?c"}) {
    expect(line("GET " + std::string(target) + " HTTP/1.1"), "GET " + std::string(target) + "||end ");
  }
  expect(line("OPTIONS * HTTP/1.1"), "OPTIONS *||end ");
  for (const char* target : {"*", "x", "?a", "#", "a:80", "http:/a", "http://", "http:///a", "h1://a", "://a",
                             "http://u@a/", "http://a#b", "/a b", "/\xff", "/\x7f", "/\t"}) {
    expect(line("GET " + std::string(target) + " HTTP/1.1"), "400");
  }
  for (const char* target : {"a", "a:", ":80", "/", "*", "http://a:80", "[::1]", "u@a:80", "a:80/"}) {
    expect(line("CONNECT " + std::string(target) + " HTTP/1.1"), "400");
  }
  expect(line("OPTIONS *x HTTP/1.1"), "400");
}

TEST(RequestParser, SkipsLineEndsInFrontOfARequest) {
  expect("\r\n\r\n" + get_with("X: y") + "\r\n" + get_with("X: y") + "\r\n", "GET /||end GET /||end ");
}

// --- what is refused: the smuggling matrix
// -------------------------------------------------------------------------

TEST(RequestParser, RefusesEveryDoubtAboutTheBodysLength) {
  std::vector<std::string> inputs;
  for (const char* fields : {"Content-Length: 3\r\nTransfer-Encoding: chunked",
                             "Transfer-Encoding: chunked\r\nContent-Length: 3",
                             "Content-Length: 3\r\nContent-Length: 3",
                             "Content-Length: 3\r\nContent-Length: 4",
                             "Content-Length: 3, 3",
                             "Content-Length: 3,3",
                             "Content-Length: 3,",
                             "Content-Length: +3",
                             "Content-Length: -3",
                             "Content-Length:",
                             "Content-Length: 0x3",
                             "Content-Length: 3 3",
                             "Content-Length: 3\t",
                             "Content-Length: \"3\"",
                             "Content-Length: 18446744073709551616",
                             "Content-Length: 99999999999999999999999",
                             "Content-Length: 3.0",
                             "Transfer-Encoding:",
                             "Transfer-Encoding: identity",
                             "Transfer-Encoding: chunked, identity",
                             "Transfer-Encoding: gzip, chunked",
                             "Transfer-Encoding: xchunked",
                             "Transfer-Encoding: chunkedchunked",
                             "Transfer-Encoding: chunked, chunked",
                             "Transfer-Encoding: chunked,",
                             "Transfer-Encoding: ,chunked",
                             "Transfer-Encoding: \"chunked\"",
                             "Transfer-Encoding: chunked;q=1",
                             "Transfer-Encoding: chunked\t",
                             "Transfer-Encoding: \vchunked",
                             "Transfer-Encoding : chunked",
                             "Transfer-Encoding: chun\r\n ked",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                             "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"}) {
    inputs.push_back(get_with(fields) + "0\r\n\r\n");
  }
  inputs.emplace_back("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  expect_all_refused(inputs);
}

TEST(RequestParser, RefusesHeaderLinesThatPeersMayReadDifferently) {
  std::vector<std::string> inputs;
  for (const std::string& fields : std::vector<std::string>{
           "X: a\r\n b", "X: a\r\n\tb", "X : a", "X\t: a", " X: a", "X", ": a", "X(: a", "X\xe9: a",
           "X: a\nY: b", "X: a\rY: b", "X: a\r\r\nY: b", "\nX: a", "X: \x01", "X: \x7f",
           std::string("X: a\0b", 6), std::string("X\0: a", 5), "X: a\x0b", "X: a\x0c"}) {
    inputs.push_back(get_with(fields));
  }
  inputs.emplace_back("GET / HTTP/1.1\r\n Host: a\r\n\r\n");
  inputs.emplace_back("GET / HTTP/1.1\nHost: a\n\n");
  inputs.emplace_back("GET / HTTP/1.1\r\nHost: a\r\n\n");
  inputs.emplace_back("GET / HTTP/1.1\r\nHost: a\r\n\rX");
  inputs.emplace_back("GET / HTTP/1.1\r\nHost: a\n\r\n");
  expect_all_refused(inputs);
}

TEST(RequestParser, RefusesRequestLinesThatAreNone) {
  std::vector<std::string> inputs;
  for (const char* text :
       {"GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.10", "GET / HTTP/11",
        "GET / http/1.1", "GET / HTTP/1.1 ", "GET /", "GET", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / ",
        "GET / HT", "GET / HTTP/1.", " GET / HTTP/1.1", "GET / ICE/1.0", "\nGET / HTTP/1.1",
        "\rGET / HTTP/1.1", "\r\n\nGET / HTTP/1.1"}) {
    inputs.push_back(line(text));
  }
  inputs.emplace_back("GET / HT\r\n\r\n");
  inputs.emplace_back("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  expect_all_refused(inputs);
}

TEST(RequestParser, RefusesAMissingADoubtfulOrASecondHost) {
  std::vector<std::string> inputs = {"GET / HTTP/1.1\r\n\r\n", get_with("Host: a"), get_with("Host: b"),
                                     get_with("host:"), "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"};
  for (const char* host :
       {"",     "u@a", "u:p@a", "a/b",    "a, b", "a,b", "a b",      "a:b",  "a:1:2", "a:123456", ":80",
        "[::1", "[]",  "[::g]", "[::1]x", "a?b",  "a#b", "http://a", "\xe9", "a\\b",  "\"a\""}) {
    inputs.push_back("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
  }
  expect_all_refused(inputs);
  for (const char* host :
       {"a", "a:", "a:80", "127.0.0.1:8080", "[::1]", "[::1]:80", "[::ffff:1.2.3.4]", "a_b", "%41"}) {
    expect("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", "GET /||end ");
  }
}

TEST(RequestParser, RefusesChunksThatPeersMayReadDifferently) {
  for (const char* body : {"0x2\r\nab\r\n",
                           "00000000000000002\r\nab\r\n",
                           "6_0\r\n",
                           "-1\r\n",
                           "+1\r\na\r\n",
                           " 1\r\na\r\n",
                           "1 \r\na\r\n",
                           "\r\n",
                           ";a\r\n",
                           "g\r\n",
                           "1\na\n0\n\n",
                           "1\r\r\na",
                           "1;\r\na\r\n",
                           "1; a\r\na\r\n",
                           "1 ;a\r\na\r\n",
                           "1;=b\r\n",
                           "1;a=\r\n",
                           "1;a=b c\r\n",
                           "1;a=\"b\r\n\"\r\n",
                           "1;a=\"b\"c\r\n",
                           "1;a\n",
                           "1;a=\x01\r\n",
                           "1;a=\"\x7f\"\r\n"}) {
    expect(chunked(body), "POST /|400");
  }
  for (const char* end : {"\n", "\r\r", "x", "0\r\n"})
    expect(chunked("1\r\na" + std::string(end)), "POST /|a400");
  expect(chunked("ffffffffffffffff\r\na"), "POST /|a...");
  expect(chunked("10000000000000000\r\na"), "POST /|400");
}

TEST(RequestParser, RefusesTrailersThatAreNoFieldsOrFrameTheBody) {
  for (const char* trailer :
       {"X\r\n\r\n", " X: y\r\n\r\n", "X : y\r\n\r\n", "X: y\r\n z\r\n\r\n", ": y\r\n\r\n", "X: \x01",
        "X: y\n", "\n", "\rx", "Content-Length: 1\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"}) {
    expect(chunked("0\r\n" + std::string(trailer)), "POST /|400");
  }
}

TEST(RequestParser, AnswersOtherProtocolsAtOnce) {
  expect(std::string("\x16\x03\x01\x02\0\x01", 6), "400");
  expect("SSH-2.0-OpenSSH_9.2\r\n", "400");
  expect("hello", "400");
  expect("GET / FTP\r\n", "400");
}

TEST(RequestParser, SaysTheSameFailureAgain) {
  RequestParser parser;
  std::string_view input = "hello\r\n";
  EXPECT_EQ(parser.feed(input), Event::failure);
  input = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(parser.feed(input), Event::failure);
  EXPECT_EQ(parser.status(), 400);
  EXPECT_FALSE(parser.reason().empty());
}

TEST(RequestParser, AnswersTheRequestsInFrontOfABadOne) {
  expect(get_with("X: y") + "BAD / HTTP/1.1\r\n\r\n", "GET /||end 400");
}

// --- limits
// -------------------------------------------------------------------------------------------------------

std::string fed_in_pieces(std::string_view input, std::size_t size, std::size_t header_limit) {
  Transcript transcript(header_limit);
  for (; !input.empty(); input.remove_prefix(std::min(size, input.size())))
    transcript.feed(input.substr(0, size));
  return transcript.text();
}

TEST(RequestParser, TakesAHeadOfTheLimitAndNotAByteMore) {
  constexpr std::size_t limit = 100;
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    const std::string full = start + std::string(limit - start.size() - 4, 'x') + "\r\n\r\n";
    ASSERT_EQ(full.size(), limit);
    EXPECT_EQ(fed_in_pieces(full, piece, limit), "GET /||end ");
    EXPECT_EQ(fed_in_pieces("\r\n" + full, piece, limit), "431");
    EXPECT_EQ(fed_in_pieces(start + std::string(limit, 'x'), piece, limit), "431");
    EXPECT_EQ(fed_in_pieces("GET /" + std::string(limit, 'x'), piece, limit), "431");
    EXPECT_EQ(fed_in_pieces(std::string(limit, '\r') + "\n", piece, limit), "400");
  }
  std::string line_ends;
  for (std::size_t i = 0; i < limit; ++i) line_ends += "\r\n";
  EXPECT_EQ(fed_in_pieces(line_ends, 3, limit), "431");
}

TEST(RequestParser, LimitsTrailersAndChunkExtensions) {
  constexpr std::size_t limit = 100;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    EXPECT_EQ(fed_in_pieces(chunked("0\r\nX: " + std::string(limit, 'x')), piece, limit), "POST /|431");
    EXPECT_EQ(fed_in_pieces(chunked("1;a=" + std::string(limit, 'x')), piece, limit), "POST /|413");
    EXPECT_EQ(fed_in_pieces(chunked("1;a=" + std::string(limit / 2, 'x') +
                                    "\r\nb\r\n1;a=" + std::string(limit / 2, 'x') + "\r\nc\r\n0\r\n\r\n"),
                            piece, limit),
              "POST /|bc|end ");
  }
}

TEST(RequestParser, TakesAsManyHeadersAsTheLimitHolds) {
  std::string input = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 4000; ++i) input += "x:\r\n";
  Transcript transcript(RequestParser::default_header_limit, 4001);
  transcript.feed(input);
  std::string_view end = "\r\n";
  ASSERT_EQ(transcript.parser().feed(end), Event::head);
  EXPECT_EQ(transcript.parser().head().headers().size(), 4001U);
  Transcript strict(RequestParser::default_header_limit, 4000);
  strict.feed(input + "\r\n");
  EXPECT_EQ(strict.text(), "431");
}

TEST(RequestParser, KeepsTrailersUntilTheNextRequest) {
  Transcript transcript;
  std::string_view input =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nOne: 1 \r\ntwo:\r\n\r\nGET";
  ASSERT_EQ(transcript.parser().feed(input), Event::head);
  EXPECT_TRUE(transcript.parser().head().trailers().empty());
  ASSERT_EQ(transcript.parser().feed(input), Event::end);
  const Headers trailers = transcript.parser().head().trailers();
  ASSERT_EQ(trailers.size(), 2U);
  EXPECT_EQ(trailers[0], Headers::Field("One", "1"));
  EXPECT_EQ(trailers.find("TWO"), "");
  EXPECT_EQ(transcript.parser().head().headers().size(), 2U);
  ASSERT_EQ(transcript.parser().feed(input), Event::need_more);
  EXPECT_TRUE(transcript.parser().head().trailers().empty());
}

}  // namespace
}  // namespace baton::http
