#pragma once

#include <cstddef>

namespace baton::wire {

/// The bounds of one end of a channel.
struct ChannelLimits {
  size_t message = size_t{64} << 20;  // bytes of a frame, either way
  unsigned depth = 512;               // of a frame, either way
  size_t queue =
      size_t{256} << 20;  // bytes accepted and not yet in the kernel, or received and not yet delivered
  size_t high_water = size_t{128} << 10;
  unsigned bad_frames = 16;            // in a row
  size_t offers = 128;                 // handles on offer to another Baton, of `queue` bytes of frames
  size_t values = size_t{32} << 10;    // bytes of frames that wait for delivery as values
  size_t entries = size_t{128} << 10;  // what waits for delivery: see Inbox
};

}  // namespace baton::wire
