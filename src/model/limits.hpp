// Purpose: every limit of the product with its reason; a plan may only lower them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vedette::limits {

// Longest raw frame kept with an observation: five NMEA sentences of a multi-part AIS message with
// their line ends (5 * 84), rounded up; MAVLink 2 needs 280, Beast 46.
inline constexpr std::size_t kRawBytes = 512;

// One line of text on a serial line or in a datagram. NMEA 0183 allows 82; tag blocks and the PLAIN
// form of a 223-byte NMEA 2000 message (about 730 characters) need more.
inline constexpr std::size_t kLineBytes = 1024;

// Largest UDP payload accepted: an Ethernet MTU without IP and UDP headers.
inline constexpr std::size_t kDatagramBytes = 1472;
inline constexpr std::size_t kFrameBytes = 1518 + 4;  // Ethernet with one VLAN tag, without FCS
// Longest datagram that a socket's is received in: one that came over an interface of a larger MTU,
// or in IP fragments, may be longer and is refused whole.
inline constexpr std::size_t kReceiveBytes = 2048;

inline constexpr std::size_t kSources = 32;     // one lane each; scanned every step
inline constexpr std::size_t kSenders = 16;     // of one source; each is compared with a datagram's
inline constexpr std::size_t kSinks = 16;       // one socket or line each
inline constexpr std::size_t kConnections = 4;  // of one TCP sink
inline constexpr std::size_t kZones = 256;      // index in one expression operand
inline constexpr std::size_t kZonePoints = 512;  // operations of one inside()
inline constexpr std::size_t kAssessments = 64;  // instances a track
inline constexpr std::size_t kDecisions = 64;    // evaluated when an assessment changes
inline constexpr std::size_t kActions = 64;
inline constexpr std::size_t kExpressionOps = 256;
inline constexpr std::size_t kExpressionStack = 32;
inline constexpr std::size_t kSensors = 16;      // looked through for every report
inline constexpr std::size_t kContacts = 16384;  // 8 KiB each, with their past
// Of one ADS-B source: four times the sky of a busy hub; and so many addresses without a place yet
// that at 10,000 new ones a second each waits 1.6 s for its other half, which comes within 0.6 s.
inline constexpr std::size_t kPlacedAircraft = 8192;
inline constexpr std::size_t kFreshAircraft = 16384;
inline constexpr std::size_t kOwnIdentities = 8;
// Named tracks of which two places are kept, each about 650 bytes: far more ships than ever jump at
// once, and for the rest a jump is not believed.
inline constexpr std::size_t kSecondPlaces = 256;
inline constexpr std::size_t kNameBytes = 63;  // of anything named in a site file

inline constexpr std::size_t kTracks = 131072;  // about 500 bytes each, and as much for a snapshot
// Tables of up to so many tracks stay in the near caches: prefetching there costs more than it
// gains.
inline constexpr std::size_t kNearTracks = 4096;
// Of a table that runs full so many places wait for newcomers with a position: more than any
// 50 ms of honest traffic brings.
inline constexpr std::size_t kSpareTracks = 64;
constexpr std::size_t spare_tracks(std::size_t tracks) {
  const std::size_t share = tracks < 16 ? tracks / 4 : tracks / 16;
  return share < kSpareTracks ? share : kSpareTracks;
}
// One kind's share of the table, where the site says nothing: the rest is the other kinds'.
constexpr std::size_t usual_share(std::size_t tracks) {
  return tracks - tracks / 16;
}
// Places that are each kind's alone until it has so many.
constexpr std::size_t kept_for_kind(std::size_t tracks) {
  return tracks < 128 ? tracks / 64 : tracks / 128;
}
inline constexpr std::size_t kEvictions = 32;          // tracks that make room in one step at most
inline constexpr std::size_t kEvictionCandidates = 8;  // compared for each
inline constexpr std::int64_t kCrowdedNs = 10'000'000'000;  // so long behind the last it is said
inline constexpr std::size_t kPendingActions = 1024;
inline constexpr std::size_t kWaitingEvents = 1 << 24;  // 220 bytes each
inline constexpr std::size_t kBatchEvents = 256;        // admitted at most in one step
// Re-judged at most in one step after a tick: whatever comes meanwhile waits for them. As few as
// make 1,024 steps of a full table, each of which is a batch in the journal; a microsecond's worth
// at least, ten at most.
inline constexpr std::size_t kSweepTracks = 64;
constexpr std::size_t sweep_tracks(std::size_t tracks) {
  constexpr std::size_t kLeast = 4, kSteps = 1024;
  const std::size_t share = tracks / kSteps;
  return share < kLeast ? kLeast : share < kSweepTracks ? share : kSweepTracks;
}
inline constexpr std::size_t kCauses = 4;  // kept with one derived event

