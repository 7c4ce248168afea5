#pragma once

#include <cstddef>
#include <limits>

namespace baton::wire {

/// The bounds of one end of a channel.
struct ChannelLimits {
  size_t message = size_t{64} << 20;  // bytes of a frame, either way
  unsigned depth = 512;               // of a frame, either way
  size_t memory = size_t{64} << 20;   // of a value that is read, or `growth` times its frame's size
  unsigned growth = 8;
  // A frame of up to so many bytes whose value takes hardly more is read at once, any other elsewhere.
  size_t at_once = std::numeric_limits<size_t>::max();
  [[nodiscard]] bool reads_elsewhere() const noexcept { return at_once <= message; }
  size_t queue =
      size_t{256} << 20;  // bytes accepted and not yet in the kernel, or received and not yet delivered
  size_t high_water = size_t{128} << 10;
  unsigned bad_frames = 16;            // in a row
  size_t offers = 128;                 // handles on offer to another Baton, of `queue` bytes of frames
  size_t values = size_t{32} << 10;    // bytes of frames that wait for delivery as values
  size_t entries = size_t{128} << 10;  // what waits for delivery: see Inbox
  size_t handles = 256;                // that wait for delivery
};

}  // namespace baton::wire
