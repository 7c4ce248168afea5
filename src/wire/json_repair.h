#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace baton::wire {

/// Whether a JSON text has to be brought into the form that the parser takes: it is no UTF-8, or has an
/// escape of a surrogate.
[[nodiscard]] bool needs_repair(std::string_view text) noexcept;

/// Appends the text in that form: U+FFFD for what is no UTF-8, the character itself for a pair of escaped
/// surrogates, WTF-8 for a lone one. Ends early once `out` is longer than `stop`. Returns how many bytes of
/// `text` were used before the one that reached beyond it, and so turns an offset in the result back into one
/// in the text.
std::size_t repair(std::string_view text, std::string& out,
                   std::size_t stop = std::numeric_limits<std::size_t>::max());

/// The same text, as long as before, with every exponent beyond 10^9 at 10^9: far out of a double's range
/// both ways.
[[nodiscard]] std::string tame_exponents(std::string_view text);

}  // namespace baton::wire
