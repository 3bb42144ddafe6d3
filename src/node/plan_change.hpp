// Purpose: describes what a change of the site file carries and what leaves. In: two plans, or a
// data folder and a new plan. Runs on: cold threads.
#pragma once

#include <string>

#include "node/stepped.hpp"

namespace vedette::node {

// What only the first plan names, by kind: "source north, assessment too-close".
std::string names_gone(const plan::Plan& from, const plan::Plan& to);
// "12 tracks kept; 3 raised judgements kept, 1 left".
std::string carried_text(const CarryReport& report);

// The largest state frozen under any plan of this folder, or this plan.
std::size_t most_frozen_bytes(const std::string& data, const plan::Plan& plan);

// What a start with that plan would carry; only reads the folder.
struct CarryPreview {
  std::string problem;  // empty, or why the folder's state cannot be read
  bool same_plan = false;
  CarryReport report{};
  std::string gone;
};
CarryPreview preview_carry(const std::string& data, const plan::Plan& plan, const PlanHash& hash);

}  // namespace vedette::node
