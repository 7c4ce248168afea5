#pragma once

#include <string>
#include <utility>
#include <vector>

namespace baton::test {

/// What JSON lacks, as it is typed and printed.
inline const std::vector<std::string> typed_values = {
    R"({"$undefined":true,"x":1})",  // of two members: an object like any
    R"([{"$undefined":true},{"$hole":true},1])",
    R"({"$bigint":"5"})",
    R"({"$bigint":"-123456789012345678901234567890"})",
    R"([{"$number":"NaN"},{"$number":"Infinity"},{"$number":"-Infinity"},{"$number":"-0"},1.5])",
    R"({"$date":0})",
    R"({"$date":null})",
    R"({"$date":1700000000123})",
    R"({"$map":[["k",1],[{"a":1},{"$map":[]}]]})",
    R"({"$set":[1,{"$set":[]}]})",
    R"({"$bytes":"AQID","kind":"Buffer"})",
    R"({"$bytes":"","kind":"Uint8Array"})",
    R"({"$bytes":"AQ==","kind":"ArrayBuffer"})",
    R"({"$bytes":"AQI=","kind":"Float16Array"})",
    R"({"$regexp":"a+\\/b","flags":"gi"})",
    R"({"$error":{"name":"TypeError","message":"m","stack":"s","cause":{"$bigint":"1"}}})",
    R"({"$error":{"name":"Error"}})",
    R"({"$boxed":"s"})",
    R"({"$object":{"$bigint":"5"}})",
    R"({"$object":{"$object":1}})",
    R"({"$object":{"$regexp":"a","flags":1}})",
    R"({"$array":[1],"length":1,"others":{"name":"n"}})",
    R"({"a":{"$bytes":"AQ==","kind":"DataView"},"b":[{"$hole":true},{"$hole":true}]})",
};

/// Objects that are met again, and how they are shown as a member of an answer, which is the first object
/// there. Each is counted before what it holds.
inline const std::vector<std::pair<std::string, std::string>> typed_references = {
    {R"({"a":{},"b":{"$ref":1},"c":{"$ref":0}})", R"({"a":{},"b":{"$ref":2},"c":{"$ref":1}})"},
    {R"({"$map":[["k",{}],["same",{"$ref":1}],["self",{"$ref":0}]]})",
     R"({"$map":[["k",{}],["same",{"$ref":2}],["self",{"$ref":1}]]})"},
    {R"({"$map":[[{"a":1},{"$ref":1}]]})", R"({"$map":[[{"a":1},{"$ref":2}]]})"},
    {R"({"$set":[{"a":1},{"$map":[[{"$ref":1},{"$ref":0}]]},{"$set":[{"$ref":2}]}]})",
     R"({"$set":[{"a":1},{"$map":[[{"$ref":2},{"$ref":1}]]},{"$set":[{"$ref":3}]}]})"},
    {R"([{"$bytes":"AQID","kind":"ArrayBuffer"},{"$ref":1},{"$map":[["k",{"$ref":1}]]}])",
     R"([{"$bytes":"AQID","kind":"ArrayBuffer"},{"$ref":2},{"$map":[["k",{"$ref":2}]]}])"},
    {R"({"a":{"$bytes":"AQID","kind":"Buffer"},"b":{"$ref":1},"c":{"$set":[{"$ref":1}]}})",
     R"({"a":{"$bytes":"AQID","kind":"Buffer"},"b":{"$ref":2},"c":{"$set":[{"$ref":2}]}})"},
    {R"([{"$date":0},{"$regexp":"a","flags":"g"},{"$boxed":1},{"$ref":1},{"$ref":2},{"$ref":3}])",
     R"([{"$date":0},{"$regexp":"a","flags":"g"},{"$boxed":1},{"$ref":2},{"$ref":3},{"$ref":4}])"},
    {R"([{"$error":{"name":"Error","message":"m","stack":"s","cause":{"$ref":0}}},{"$ref":1}])",
     R"([{"$error":{"name":"Error","message":"m","stack":"s","cause":{"$ref":1}}},{"$ref":2}])"},
};

}  // namespace baton::test
