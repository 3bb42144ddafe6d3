// Purpose: what stands around an NMEA 0183 sentence in a line: tag blocks before it (NMEA 0183
// v4.10, section 7), what loggers write before and receivers behind it. In: one line. Out: the
// sentence, and its tags. Runs on: the ingress thread; no allocation; total on any text.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::codec {

struct NmeaTags {
  std::string_view source;   // `s:`, or the station of a suffix; empty: not said
  std::uint64_t group = 0;   // `g:` or `G`: the group's number plus 1; 0: in no group
  std::int64_t unix_ns = 0;  // `c:`; 0: not said
};

// The line from its sentence's first character, "$" or "!"; empty when there is none. Blocks whose
// own checksum is wrong say nothing.
std::string_view sentence_in(std::string_view line, NmeaTags& tags);

// `suffix`: what follows the checksum, as in ",r003669945,1241544035" (US Coast Guard).
void read_suffix(std::string_view suffix, NmeaTags& tags);

// XOR of the characters between a sentence's start and its checksum (NMEA 0183, 5.3.4).
std::uint8_t checksum_of(std::string_view text);

}  // namespace vedette::codec
