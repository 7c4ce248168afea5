#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "base/close_aside.h"
#include "baton/base/fd.h"
#include "baton/net/native.h"
#include "wire/handoff_ledger.h"

namespace baton {

/// The descriptors that the channel's machine knows by number.
class HandleTable {
 public:
  /// One that the peer has sent.
  wire::HandleId add_received(Fd descriptor, DescriptorKind kind) {
    return add(net::Native(std::move(descriptor), kind, aside_));
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
  /// Closes what came from the peer, and may take its time for that.
  [[nodiscard]] CloseAside& aside() const { return *aside_; }

 private:
  struct Entry {
    net::Native handle;
    bool shared;
  };
  std::unordered_map<wire::HandleId, Entry> handles_;
  std::shared_ptr<CloseAside> aside_ = std::make_shared<CloseAside>();
  wire::HandleId last_ = 0;
};

}  // namespace baton
