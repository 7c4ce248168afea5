#pragma once

#include <string>
#include <vector>

namespace baton::test {

/// What one server makes of a row: the statuses of its answers ("200", "100 200", "400"), or "closed" without
/// one.
using Verdict = std::string;

/// How Baton's verdict is related to Node's.
enum class Kind {
  same,      ///< what Node (20 or newer) refuses is refused, what it takes is taken
  eight,     ///< Node takes it and RFC 9110 or 9112 says that it MUST be refused: refused
  stricter,  ///< Node takes it; Baton does not, for the reason that the row gives
  earlier,   ///< Baton answers what came before the rubbish, which Node then forgets
  younger,   ///< a part of HTTP that only younger Nodes know
};

/// One connection: what a client sends before it finishes its side, and what Baton answers.
struct Row {
  std::string what;
  std::string bytes;
  Verdict baton;
  Kind kind = Kind::same;
};

/// The smuggling matrix: every row that is known to have been read in two ways by two servers, and its
/// neighbours.
const std::vector<Row>& matrix();

}  // namespace baton::test
