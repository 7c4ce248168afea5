#include "interop/http/matrix.h"

#include <string_view>

namespace baton::test {
namespace {

using namespace std::string_literals;

// What is refused ends the connection: nobody knows where the next request would begin.
const char* const refused_and_closed = "400 closed";
// What a Node that reads ahead says: it reads on to the rubbish before it answers anything, and then answers
// only that.
const Difference forgotten(Kind::earlier, "400 closed");
const Difference taken_by_18(Kind::loose, "200", 20);

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string host(std::string_view fields) { return "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n"; }
std::string post(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string chunks(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }
std::string line(std::string_view line, std::string_view fields = "Host: a\r\n") {
  return std::string(line) + "\r\n" + std::string(fields) + "\r\n";
}
// A second request, which must not be answered if the first was read wrongly.
std::string and_another(std::string first) { return std::move(first) + get(""); }

std::string fields_of(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "a:b\r\n";
  return fields;
}

using Rows = std::vector<Row>;

Rows ordinary() {
  return {
      {"a request", get(""), "200"},
      {"two requests", get("") + get(""), "200 200"},
      {"a body of known length", post("Content-Length: 5\r\n", "hello"), "200"},
      {"a body of no length", post("Content-Length: 0\r\n"), "200"},
      {"a length with zeros in front", post("Content-Length: 005\r\n", "hello"), "200"},
      {"a chunked body", chunks("5\r\nhello\r\n0\r\n\r\n"), "200"},
      {"a chunked body and a request", and_another(chunks("5\r\nhello\r\n0\r\n\r\n")), "200 200"},
      {"a chunk size with zeros", chunks("0005\r\nhello\r\n0\r\n\r\n"), "200"},
      {"a chunk size of 16 digits", chunks("0000000000000005\r\nhello\r\n0\r\n\r\n"), "200"},
      {"a chunk size in capitals", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "200"},
      {"a last chunk of many zeros", chunks("5\r\nhello\r\n000\r\n\r\n"), "200"},
      {"chunk extensions", chunks("5;a=b;c=\"d e\";f\r\nhello\r\n0;g\r\n\r\n"), "200"},
      {"a trailer", chunks("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), "200", Kind::same,
       "POST / 2 fields\nhello\nX: y\n"},
      {"a Host among the trailers", chunks("5\r\nhello\r\n0\r\nHost: b\r\n\r\n"), "200"},
      {"line ends in front of the request", "\r\n\r\n" + get(""), "200"},
      {"the absolute form", line("GET http://a/b HTTP/1.1"), "200"},
      {"the absolute form with another Host", line("GET http://b/ HTTP/1.1"), "200"},
      {"no Host in HTTP/1.0", line("GET / HTTP/1.0", ""), "200 closed"},
      {"a Host in HTTP/1.0", line("GET / HTTP/1.0"), "200 closed"},
      {"a fragment", line("GET /#a HTTP/1.1"), "200"},
      {"strange characters in the path", line("GET /\"<>\\^`{|} HTTP/1.1"), "200"},
      {"every character of a token in a name", get("!#$%&'*+-.^_`|~09azAZ: x\r\n"), "200"},
      {"bytes over 127 in a value", get("X: \xc3\xa4\xff\r\n"), "200"},
      {"a tab inside a value", get("X: a\tb\r\n"), "200"},
      {"white space around a value", get("X: \t a \t\r\n"), "200"},
      {"an empty value", get("X:\r\n"), "200"},
      {"OPTIONS *", line("OPTIONS * HTTP/1.1"), "200"},
      {"a Host with a port", host("Host: a:80\r\n"), "200"},
      {"a Host that is an address", host("Host: [::1]:80\r\n"), "200"},
      {"Expect: 100-continue", post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"), "100 200"},
      {"another expectation", get("Expect: tea\r\n"), "417"},
      {"an upgrade that nobody offers", get("Connection: Upgrade\r\nUpgrade: tea\r\n"), "200"},
      {"Connection: close and another request", and_another(get("Connection: close\r\n")), "200 closed",
       forgotten},
      {"HTTP/1.0 and another request", and_another(line("GET / HTTP/1.0")), "200 closed", forgotten},
      {"QUERY", line("QUERY / HTTP/1.1"), "200", {Kind::younger, "400 closed", 22}},
  };
}

Rows lengths() {
  return {
      {"both framings", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       refused_and_closed},
      {"both framings, the other way round",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), refused_and_closed},
      {"both framings and a hidden request",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + get("")),
       refused_and_closed},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), refused_and_closed},
      {"two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), refused_and_closed},
      {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), refused_and_closed},
      {"a positive length", post("Content-Length: +5\r\n", "hello"), refused_and_closed},
      {"a negative length", post("Content-Length: -5\r\n", "hello"), refused_and_closed},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n", "hello"), refused_and_closed},
      {"a length in octal", post("Content-Length: 0o5\r\n", "hello"), refused_and_closed},
      {"an empty length", post("Content-Length:\r\n", "hello"), refused_and_closed},
      {"a length with a space in it", post("Content-Length: 5 0\r\n", "hello"), refused_and_closed},
      {"a length with a tab behind", post("Content-Length: 5\t\r\n", "hello"), refused_and_closed,
       Kind::stricter},
      {"a length with an underscore", post("Content-Length: 0_5\r\n", "hello"), refused_and_closed},
      {"a length with a point", post("Content-Length: 5.0\r\n", "hello"), refused_and_closed},
      {"a length over 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello"),
       refused_and_closed},
      {"a length in other digits", post("Content-Length: \xd9\xa5\r\n", "hello"), refused_and_closed},
      {"a length and more", post("Content-Length: 4\r\n", "hello"), "200 400 closed", forgotten},
  };
}

