// Purpose: an event as members of a JSON object, the same in the journal's list, in explanations
// and in the log. Runs on: threads that may allocate; total on any payload that is_event() lets
// through.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "model/derived.hpp"
#include "model/plan_generated.h"

namespace vedette {

// Into an open object: number, kind, time, class, phase, source and cause, then the payload by the
// describer of its kind. Names come from the plan; "?" where the plan does not have the index.
void event_members(const EventHeader& event, Bytes payload, const plan::Plan& plan,
                   JsonWriter<std::string>& json);

std::string subject_text(const Subject& subject, const plan::Plan& plan);

// Of an observation's payload: the frame as it came.
Bytes raw_of(Bytes payload);
// All of it is ASCII text.
bool printable(Bytes bytes);

}  // namespace vedette
