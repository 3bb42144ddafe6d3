#include "plan/seal.hpp"

#include <cstring>
#include <string_view>

#include "platform/hash.hpp"

namespace vedette::plan {
namespace {

constexpr std::string_view kMark = "VDTPSEAL";
static_assert(kMark.size() + sizeof(platform::Sha256) == kSealBytes);

}  // namespace

void seal_plan(std::vector<std::uint8_t>& bytes) {
  const platform::Sha256 digest = platform::sha256(bytes);
  bytes.insert(bytes.end(), kMark.begin(), kMark.end());
  bytes.insert(bytes.end(), digest.begin(), digest.end());
}

Bytes sealed_plan(Bytes bytes, std::string& error) {
  if (bytes.size() < kSealBytes ||
      std::memcmp(bytes.data() + bytes.size() - kSealBytes, kMark.data(), kMark.size()) != 0) {
    error = "the plan is damaged or cut off: it does not end with its digest";
    return {};
  }
  const Bytes plan = bytes.first(bytes.size() - kSealBytes);
  const platform::Sha256 digest = platform::sha256(plan);
  if (std::memcmp(bytes.data() + bytes.size() - digest.size(), digest.data(), digest.size()) != 0) {
    error = "the plan is damaged: its bytes do not match the digest at its end";
    return {};
  }
  return plan;
}

}  // namespace vedette::plan