Rows codings() {
  const std::string end = "0\r\n\r\n";
  return {
      {"identity", post("Transfer-Encoding: identity\r\n", end), refused_and_closed},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", end), refused_and_closed},
      {"identity, chunked", post("Transfer-Encoding: identity, chunked\r\n", end), refused_and_closed,
       Kind::stricter},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", end), refused_and_closed,
       Kind::stricter},
      {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", end), refused_and_closed},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n", end), refused_and_closed},
      {"chunkedchunked", post("Transfer-Encoding: chunkedchunked\r\n", end), refused_and_closed},
      {"chunked in quotes", post("Transfer-Encoding: \"chunked\"\r\n", end), refused_and_closed},
      {"chunked and a tab", post("Transfer-Encoding: chunked\t\r\n", end), refused_and_closed},
      {"chunked behind a vertical tab", post("Transfer-Encoding: \x0b"s + "chunked\r\n", end),
       refused_and_closed},
      {"chunked;q=1", post("Transfer-Encoding: chunked;q=1\r\n", end), refused_and_closed},
      {"Chunked", post("Transfer-Encoding: Chunked\r\n", end), "200"},
      {"two codings, the last not chunked",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", end), refused_and_closed},
      {"two codings, both chunked", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", end),
       refused_and_closed},
      {"a coding in HTTP/1.0",
       line("POST / HTTP/1.0", "Host: a\r\nTransfer-Encoding: chunked\r\n") + end,
       refused_and_closed,
       {Kind::stricter, "200 closed"}},
      {"a space in front of the coding's colon", post("Transfer-Encoding : chunked\r\n", end),
       refused_and_closed},
      {"a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", end), refused_and_closed},
  };
}

