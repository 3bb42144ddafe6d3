// Purpose: why input was refused. Refused is not dropped: each cause is a counter per source.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette {

enum class RefusalCause : std::uint8_t {
  none = 0,
  lane_full,          // no credit: the engine or the journal is behind
  no_time,            // at the engine's rate it would wait past its horizon
  too_long,           // longer than the format or the limit allows
  too_short,          // ends before its required fields
  framing,            // no frame starts here
  checksum,           // the format's own check failed
  checksum_missing,   // the format requires one
  malformed,          // a field cannot be read
  out_of_range,       // a field's value is outside what the standard defines
  unsupported,        // valid as far as checked, but unknown to this codec
  unknown_category,   // an ASTERIX category that the codec does not read
  not_available,      // a known message without content
  multipart_missing,  // a part without its predecessors
  multipart_timeout,  // the remaining parts did not come in time
  ethernet,           // too short or not IP
  ip_header,          // IPv4/IPv6 header length or version
  ip_checksum,
  ip_fragment,  // fragments are refused by name
  not_udp,
  udp_length,
  udp_checksum,
  other_port,  // a datagram for a port that no source declares
  oversize,    // longer than the receive buffer; nothing of it is read
  sender,      // not among the source's senders (`from`)
  bus_error,   // an error frame of a CAN bus
  count
};
inline constexpr std::size_t kRefusalCauses = static_cast<std::size_t>(RefusalCause::count);

// Valid as far as it goes, and of no interest: counted as not used, not as refused.
constexpr bool is_not_used(RefusalCause cause) {
  return cause == RefusalCause::unsupported || cause == RefusalCause::unknown_category ||
         cause == RefusalCause::not_available || cause == RefusalCause::other_port;
}

std::string_view name_of(RefusalCause cause);
// What it means to a user, in one line; docs/reference/codecs.md lists them.
std::string_view meaning_of(RefusalCause cause);

}  // namespace vedette
