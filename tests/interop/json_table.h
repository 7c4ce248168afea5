#pragma once

#include <string>
#include <vector>

namespace baton::test {

/// Messages that are easily damaged, as JSON.stringify prints them.
inline const std::vector<std::string>& json_table() {
  static const std::vector<std::string> table = {
      "null",
      "true",
      "false",
      "0",
      "-1",
      "1.5",
      "1e+21",
      "1e-7",
      "5e-324",
      "1.7976931348623157e+308",
      "9007199254740992",
      "-9007199254740993000",
      "0.1",
      "123456789012345680000",
      R"("")",
      R"("text")",
      R"("é ü 父进程 😀")",
      R"("\ud800")",
      R"("\udc00 before \ud800")",
      R"("\u0000\u0001\u001f")",
      "\"\u2028\u2029\"",
      R"("\n\r\t\b\f\"\\/")",
      "[]",
      "{}",
      "[[],{},[null]]",
      R"({"":""})",
      R"({"0":"first","1":"second","b":1,"a":2})",
      R"({"__proto__x":1,"constructor":2,"hasOwnProperty":3})",
      R"({"cmd":"NODE_"})",
      R"({"cmd":"mine"})",
      R"({"cmd":5,"type":"net.Server"})",
  };
  return table;
}

}  // namespace baton::test
