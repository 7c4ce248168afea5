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
  /// `shared`: a copy of what its owner has kept.
  wire::HandleId add(net::Native handle, bool shared = false) {
    const wire::HandleId id = ++last_;
    handles_.emplace(id, Entry{std::move(handle), shared});
    return id;
  }
  /// The descriptor, which stays here; -1 if it is not.
  [[nodiscard]] int get(wire::HandleId id) const {
    const auto found = handles_.find(id);
    return found == handles_.end() ? -1 : found->second.handle.descriptor();
  }
  [[nodiscard]] bool shared(wire::HandleId id) const {
    const auto found = handles_.find(id);
    return found != handles_.end() && found->second.shared;
  }
  /// Takes it out; dropping what is returned closes it.
  net::Native take(wire::HandleId id) {
    const auto found = handles_.find(id);
    if (found == handles_.end()) return {};
    net::Native taken = std::move(found->second.handle);
    handles_.erase(found);
    return taken;
  }
  /// The same for the program that had sent it: it is asked what it is.
  net::Native take_back(wire::HandleId id) {
    net::Native taken = take(id);
    net::Native back(taken.release());
    back.set_unread(taken.take_unread());
    return back;
  }
  void clear() { handles_.clear(); }

 private:
  struct Entry {
    net::Native handle;
    bool shared;
  };
  std::unordered_map<wire::HandleId, Entry> handles_;
  wire::HandleId last_ = 0;
};

}  // namespace baton
