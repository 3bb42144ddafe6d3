// Purpose: the room's interface: compiles a site file to a plan, and loads a plan from an untrusted
// buffer. In: TOML text. Out: one FlatBuffers buffer, or every problem with its place. Bound:
// limits::kSiteFileBytes, kPlanBytes. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/plan_generated.h"
#include "plan/board.hpp"
#include "plan/problem.hpp"

namespace vedette::plan {

inline constexpr std::uint32_t kPlanVersion = 2;

struct Compiled {
  std::vector<std::uint8_t> buffer;  // empty when there are problems
  std::vector<Problem> problems;     // in the order of the file
};

// `environment` names an [env.NAME] section whose overrides apply; empty for none. A board supplies
// defaults for cores, watchdog and the size of a batch.
Compiled compile_site(std::string_view text, std::string_view environment,
                      const Board* board = nullptr);

// Checks structure and meaning of a plan's bytes: indices, ranges, expressions. Null with `error`
// set on any defect. The plan lives in `bytes`, which must be aligned to eight.
const Plan* load_plan(Bytes bytes, std::string& error);

// Generated from the schema's table.
std::string site_reference_markdown();
std::string site_json_schema();

}  // namespace vedette::plan