inline constexpr std::size_t kCredits = 65536;  // of one lane
inline constexpr std::size_t kPlanBytes = 4 << 20;
inline constexpr std::size_t kSiteFileBytes = 1 << 20;
inline constexpr std::size_t kRecordingBytes = std::size_t{1} << 30;  // loaded whole at start
inline constexpr std::size_t kTextBytes = 1024;  // of one action's rendered message
// Sent on one TCP sink and not yet known to have arrived: at 256 it takes two seconds of round trip
// to hold up 128 alerts a second.
inline constexpr std::size_t kUnconfirmed = 256;
// Dead letters ordered again that are remembered, so that orders given at the same time are one:
// more than people give before the first of them stands in the journal.
inline constexpr std::size_t kRequeued = 256;
// What gzip makes of recorded sentences and captures is a third to a fiftieth of them; what unpacks
// to more, beyond a size that does no harm, was made to.
inline constexpr std::size_t kUnpackRatio = 256;
inline constexpr std::size_t kUnpackFreeBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMessageBytes = 200;  // of the words that a site gives it

inline constexpr std::size_t kBlockAlignment = 4096;  // O_DIRECT on every disk we know
inline constexpr std::size_t kSegmentBytesMin = 1 << 20;
inline constexpr std::uint64_t kEvidenceBytes = 64 << 20;  // of segments that are gone, by default

// Times are Unix ns. None outside these bounds is taken in, from a clock, a recording or a journal:
// with the longest horizon twice on top (10,000 days each) a sum stays within 64 bits.
inline constexpr std::int64_t kTimeMostNs = 7'258'118'400'000'000'000;  // 2200-01-01
// What a machine's clock may say to be believed at all: no earlier than this program, and no later
// than it can be in use. One that was never set says 1970 or 2000.
inline constexpr std::int64_t kClockLeastNs = 1'735'689'600'000'000'000;  // 2025-01-01
inline constexpr std::int64_t kClockMostNs = 4'102'444'800'000'000'000;   // 2100-01-01
// Node time where no clock was ever believed begins here.
inline constexpr std::int64_t kClockUnsetNs = 946'684'800'000'000'000;  // 2000-01-01
// Ahead of the last record by so much the clock is believed at a start: a node that stood in a shed
// for a season. Ahead by more, somebody has to say that it is right.
inline constexpr std::int64_t kClockLeapNs = std::int64_t{90} * 86'400 * 1'000'000'000;
// Apart by no more, node time and the clock agree: what a correction of an unset second or two is.
inline constexpr std::int64_t kClockAgreesNs = 5'000'000'000;
// So long the machine's clock has to be synchronised, and as far ahead of node time as it was,
// until node time follows it.
inline constexpr std::int64_t kClockHoldsNs = std::int64_t{3600} * 1'000'000'000;

static_assert(kLineBytes >= kRawBytes, "a kept frame must have fitted its line");
static_assert(kDatagramBytes <= kFrameBytes, "a datagram arrives in one frame");
static_assert(kDatagramBytes <= kReceiveBytes, "a datagram that is accepted fits its buffer");

}  // namespace vedette::limits
