// Purpose: the plans under which a data folder was written, stored there by hash. In: the folder, a
// hash. Out: the plan. Runs on: cold threads.
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

// One of these plans.
struct KeptPlan {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = nullptr;
};
std::string load_kept_plan(const std::string& data, const std::uint8_t (&hash)[32], KeptPlan& out);
std::string load_kept_plan(const std::string& data, const PlanHash& hash, KeptPlan& out);
std::string plan_path(const std::string& data, const std::uint8_t* hash);

// Cache of the plans requested so far.
class KeptPlans {
 public:
  explicit KeptPlans(std::string data = {}) : data_(std::move(data)) {}
  bool empty() const { return data_.empty(); }  // no folder: no other plans
  // Null, with `problem` set, when it is missing or does not verify.
  const plan::Plan* find(const PlanHash& hash, std::string& problem);

 private:
  std::string data_;
  std::vector<std::pair<PlanHash, std::unique_ptr<KeptPlan>>> plans_;
};

}  // namespace vedette::node
