// Purpose: tracks targets that do not identify themselves: plots of several sensors to contacts,
// each with a probability of existence, an interacting-multiple-model state and a short history for
// late reports. In: plot observations and ticks. Out: tracks of kind contact in the table, and a
// queue of those to judge. Bound: the plan's contacts, kGroupPlots a datagram. When full: as
// TrackerBound says; each case is counted. Runs on: the engine thread; no allocation; the same bits
// on every CPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/perceive/assignment.hpp"
#include "core/perceive/imm.hpp"
#include "core/perceive/sensor_frame.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/stage.hpp"

namespace vedette::perceive {

inline constexpr std::size_t kGroupPlots = kAssignPlots;  // of one datagram; more: a second group
inline constexpr std::size_t kGroupContacts = 512;        // considered per group
inline constexpr std::size_t kGroupPairs = 4096;          // pairs within a gate
inline constexpr std::size_t kShares = 3;  // plots that one look assigns to a contact
inline constexpr std::size_t kPast = 12;   // looks kept for late reports

// Worst-case cost of one datagram's reports, in iterations of the innermost loops.
struct WorstDatagram {
  std::uint64_t reports, distance_tests, gate_tests, assignment_steps, updates;
};
WorstDatagram worst_datagram(std::size_t contacts);

// The bounds that a full tracker reaches, and their effects.
enum class TrackerBound : std::uint8_t {
  contacts,          // a plot began no contact
  group_contacts,    // a contact near a datagram's plots was not considered
  group_pairs,       // a plot in a contact's gate was not considered
  cluster_contacts,  // a contact in a crowd got no plot
  changes,           // a change was not queued; the next sweep judges the contact
  evicted,           // a tentative contact, no likelier than a new one, was evicted
  count
};
inline constexpr std::size_t kTrackerBounds = static_cast<std::size_t>(TrackerBound::count);
std::string_view name_of(TrackerBound bound);

class Contacts {
 public:
  static constexpr SectionName kSection{"contacts", 1};

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }  // its tracks count there

  struct Taken {
    Exit exit;
    Reason reason;
  };
  // `own` may be null. Reports of one datagram wait for its last and are then worked together.
  Taken take(const EventHeader& event, const Observation& observation, TrackTable& tracks,
             const Track* own);
  // Closes groups without a last report, and ends contacts unseen for too long.
  void tick(std::int64_t now_ns, TrackTable& tracks);

  // For an accepted report of a named track: associates it with a contact, or counts a miss of the
  // sensor that should see one there.
  void identify(Track& named, TrackTable& tracks);
  // Separates the name from its contact.
  void part(Track& named, TrackTable& tracks);

  // A contact whose track changed; queued at most once until fetched.
  struct Due {
    std::uint64_t key;  // its track may have been released
    std::uint64_t cause;
    std::int64_t arrival_ns;
    std::uint32_t track;
    std::uint32_t contact;  // kNone once it has ended
    std::uint16_t changes;  // bit of TrackChangeKind
    EventClass event_class;
    std::uint8_t reserved[5];
  };
  bool any_due() const { return due_count_ != 0; }
  Due next_due() const { return due_[due_first_]; }
  void drop_due();

  std::size_t size() const { return alive_; }
  bool has_sensors() const { return !sensors_.empty(); }
  std::uint64_t looks() const { return counts_.looks; }
  std::int64_t last_look_ns() const { return counts_.last_look_ns; }
  std::uint64_t reached_bound(TrackerBound bound) const {
    return counts_.reached[static_cast<std::size_t>(bound)];
  }

