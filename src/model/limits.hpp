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

// One ASTERIX data block of a stream, where nothing but its length says where it ends: a search
// behind damage reads each block that may begin at any of these bytes. The format allows 65,535,
// links agree on 256 to 1,500.
inline constexpr std::size_t kAsterixBlockBytes = 4096;

// Largest UDP payload accepted: an Ethernet MTU without IP and UDP headers.
inline constexpr std::size_t kDatagramBytes = 1472;
inline constexpr std::size_t kFrameBytes = 1518 + 4;  // Ethernet with one VLAN tag, without FCS
// Receive buffer for a datagram. A larger MTU or IP fragments can exceed it; such a datagram is
// refused whole.
inline constexpr std::size_t kReceiveBytes = 2048;

inline constexpr std::size_t kSources = 32;     // one lane each; scanned every step
inline constexpr std::size_t kSenders = 16;     // of one source, each compared per datagram
inline constexpr std::size_t kSinks = 16;       // one socket or line each
inline constexpr std::size_t kConnections = 4;  // of one TCP sink
inline constexpr std::size_t kStreams = 16;     // of one source: connections to its listener
inline constexpr std::size_t kTopics = 8;       // of one MQTT source
inline constexpr std::size_t kRoles = 16;
inline constexpr std::size_t kRoleMembers = 64;     // users and groups
inline constexpr std::size_t kTargets = 8;          // that one source tries in order
inline constexpr std::size_t kGreetingBytes = 512;  // fits the empty buffer of a new connection
// A silent host at the other end of a TCP source is found within this time.
inline constexpr std::int64_t kKeepaliveNs = 20'000'000'000;
// Without room in its lane a stream source is not read for this long; then what it brings is
// refused, because bytes that wait in the system carry no time and would look new.
inline constexpr std::int64_t kStreamPauseNs = 500'000'000;
inline constexpr std::size_t kZones = 256;       // index in one expression operand
inline constexpr std::size_t kZonePoints = 512;  // operations of one inside()
inline constexpr std::size_t kAssessments = 64;  // instances a track
inline constexpr std::size_t kDecisions = 64;    // evaluated when an assessment changes
inline constexpr std::size_t kActions = 64;
inline constexpr std::size_t kRunActions = 8;  // of one decision
inline constexpr std::size_t kExpressionOps = 256;
inline constexpr std::size_t kExpressionStack = 32;
inline constexpr std::size_t kTexts = 1024;     // in all conditions of a site together
inline constexpr std::size_t kZoneCounts = 64;  // pairs that count() counts, a bit each
// Of one time zone, 2000 to 2100, by which clocks are never believed: two a year, four where
// clocks change for Ramadan, too.
inline constexpr std::size_t kTimeTransitions = 512;
inline constexpr std::int64_t kTimeFromS = 946'684'800;  // 2000-01-01
inline constexpr std::int64_t kTimeToS = 4'102'444'800;  // 2100-01-01
inline constexpr std::size_t kPatternBytes = 48;  // twice the longest text that a track keeps
inline constexpr std::size_t kSensors = 16;       // scanned for every report
inline constexpr std::size_t kContacts = 16384;   // 8 KiB each, with their history
// For one ADS-B source: four times the aircraft over a busy hub. The second is for addresses
// without a position: at 10,000 new ones a second each waits 1.6 s for its other half, which comes
// within 0.6 s.
inline constexpr std::size_t kPlacedAircraft = 8192;
inline constexpr std::size_t kFreshAircraft = 16384;
inline constexpr std::size_t kOwnIdentities = 8;
// Named tracks with two places, about 650 bytes each: far more ships than ever jump at once. Beyond
// it, jumps are not believed.
inline constexpr std::size_t kSecondPlaces = 256;
inline constexpr std::size_t kNameBytes = 63;  // of any name in a site file

inline constexpr std::size_t kTracks = 131072;  // about 500 bytes each, and as much for a snapshot
// Tables up to this size stay in the near caches, where prefetching costs more than it gains.
inline constexpr std::size_t kNearTracks = 4096;
// Places that a filling table keeps free for newcomers with a position: more than 50 ms of honest
// traffic brings.
inline constexpr std::size_t kSpareTracks = 64;
constexpr std::size_t spare_tracks(std::size_t tracks) {
  const std::size_t share = tracks < 16 ? tracks / 4 : tracks / 16;
  return share < kSpareTracks ? share : kSpareTracks;
}
// Default share of the table for one kind: leaves the rest to other kinds.
constexpr std::size_t usual_share(std::size_t tracks) {
  return tracks - tracks / 16;
}
// Places reserved for each kind until it holds that many.
constexpr std::size_t kept_for_kind(std::size_t tracks) {
  return tracks < 128 ? tracks / 64 : tracks / 128;
}
inline constexpr std::size_t kEvictions = 32;          // tracks evicted per step at most
inline constexpr std::size_t kEvictionCandidates = 8;  // compared for each eviction
inline constexpr std::int64_t kCrowdedNs =
    10'000'000'000;  // a cause lasts this long after the last
