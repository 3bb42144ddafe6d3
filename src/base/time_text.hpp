// Purpose: moments and durations as people write them on a command line. In: text, and the moment
// that counts as now. Out: ns since 1970, or what to write instead. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vedette {

// All forms, for help texts and errors.
inline constexpr std::string_view kTimeForms =
    "07:34, \"yesterday 22:00\", -10min, \"2026-11-29 07:34\", 2026-11-29T07:34:00+02:00 or "
    "@1795937640";

// "30s", "5 min", as the site file writes durations, or as people do: 10m, "2 hours", 1h30m; a bare
// number is seconds. Negative for anything else.
double duration_seconds(std::string_view text);

// now | [today | yesterday | YYYY-MM-DD] [HH:MM[:SS[.fraction]]] [zone] | [-]DURATION | @SECONDS
//
// A time without a day is the latest such moment that is not after `now_ns`; a day without a time
// is its midnight. A duration with its unit is so long ago. Times are UTC unless a zone stands
// behind them: Z, UTC, +02:00, +0200 or +02. Seconds since 1970 may stand without their @ from nine
// digits on. The error says what is wrong and what to write.
Result<std::int64_t, std::string> read_time_text(std::string_view text, std::int64_t now_ns);

}  // namespace vedette
