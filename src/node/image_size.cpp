// Size of a belief image, checked against the site's limit.
#include "base/text.hpp"
#include "node/node.hpp"

namespace vedette::node {

std::uint64_t image_bytes_needed(const plan::Plan& plan) {
  return image::ImageWriter::file_bytes_needed(engine::frozen_bytes_bound(plan),
                                               plan.limits()->tracks());
}

std::string image_problem(const plan::Plan& plan) {
  const std::uint64_t needed = image_bytes_needed(plan);
  const auto mib = [](std::uint64_t bytes) {
    return std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB";
  };
  if (plan.limits()->image_bytes() >= needed) {
    return {};
  }
  return "[limits] image is " + std::to_string(plan.limits()->image_bytes() >> 20) +
         " MiB, but this many tracks, contacts, assessments and waiting_events need " +
         mib(needed) + "; write image = \"" + mib(needed) + "\", or lower those limits";
}

}  // namespace vedette::node