  // Position and its covariance (m^2: east, cross, north) at a time; false for no contact.
  bool estimate(const Track& track, std::int64_t ns, Place& place, double (&covariance)[3]) const;

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(counts_.digest);
    digest.mix(std::uint64_t{alive_});
  }
  std::size_t slices(const TrackTable&) const;
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const;
  bool unfinished() const { return any_due(); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr double kGone = -4.59511985013459;  // log-odds of existence: 0.01

  struct Look {  // one update and the state after it
    std::int64_t ns;
    std::uint64_t count;
    PackedImm after;
    std::array<Share, kShares> shares;
  };
  // What a search reads of a contact: one cache line.
  struct alignas(64) Spot {
    double ecef[3];                      // m, at ns
    double sigma;                        // m, of the position, the larger axis
    std::int64_t ns;                     // of the state
    std::int64_t detected_ns;            // of the newest report
    std::uint32_t next, previous, cell;  // neighbours in the same cell of the index
    std::uint16_t sensor : 13;           // of the newest report
    std::uint16_t alive : 1, confirmed : 1, coasting : 1;
    std::uint16_t reserved;
  };
  struct Contact {
    Place anchor;
    Parallel parallel;        // of the anchor
    double existence;         // log-odds
    double nis;               // of the newest look
    double ecef_velocity[3];  // m/s
    double sigma_speed;       // m/s, of each velocity
    std::uint64_t key, cause;
    std::uint64_t claim;   // key of the named track that claims it
    std::uint32_t claims;  // consecutive claims
    std::uint32_t due;     // index in the queue; kNone
    // By sensor: its newest look, and the probability that it can see the contact.
    std::array<std::int64_t, limits::kSensors> looked_ns;
    std::array<double, limits::kSensors> visible;
    std::array<std::uint8_t, limits::kSensors> unseen;  // looks by a sensor that has never seen it
    std::uint32_t track;                                // index in the table
    std::uint32_t detections;
    std::uint32_t twin;        // the contact that it may duplicate
    std::uint32_t twin_looks;  // for this many looks
    std::uint8_t past_count;
    std::uint8_t past_next;
    std::uint8_t reserved[6];
  };
  // One datagram, until its last report.
  struct Group {
    std::uint64_t record, event;
    std::int64_t ns, arrival_ns, received_ns;
    std::uint32_t count;
    EventClass event_class;
    std::uint8_t open;  // 1 until its last report
    std::uint8_t reserved[2];
    SensorFrame frame;
  };
  struct SensorState {
    std::int64_t newest_ns;  // newest report
    std::int64_t turn_ns;    // start of the present revolution
    Group group;
  };
  struct Counts {
    std::uint64_t next_number, looks, digest;
    std::array<std::uint64_t, kTrackerBounds> reached;
    std::int64_t newest_ns, last_look_ns;
    std::uint64_t hand;  // of all contacts, where the next search for room begins
  };
  // A contact near a group's plots, predicted to the group's time.
  struct Candidate {
    std::uint32_t contact;
    std::uint16_t after;  // later looks in its history
    bool late;
    Imm imm;
    State state;  // combined
    double none;  // probability that it has no plot
    std::array<Share, kShares> shares;
    std::array<std::uint16_t, kShares> plots;
    std::uint32_t count;
  };
  struct Pair {
    double gain;
    std::uint16_t candidate, plot;
    std::uint16_t next;  // in the same cluster
  };

  bool plausible(const Contact& c, const Spot& spot, const TrackTable& tracks) const;
  static bool plausible(const Look& look);
  static bool plausible(const Plot& plot);
  static bool plausible(const SensorState& state);
  bool thaw_contacts(Thawer& in, const TrackTable& tracks, std::uint32_t alive);
  bool thaw_due(Thawer& in, const TrackTable& tracks);
  static constexpr std::uint16_t bit(TrackChangeKind change) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(change));
  }
  void freeze_contact(Freezer& out, std::uint32_t contact) const;
  void freeze_look(Freezer& out, std::uint32_t contact, std::size_t place) const;
  static bool has_look(const Contact& c, std::size_t place);
  void slice_of_sensor(std::size_t at, SliceDigest& out) const;
  void slice_of_contact(std::uint32_t contact, std::size_t part, SliceDigest& out) const;
  std::size_t sensor_of(const EventHeader& event, const Observation& o) const;
  bool frame_of(const Sensor& sensor, std::int64_t ns, const Track* own, SensorFrame& frame) const;
  bool masked(const Sensor& sensor, const Plot& plot) const;
  void close(std::size_t sensor, TrackTable& tracks);
  void end_turn(std::size_t sensor, std::int64_t ns, TrackTable& tracks, const SensorFrame& frame);
  void find_candidates(const Group& group, std::span<const Plot> plots);
  void add_candidate(std::uint32_t contact, std::int64_t ns);
  void find_pairs(const Sensor& sensor, const Group& group, std::span<const Plot> plots);
  void associate(std::span<const Plot> plots);
  void share_out(std::span<const Plot> plots, std::uint16_t first_pair);
  void give(Candidate& candidate, std::uint16_t plot, const Plot& value, double probability);
  void apply(Candidate& candidate, std::size_t sensor, const Group& group,
             std::span<const Plot> plots, TrackTable& tracks);
  double visibility(const Contact& c, std::size_t sensor, std::int64_t ns) const;
  std::uint32_t denials(std::uint32_t contact) const;
  // The sensor's newest report of the contact; 0: never seen.
  std::int64_t& seen_ns(std::uint32_t contact, std::size_t sensor) {
    return seen_[sensor * contacts_.size() + contact];
  }
  std::int64_t seen_ns(std::uint32_t contact, std::size_t sensor) const {
    return seen_[sensor * contacts_.size() + contact];
  }
  void miss(std::uint32_t contact, std::size_t sensor, std::int64_t ns);
  void settle(std::uint32_t contact, const Group& group, TrackTable& tracks);
  std::size_t merge_close(std::span<Plot> plots, const Group& group, double resolution) const;
  std::uint32_t free_place(TrackTable& tracks);
  Imm first_motion(const Plot& plot) const;
  static void begin_track(Track& track, std::uint64_t event, std::int64_t ns);
  double misfit(std::uint32_t contact, const Track& named,
                const std::array<double, 3>& velocity) const;
  std::uint32_t nearest_unnamed(const Track& named, const std::array<double, 3>& velocity,
                                const TrackTable& tracks, bool& anything) const;
  void claim(std::uint32_t contact, Track& named, TrackTable& tracks);
  void begin(const Plot& plot, std::size_t sensor, const Group& group, TrackTable& tracks);
  void find_twins(std::size_t sensor, const Group& group, TrackTable& tracks);
  void end(std::uint32_t contact, TrackTable& tracks);
  bool make_room(TrackTable& tracks);
  void reached(TrackerBound bound) { ++counts_.reached[static_cast<std::size_t>(bound)]; }
  void notify(std::uint32_t contact, std::uint16_t changes, EventClass event_class,
              std::int64_t arrival_ns);
  void publish(std::uint32_t contact, TrackTable& tracks);
  void place(std::uint32_t contact);
  void unlink(std::uint32_t contact);
  Vector3 predicted_ecef(std::uint32_t contact, std::int64_t ns) const;
  std::uint32_t bucket_of(std::int64_t x, std::int64_t y, std::int64_t z) const;
  std::span<Look> past(std::uint32_t contact) {
    return past_.subspan(std::size_t{contact} * kPast, kPast);
  }
  const Look& look(std::uint32_t contact, std::size_t newest_first) const {
    const Contact& c = contacts_[contact];
    return past_[std::size_t{contact} * kPast +
                 (c.past_next + 2 * kPast - 1 - newest_first) % kPast];
  }
  Look& look(std::uint32_t contact, std::size_t newest_first) {
    const Contact& c = contacts_[contact];
    return past(contact)[(c.past_next + 2 * kPast - 1 - newest_first) % kPast];
  }

  std::span<const Sensor> sensors_;
  std::span<const Zone> zones_;
  Tracker tracker_{};
  TrackRoom room_;
  ImmNoise noise_{};
  double cell_m_ = 1.0;
  std::span<Contact> contacts_;
  std::span<Spot> spots_;          // by contact
  std::span<std::int64_t> seen_;   // by sensor and contact
  std::span<std::uint64_t> free_;  // bit of contacts not in use
  std::span<Look> past_;
  std::span<std::uint32_t> cells_;  // first contact of each bucket
  std::span<SensorState> states_;
  std::span<Plot> plots_;  // kGroupPlots a sensor
  std::span<Due> due_;
  std::size_t due_first_ = 0;
  std::size_t due_count_ = 0;
  std::size_t alive_ = 0;
  std::uint32_t high_water_ = 0;  // contacts ever used
  Counts counts_{};

  // For the current group only.
  std::span<std::uint32_t> found_;  // contacts near a plot
  std::span<Candidate> candidates_;
  std::span<std::uint16_t> candidate_of_;  // by contact; kAlone
  std::span<Pair> pairs_;
  std::size_t candidate_count_ = 0;
  std::size_t pair_count_ = 0;
  std::span<double> claimed_;  // by plot: probability that it belongs to a contact
  std::span<std::uint16_t> first_in_cluster_, next_in_cluster_, first_pair_;
  std::span<std::uint16_t> root_;  // union-find over candidates and plots connected by gates
  std::span<std::uint16_t> cluster_candidates_, cluster_plots_, place_in_cluster_, plot_of_;
  std::size_t cluster_candidate_count_ = 0;
  std::size_t cluster_plot_count_ = 0;
  std::span<double> gain_;
  std::span<double> probability_;
  AssignmentSpace* space_ = nullptr;
};

}  // namespace vedette::perceive
