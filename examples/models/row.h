#pragma once

#include "models/memory.h"
#include "models/messages.h"
#include "models/models.h"

namespace models {

/// One model under one load, and what came of it.
struct Row {
  const Model* model = nullptr;
  int think_ms = 0;
  int connections = 0;
  Figures figures;
  Footprint footprint;
};

}  // namespace models
