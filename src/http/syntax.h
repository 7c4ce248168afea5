#pragma once

#include <string>
#include <string_view>

namespace baton::http {

// RFC 9110's `token`: what methods and field names are made of.
[[nodiscard]] bool is_token_char(char c) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// Whether a field value may stand on the wire: no control character but the tab, so nothing that ends the
// line.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

// ASCII letters in small.
[[nodiscard]] std::string to_lower(std::string_view text);
// Equal but for the case of ASCII letters.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

// `uri-host [":" port]` as the Host field and an authority have it: not empty, one host, no user, no path, no
// comma (a sub-delim by the letter of RFC 3986, but here the sign of two Host fields joined into one).
[[nodiscard]] bool is_host(std::string_view text) noexcept;

// The four forms of a request target (RFC 9112, 3.2), each only with the methods it belongs to. A fragment is
// let through, and so are bytes above 127, as Node does.
[[nodiscard]] bool is_target(std::string_view method, std::string_view target) noexcept;

}  // namespace baton::http
