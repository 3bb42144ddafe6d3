#include "node/kept_plans.hpp"

#include <cstring>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "plan/plan.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"

namespace vedette::node {

std::string plan_path(const std::string& data, const std::uint8_t* hash) {
  std::string name;
  append_hex(name, Bytes(hash, 32));
  return data + "/plans/" + name + ".plan";
}

std::string load_kept_plan(const std::string& data, const std::uint8_t (&hash)[32], KeptPlan& out) {
  const std::string path = plan_path(data, hash);
  auto content = platform::read_file(path, limits::kPlanBytes);
  if (!content) {
    return path + ": " + platform::error_text(content.error());
  }
  out.bytes = std::move(content).value();
  const platform::Sha256 seen = platform::sha256(out.bytes);
  if (std::memcmp(seen.data(), hash, 32) != 0) {
    return path + ": damaged: the plan does not match the hash in its name";
  }
  std::string error;
  out.plan = plan::load_plan(out.bytes, error);
  return out.plan == nullptr ? path + ": " + error : std::string();
}

std::string load_kept_plan(const std::string& data, const PlanHash& hash, KeptPlan& out) {
  std::uint8_t bytes[32];
  std::copy(hash.begin(), hash.end(), std::begin(bytes));
  return load_kept_plan(data, bytes, out);
}

const plan::Plan* KeptPlans::find(const PlanHash& hash, std::string& problem) {
  for (const auto& [known, kept] : plans_) {
    if (known == hash) {
      return kept->plan;
    }
  }
  auto kept = std::make_unique<KeptPlan>();
  problem = load_kept_plan(data_, hash, *kept);
  if (!problem.empty()) {
    return nullptr;
  }
  plans_.emplace_back(hash, std::move(kept));
  return plans_.back().second->plan;
}

}  // namespace vedette::node
