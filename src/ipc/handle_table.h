#pragma once

#include <unordered_map>
#include <utility>

#include "baton/base/fd.h"
#include "wire/handoff_ledger.h"

namespace baton {

/// The descriptors that the channel's machine knows by number.
class HandleTable {
 public:
  wire::HandleId add(Fd descriptor) {
    const wire::HandleId id = ++last_;
    handles_.emplace(id, std::move(descriptor));
    return id;
  }
  /// The descriptor, which stays here; -1 if it is not.
  [[nodiscard]] int get(wire::HandleId id) const {
    const auto found = handles_.find(id);
    return found == handles_.end() ? -1 : found->second.get();
  }
  /// Takes it out; dropping what is returned closes it.
  Fd take(wire::HandleId id) {
    const auto found = handles_.find(id);
    if (found == handles_.end()) return {};
    Fd taken = std::move(found->second);
    handles_.erase(found);
    return taken;
  }
  void clear() { handles_.clear(); }

 private:
  std::unordered_map<wire::HandleId, Fd> handles_;
  wire::HandleId last_ = 0;
};

}  // namespace baton
