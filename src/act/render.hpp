// Purpose: one action as the bytes that leave: a JSON line, Cursor-on-Target XML, or an NMEA
// sentence. In: the intent and the plan. Out: text; a function of both alone, so that it can be
// made again. Standards: CoT event schema 2.0 (MITRE MP090284); NMEA 0183 v4.10 ALR. Bound:
// limits::kTextBytes. Runs on: the engine thread; no allocation.
#pragma once

#include "base/text.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"

namespace vedette::act {

void render(const plan::Plan& plan, const EventHeader& event, const ActionIntent& intent,
            FixedText& out);
// The same action as a JSON line whatever its format, for people who watch.
void render_line(const plan::Plan& plan, const EventHeader& event, const ActionIntent& intent,
                 FixedText& out);

// "node-epoch-sequence", hexadecimal node: the idempotency key.
void append_key(FixedText& out, const ActionIntent& intent, std::uint64_t sequence);

}  // namespace vedette::act
