// Purpose: whether a condition relies on where own ship is or how it moves, so that what it judges
// is less sure while own position is in doubt. Runs on: cold, when a plan is taken into use.
#pragma once

#include <span>

#include "model/plan_generated.h"
#include "model/subject.hpp"
#include "model/zone.hpp"

namespace vedette::assess {

// Most confidence of such an assessment during a doubt.
inline constexpr double kDoubtedConfidence = 0.5;

bool relies_on_own(std::span<const plan::Op> ops, SubjectKind subject, const plan::Plan& plan,
                   std::span<const Zone> zones);

}  // namespace vedette::assess
