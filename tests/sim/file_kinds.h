#pragma once

#include "baton/base/descriptor_kind.h"
#include "sim/model_kernel.h"

namespace baton::sim {

/// What a program takes a file of the model for.
inline DescriptorKind kind_of(FileKind kind) {
  switch (kind) {
    case FileKind::connection:
      return DescriptorKind::tcp;
    case FileKind::listener:
      return DescriptorKind::tcp_listener;
    case FileKind::socket:
      return DescriptorKind::unix_stream;
    case FileKind::datagram:
      return DescriptorKind::udp;
    case FileKind::other:
      break;
  }
  return DescriptorKind::other;
}

}  // namespace baton::sim
