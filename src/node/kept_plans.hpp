// Purpose: the plans that a data folder was written with, kept there under their hashes.
// In: the folder, a hash. Out: the plan. Runs on: cold threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/plan_generated.h"

namespace vedette::node {

using PlanHash = std::array<std::uint8_t, 32>;  // SHA-256 of the plan's bytes
inline PlanHash plan_hash_of(const std::uint8_t (&bytes)[32]) {
  PlanHash hash;
  std::copy(std::begin(bytes), std::end(bytes), hash.begin());
  return hash;
}

// A plan that a data folder was written with, kept there under its hash.
struct KeptPlan {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = nullptr;
};
std::string load_kept_plan(const std::string& data, const std::uint8_t (&hash)[32], KeptPlan& out);
std::string load_kept_plan(const std::string& data, const PlanHash& hash, KeptPlan& out);
std::string plan_path(const std::string& data, const std::uint8_t* hash);

// Those that were asked for so far.
class KeptPlans {
 public:
  explicit KeptPlans(std::string data = {}) : data_(std::move(data)) {}
  bool empty() const { return data_.empty(); }  // no folder: there are no others
  // Null, and `problem` says why, when it is not there or does not verify.
  const plan::Plan* find(const PlanHash& hash, std::string& problem);

 private:
  std::string data_;
  std::vector<std::pair<PlanHash, std::unique_ptr<KeptPlan>>> plans_;
};

}  // namespace vedette::node
