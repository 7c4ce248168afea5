#pragma once

#include <cstdint>

namespace baton {

/// What the file of each program that `run` is part of bears, so that who starts it knows that it takes a
/// channel: an ELF note, as readelf(1) shows it. `strip` leaves it there.
struct ProgramNote {       // aligned to 4 bytes
  uint32_t name_size = 6;  ///< with its NUL byte
  uint32_t text_size = 4;
  uint32_t type = 1;
  char name[8] = "Baton";  ///< up to where the text begins
  uint32_t text = 1;       ///< the version of this note
};

}  // namespace baton
