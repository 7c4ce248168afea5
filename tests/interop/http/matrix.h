#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace baton::test {

/// What one server makes of a row: the statuses of its answers ("200", "100 200") or nothing, and "closed" if
/// the connection cannot be used after them.
using Verdict = std::string;

/// Why Node may say something else than Baton.
enum class Kind {
  same,      ///< it may not
  eight,     ///< Node takes it and RFC 9110 or 9112 says that it MUST be refused: refused
  stricter,  ///< Node takes it; Baton does not, for the reason that docs/http.md gives
  loose,     ///< old Nodes take it, today's refuse it, and so does Baton
  earlier,   ///< Baton answers what came before the rubbish or the end, which Node then forgets
  younger,   ///< Baton takes it, and so do today's Nodes, but not old ones
  more,      ///< Baton takes more fields than Node, which drops them or refuses
};

/// What Node says where it does not say the same as Baton, and the first major of Node that says the same.
/// One of an earlier major may say the same already: what is told apart was often changed within a major.
class Difference {
 public:
  // Not explicit: a row is written with the kind alone where Node takes it.
  Difference(Kind why, Verdict said = "200", int until_major = std::numeric_limits<int>::max())
      : kind(why), node(std::move(said)), until(until_major) {}
  Kind kind;
  Verdict node;
  int until;
};

/// One connection: what a client sends, and what Baton answers.
struct Row {
  std::string what;
  std::string bytes;
  Verdict baton;
  Difference differs = Kind::same;
  /// What Baton's handler says of the first request; if it is empty, it is only compared with what Node's
  /// says.
  std::string says = {};
};

/// The smuggling matrix: every row that is known to have been read in two ways by two servers, its
/// neighbours, and what an answer must be like.
const std::vector<Row>& matrix();
/// Requests that are not whole, and the verdicts when nothing more can come.
const std::vector<Row>& unfinished();

}  // namespace baton::test
