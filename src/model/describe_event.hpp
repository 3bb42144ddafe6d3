// Purpose: an event as members of a JSON object, the same in the journal's list, in explanations
// and in the log. Runs on: threads that may allocate; total on any payload that passes is_event().
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "model/derived.hpp"
#include "model/plan_generated.h"

namespace vedette {

// Adds to an open object: number, kind, time, class, phase, source and cause, then the payload by
// its kind's describer. Names come from the plan; an index that it lacks gives "?".
void event_members(const EventHeader& event, Bytes payload, const plan::Plan& plan,
                   JsonWriter<std::string>& json);

// An alarm as it stands, the same in its events and in `vedette alarms`.
void alarm_members(const Alarm& alarm, const plan::Plan& plan, JsonWriter<std::string>& json);

std::string subject_text(const Subject& subject, const plan::Plan& plan);
// A track as people name it: "vessel 230123450", "aircraft 4221840 (406b90)", "own ship".
std::string track_text(std::uint64_t key);

// The raw frame in an observation's payload.
Bytes raw_of(Bytes payload);
// All bytes are printable ASCII.
bool printable(Bytes bytes);

}  // namespace vedette
