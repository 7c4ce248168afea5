#include "spawn/own_children.h"

#include <unordered_set>

namespace baton::spawner {
namespace {

thread_local std::unordered_set<pid_t> children;

}  // namespace

void remember_child(pid_t pid) { children.insert(pid); }
void forget_child(pid_t pid) noexcept { children.erase(pid); }
bool is_own_child(pid_t pid) noexcept { return children.contains(pid); }

}  // namespace baton::spawner