Rows chunk_lines() {
  return {
      {"a size in hexadecimal notation", chunks("0x5\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a size of 17 digits", chunks("00000000000000005\r\nhello\r\n0\r\n\r\n"), refused_and_closed,
       Kind::stricter},
      {"a size over 64 bits", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a size with an underscore", chunks("0_5\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a negative size", chunks("-5\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a positive size", chunks("+5\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"an empty size", chunks("\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a space in front of the size", chunks(" 5\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a space behind the size", chunks("5 \r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a tab behind the size", chunks("5\t\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a size that is no number", chunks("g\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"line feeds alone", chunks("5\nhello\n0\n\n"), refused_and_closed},
      {"a line feed alone behind the size", chunks("5\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a line feed alone behind the data", chunks("5\r\nhello\n0\r\n\r\n"), refused_and_closed},
      {"a line feed alone at the end", chunks("5\r\nhello\r\n0\r\n\n"), refused_and_closed, taken_by_18},
      {"a carriage return alone behind the size", chunks("5\rhello\r\n0\r\n\r\n"), refused_and_closed},
      {"no line end behind the data", chunks("5\r\nhello0\r\n\r\n"), refused_and_closed},
      {"more data than the size", chunks("4\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"less data than the size", chunks("6\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a line feed in an extension", chunks("5;a\nb\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a carriage return in an extension", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"a control character in an extension", chunks("5;a=\x01\r\nhello\r\n0\r\n\r\n"), refused_and_closed},
      {"an unfinished quote in an extension", chunks("5;a=\"b\r\nhello\r\n0\r\n\r\n"), refused_and_closed,
       taken_by_18},
      {"an extension without a name", chunks("5;\r\nhello\r\n0\r\n\r\n"), refused_and_closed, taken_by_18},
      {"extensions of 20 KB", chunks("5;" + std::string(20000, 'x') + "\r\nhello\r\n0\r\n\r\n"),
       "413 closed"},
      {"a bad trailer", chunks("5\r\nhello\r\n0\r\nX y\r\n\r\n"), refused_and_closed},
      {"a folded trailer", chunks("5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"), refused_and_closed},
      {"a trailer with a space before the colon", chunks("5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
       refused_and_closed, taken_by_18},
      {"a length among the trailers", chunks("5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
       refused_and_closed, taken_by_18},
      {"a coding among the trailers", chunks("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
       refused_and_closed},
  };
}

Rows fields() {
  return {
      {"line feeds alone in the head", "GET / HTTP/1.1\nHost: a\n\n", refused_and_closed},
      {"a line feed alone behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", refused_and_closed,
       taken_by_18},
      {"a line feed alone behind a field", get("X: y\n"), refused_and_closed},
      {"a line feed alone as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", refused_and_closed,
       taken_by_18},
      {"a carriage return alone in a value", get("X: y\rZ: a\r\n"), refused_and_closed},
      {"a carriage return alone behind a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
       refused_and_closed},
      {"a carriage return and X behind the head", "GET / HTTP/1.1\r\nHost: a\r\n\rX", refused_and_closed,
       taken_by_18},
      {"a folded line", get("X: y\r\n z\r\n"), refused_and_closed},
      {"a line folded by a tab", get("X: y\r\n\tz\r\n"), refused_and_closed},
      {"a first line that is folded", host(" X: y\r\nHost: a\r\n"), refused_and_closed, taken_by_18},
      {"a space before the colon", get("X : y\r\n"), refused_and_closed, taken_by_18},
      {"a tab before the colon", get("X\t: y\r\n"), refused_and_closed},
      {"a space in a name", get("X Y: z\r\n"), refused_and_closed, taken_by_18},
      {"no name", get(": y\r\n"), refused_and_closed, taken_by_18},
      {"no colon", get("X\r\n"), refused_and_closed},
      {"a bracket in a name", get("X[]: y\r\n"), refused_and_closed},
      {"a byte over 127 in a name", get("X\xc3\xa4: y\r\n"), refused_and_closed},
      {"NUL in a name", get("X\0Y: z\r\n"s), refused_and_closed},
      {"NUL in a value", get("X: y\0z\r\n"s), refused_and_closed},
      {"a control character in a value", get("X: \x01\r\n"), refused_and_closed},
      {"DEL in a value", get("X: \x7f\r\n"), refused_and_closed},
      {"a field of 20 KB", get("X: " + std::string(20000, 'x') + "\r\n"), "431 closed"},
      {"a target of 20 KB", line("GET /" + std::string(20000, 'x') + " HTTP/1.1"), "431 closed"},
  };
}

Rows hosts() {
  return {
      {"no Host", host(""), refused_and_closed, taken_by_18},
      {"two Hosts", host("Host: a\r\nHost: b\r\n"), refused_and_closed, Kind::eight},
      {"the same Host twice", host("Host: a\r\nHost: a\r\n"), refused_and_closed, Kind::eight},
      {"a Host with a user", host("Host: u@a\r\n"), refused_and_closed, Kind::eight},
      {"a Host with a path", host("Host: a/b\r\n"), refused_and_closed, Kind::eight},
      {"an empty Host", host("Host:\r\n"), refused_and_closed, Kind::eight},
      {"Hosts in a list", host("Host: a, b\r\n"), refused_and_closed, Kind::eight},
      {"an empty coding", post("Transfer-Encoding:\r\nContent-Length: 5\r\n", "hello"), refused_and_closed,
       Kind::eight},
      {"an empty coding alone", get("Transfer-Encoding:\r\n"), refused_and_closed, Kind::stricter},
      {"GET *", line("GET * HTTP/1.1"), refused_and_closed, Kind::eight},
      {"a Host with a space", host("Host: a b\r\n"), refused_and_closed, Kind::stricter},
      {"a Host with a port that is none", host("Host: a:b\r\n"), refused_and_closed, Kind::stricter},
      {"a Host with a port and more", host("Host: a:80:80\r\n"), refused_and_closed, Kind::stricter},
  };
}

Rows request_lines() {
  return {
      {"HTTP/0.9", line("GET /"), refused_and_closed, {Kind::stricter, "200 closed"}},
      {"HTTP/1.2", line("GET / HTTP/1.2"), refused_and_closed},
      {"HTTP/1.10", line("GET / HTTP/1.10"), refused_and_closed},
      {"HTTP/2.0", line("GET / HTTP/2.0"), refused_and_closed, {Kind::stricter, "200 closed"}},
      {"HTTP/3.0", line("GET / HTTP/3.0"), refused_and_closed},
      {"http/1.1", line("GET / http/1.1"), refused_and_closed},
      {"HTTP/1,1", line("GET / HTTP/1,1"), refused_and_closed},
      {"HTTP/01.1", line("GET / HTTP/01.1"), refused_and_closed},
      {"HTP/1.1", line("GET / HTP/1.1"), refused_and_closed},
      {"no version", line("GET / "), refused_and_closed},
      {"a space behind the version", line("GET / HTTP/1.1 "), refused_and_closed},
      {"something behind the version", line("GET / HTTP/1.1 x"), refused_and_closed},
      {"two spaces behind the method", line("GET  / HTTP/1.1"), refused_and_closed, Kind::stricter},
      {"two spaces behind the target", line("GET /  HTTP/1.1"), refused_and_closed, Kind::stricter},
      {"a tab behind the method", line("GET\t/ HTTP/1.1"), refused_and_closed},
      {"a space in the target", line("GET /a b HTTP/1.1"), refused_and_closed},
      {"a space in front of the method", line(" GET / HTTP/1.1"), refused_and_closed},
      {"a lower-case method", line("get / HTTP/1.1"), refused_and_closed},
      {"an unknown method", line("FETCH / HTTP/1.1"), refused_and_closed},
      {"a method with a control character", line("GE\x01T / HTTP/1.1"), refused_and_closed},
      {"no method", line("/ HTTP/1.1"), refused_and_closed},
      {"no target", line("GET HTTP/1.1"), refused_and_closed},
      {"a target without a slash", line("GET a HTTP/1.1"), refused_and_closed},
      {"NUL in the target", line("GET /\0 HTTP/1.1"s), refused_and_closed},
      {"a control character in the target", line("GET /\x01 HTTP/1.1"), refused_and_closed},
      {"DEL in the target", line("GET /\x7f HTTP/1.1"), refused_and_closed},
      {"a byte over 127 in the target", line("GET /\xff HTTP/1.1"), refused_and_closed, taken_by_18},
      {"the authority form without CONNECT", line("GET a:80 HTTP/1.1"), refused_and_closed},
      {"a user in the absolute form", line("GET http://u@a/ HTTP/1.1"), refused_and_closed, Kind::stricter},
      {"an absolute form without a host", line("GET http:/// HTTP/1.1"), refused_and_closed, Kind::stricter},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused_and_closed},
      {"a TLS client", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, refused_and_closed},
      {"a request and rubbish", get("") + "rubbish\r\n\r\n", "200 400 closed", forgotten},
      {"a line feed in front of the request", "\n" + get(""), refused_and_closed, Kind::stricter},
  };
}

Rows answers() {
  std::string many, three_and_rubbish = "rubbish\r\n\r\n";
  for (int i = 0; i < 10; ++i) many += line("GET /" + std::to_string(i) + " HTTP/1.1");
  for (const char* target : {"/3", "/2", "/1"}) {
    three_and_rubbish = line("GET "s + target + " HTTP/1.1") + three_and_rubbish;
  }
  return {
      {"HEAD", line("HEAD / HTTP/1.1"), "200"},
      {"HEAD and another request", and_another(line("HEAD / HTTP/1.1")), "200 200"},
      {"204, whatever is written", line("GET /204 HTTP/1.1"), "204"},
      {"204 and another request", and_another(line("GET /204 HTTP/1.1")), "204 200"},
      {"304, whatever is written", line("GET /304 HTTP/1.1"), "304"},
      {"304 and another request", and_another(line("GET /304 HTTP/1.1")), "304 200"},
      {"headers that would split the answer", line("GET /split HTTP/1.1"), "200", Kind::same,
       "refused refused refused refused refused "
       "refused refused refused "},
      {"ten requests at once", many, "200 200 200 200 200 200 200 200 200 200", Kind::same,
       "GET /0 1 fields\n\n"},
      {"a request whose answer is late, and another",
       and_another(line("GET /late HTTP/1.1")),
       "200 200",
       {Kind::earlier, "200 200 (closed if finished)"}},
      {"three requests and rubbish", three_and_rubbish, "200 200 200 400 closed", forgotten},
      {"1,500 fields", get(fields_of(1500 - 1)), "200", {Kind::more, "431 closed"}, "GET / 1500 fields\n\n"},
      {"2,000 fields", get(fields_of(2000 - 1)), "200", {Kind::more, "431 closed"}, "GET / 2000 fields\n\n"},
      {"2,001 fields", get(fields_of(2001 - 1)), "431 closed", Kind::stricter},
  };
}

Rows cut_short() {
  return {
      {"nothing", "", "closed"},
      {"half a request line", "GET /", "400"},
      {"a head that does not end", "GET / HTTP/1.1\r\nHost: a\r\n", "400"},
      {"a length and less", post("Content-Length: 6\r\n", "hello"), "400"},
      {"no last chunk", chunks("5\r\nhello\r\n"), "400"},
      {"half a chunk", chunks("5\r\nhe"), "400"},
      {"no empty line behind the last chunk", chunks("5\r\nhello\r\n0\r\n"), "400"},
      {"a request, and half of another", get("") + "GET / HTTP/1.1\r\nHost", "200 400"},
  };
}

}  // namespace

const std::vector<Row>& unfinished() {
  static const std::vector<Row> rows = cut_short();
  return rows;
}

const std::vector<Row>& matrix() {
  static const std::vector<Row> rows = [] {
    Rows all;
    for (Rows (*part)() : {ordinary, lengths, codings, chunk_lines, fields, hosts, request_lines, answers}) {
      const Rows more = part();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace baton::test
