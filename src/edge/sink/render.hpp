// Purpose: renders one action as a JSON line, Cursor-on-Target XML, or an NMEA sentence. In: the
// intent and the plan. Out: text; a function of both alone, so that it can be repeated. Standards:
// CoT event schema 2.0 (MITRE MP090284); NMEA 0183 v4.10 ALR; UTF-8 passes, in NMEA as `?`. Bound:
// limits::kTextBytes. When texts are too long: cuts the site's message and then names at a
// character, with an ellipsis; the result stays valid. Runs on: the engine thread; no allocation.
#pragma once

#include "base/text.hpp"
#include "edge/sink/answer.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"

namespace vedette::sink {

// Scratch space of render(), whose result ends at limits::kTextBytes.
inline constexpr std::size_t kRenderBytes = 8192;

// The message's identity, in its JSON and CoT forms.
MessageKey key_of(const EventHeader& event, const ActionIntent& intent);

// `shortened`: whether texts were cut.
std::string_view render(const plan::Plan& plan, const EventHeader& event,
                        const ActionIntent& intent, std::span<char, kRenderBytes> room,
                        bool* shortened = nullptr);
// The same action as a JSON line whatever its format, for people who watch. The key in every format
// is "node-epoch-sequence", hexadecimal node, and is the same for each attempt.
std::string_view render_line(const plan::Plan& plan, const EventHeader& event,
                             const ActionIntent& intent, std::span<char, kRenderBytes> room,
                             bool* shortened = nullptr);

}  // namespace vedette::sink
