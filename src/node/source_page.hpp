// Purpose: what one source takes and what not, with the last refused frame of each cause. In: the
// counters that ingress publishes. Out: a JSON object. Runs on: main; may allocate.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "edge/ingress/ingress.hpp"

namespace vedette::node {

// Members "accepted", "parts", "not_used" and "refused": alike in every place that counts.
void count_members(const ingress::SourceCounters& counters, JsonWriter<std::string>& json);

// Nothing when the plan has no such source.
std::optional<std::string> source_json(const ingress::Ingress& ingress, const plan::Plan& plan,
                                       std::string_view name);

}  // namespace vedette::node
