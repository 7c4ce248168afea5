#pragma once

#include <unordered_map>
#include <utility>

#include "baton/base/fd.h"
#include "baton/net/native.h"
#include "wire/handoff_ledger.h"

namespace baton {

/// The descriptors that the channel's machine knows by number.
class HandleTable {
 public:
  /// `kind`: if it is of interest.
  wire::HandleId add(Fd descriptor, DescriptorKind kind = DescriptorKind::closed) {
    return add(net::Native(std::move(descriptor), kind));
  }
  wire::HandleId add(net::Native handle) {
    const wire::HandleId id = ++last_;
    handles_.emplace(id, std::move(handle));
    return id;
  }
  /// The descriptor, which stays here; -1 if it is not.
  [[nodiscard]] int get(wire::HandleId id) const {
    const auto found = handles_.find(id);
    return found == handles_.end() ? -1 : found->second.descriptor();
  }
  /// Takes it out; dropping what is returned closes it.
  net::Native take(wire::HandleId id) {
    const auto found = handles_.find(id);
    if (found == handles_.end()) return {};
    net::Native taken = std::move(found->second);
    handles_.erase(found);
    return taken;
  }
  void clear() { handles_.clear(); }

 private:
  std::unordered_map<wire::HandleId, net::Native> handles_;
  wire::HandleId last_ = 0;
};

}  // namespace baton
