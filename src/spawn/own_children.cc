#include "spawn/own_children.h"

#include <utility>

namespace baton::spawner {
namespace {

thread_local std::unordered_set<pid_t> remembered_children;

}  // namespace

void remember_child(pid_t pid) { remembered_children.insert(pid); }
void forget_child(pid_t pid) noexcept { remembered_children.erase(pid); }
bool is_own_child(pid_t pid) noexcept { return remembered_children.contains(pid); }

std::unordered_set<pid_t> all_own_children() { return remembered_children; }
void set_own_children(std::unordered_set<pid_t> children) noexcept {
  remembered_children = std::move(children);
}

}  // namespace baton::spawner