inline constexpr std::size_t kPendingActions = 1024;
inline constexpr std::size_t kAlarms = 4096;  // 200 bytes each, and 400 for changes to be recorded
inline constexpr std::size_t kPairs = 16384;  // whose condition holds or clears; 64 bytes each
inline constexpr double kPairWithinM = 100'000.0;
// An alarm that returned to normal waits this long for somebody to acknowledge it.
inline constexpr std::int64_t kAlarmKeepNs = 12LL * 3600 * 1'000'000'000;
inline constexpr std::int64_t kShelveMostNs = 24LL * 3600 * 1'000'000'000;
inline constexpr std::size_t kWaitingEvents = 1 << 24;  // 220 bytes each
inline constexpr std::size_t kBatchEvents = 256;        // admitted per step at most
// Re-judged per step of a sweep at most, because whatever arrives meanwhile waits. Chosen for at
// most 1,024 steps (each a batch in the journal) for a full table, and for one to ten microseconds
// of work.
inline constexpr std::size_t kSweepTracks = 64;
constexpr std::size_t sweep_tracks(std::size_t tracks) {
  constexpr std::size_t kLeast = 4, kSteps = 1024;
  const std::size_t share = tracks / kSteps;
  return share < kLeast ? kLeast : share < kSweepTracks ? share : kSweepTracks;
}
// The self-check digests the whole state in slices: a few tracks or parts of a contact per step,
// about as long as judging one track takes when they come from main memory.
inline constexpr std::size_t kSliceBytes = 4096;          // of one slice, at most
inline constexpr std::size_t kVoicesASlice = 8;           // receivers of own position
inline constexpr std::size_t kSlicesStepBytes = 8192;     // per step, then it ends
inline constexpr std::size_t kSlicesPerStint = 1U << 16;  // 32,000 tracks, or 5,000 contacts
// Between two starts. Three ticks of the default length, so that a quiet node writes no more often,
// and short enough that a difference is found within a second.
inline constexpr std::int64_t kStintNs = 750'000'000;
// A batch is written at the latest after this much node time, though nothing happens: so that the
// mirror and the record follow.
inline constexpr std::int64_t kQuietNs = 1'000'000'000;
inline constexpr std::size_t kCauses = 4;  // of one derived event

inline constexpr std::size_t kCredits = 65536;  // of one lane
inline constexpr std::size_t kPlanBytes = 4 << 20;
inline constexpr std::size_t kSiteFileBytes = 1 << 20;
inline constexpr std::size_t kRecordingBytes = std::size_t{1} << 30;  // loaded whole at start
inline constexpr std::size_t kTextBytes = 1024;  // of one action's rendered message
// Sent on one TCP sink and not yet acknowledged: at 256, 128 alerts a second do not stall below a
// round trip of two seconds.
inline constexpr std::size_t kUnconfirmed = 256;
// Requeued dead letters that are remembered, so that a repeated order counts once: more than people
// give before the first reaches the journal.
inline constexpr std::size_t kRequeued = 256;
// After a run that was killed, actions are marked as possible duplicates for this long: a vessel at
// anchor reports every three minutes, and a condition may `hold` before it is raised.
inline constexpr std::int64_t kDoubtNs = 600'000'000'000;
// Recordings compress 3 to 50 times. A higher ratio, beyond a harmless size, is a decompression
// bomb.
inline constexpr std::size_t kUnpackRatio = 256;
inline constexpr std::size_t kUnpackFreeBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMessageBytes = 200;  // of the message that a site gives it
inline constexpr std::size_t kMessageRoom = 208;   // with its end, in whole words
inline constexpr std::size_t kMessagePieces = 32;  // texts and values of one message

inline constexpr std::size_t kBlockAlignment = 4096;  // O_DIRECT on every disk we know
// Of a plan. A site file asks for 1 MiB or more; the simulator reaches bounds sooner with less.
inline constexpr std::size_t kSegmentBytesMin = std::size_t{64} << 10;
inline constexpr std::uint64_t kEvidenceBytes = 64 << 20;  // for dropped segments, by default

// Unix ns. Times from clocks, recordings and journals must lie within; plus the longest horizon
// (10,000 days) twice, a sum stays within 64 bits.
inline constexpr std::int64_t kTimeMostNs = 7'258'118'400'000'000'000;  // 2200-01-01
// Plausible range of the machine's clock: not before this program, not after its useful life. A
// clock that was never set says 1970 or 2000.
inline constexpr std::int64_t kClockLeastNs = 1'735'689'600'000'000'000;  // 2025-01-01
inline constexpr std::int64_t kClockMostNs = 4'102'444'800'000'000'000;   // 2100-01-01
// Start of node time when no clock was ever believed.
inline constexpr std::int64_t kClockUnsetNs = 946'684'800'000'000'000;  // 2000-01-01
// The most by which the clock may be ahead of the last record at a start: a node that spent a
// season in a shed. Beyond it, a person must confirm the time.
inline constexpr std::int64_t kClockLeapNs = std::int64_t{90} * 86'400 * 1'000'000'000;
// Node time and the clock agree within this: a correction of a second or two.
inline constexpr std::int64_t kClockAgreesNs = 5'000'000'000;
// The clock must be synchronised, at a constant lead over node time, for this long before node time
// follows it.
inline constexpr std::int64_t kClockHoldsNs = std::int64_t{3600} * 1'000'000'000;

static_assert(kLineBytes >= kRawBytes, "a kept frame must have fitted its line");
static_assert(kAsterixBlockBytes >= kLineBytes, "the largest frame of a stream");
static_assert(kDatagramBytes <= kFrameBytes, "a datagram arrives in one frame");
static_assert(kDatagramBytes <= kReceiveBytes, "a datagram that is accepted fits its buffer");

}  // namespace vedette::limits
