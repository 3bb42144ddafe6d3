// Purpose: the one way in which commands read a folder's events: evidence of dropped segments, then
// the journal, then, when following, what becomes durable; with the names of things, and only those
// that somebody asked for. In: a data folder, --since, --until, --kind, --of. Out: events in order.
// Fails as: an exit code, with the reason printed. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/open_data.hpp"
#include "model/event.hpp"
#include "node/mismatches.hpp"

namespace vedette::cli {

// What tracks are called, by key, as far as they have said so.
class TrackNames {
 public:
  void learn(const EventHeader& event, Bytes payload);  // an observation
  void learn_state(Bytes frozen);
  // Empty: it has none yet.
  std::string_view of(std::uint64_t key) const;
  // Whether name or call sign is `text`, in any case.
  bool is_called(std::uint64_t key, std::string_view text) const;
  bool anything_called(std::string_view text) const;

 private:
  struct Called {
    std::string name, callsign;
  };
  std::map<std::uint64_t, Called> all_;
};

// An event and where it was read.
struct ReadEvent {
  const EventHeader& header;
  Bytes payload;
  const plan::Plan& plan;
  std::uint64_t batch;
  std::int64_t admitted_ns;  // node time of the batch
  bool evidence;             // from a dropped segment
  bool suspect;              // of an engine that was wrong
};

// The track, or own ship, that an event is about; 0: none.
std::uint64_t track_of(const EventHeader& event, Bytes payload);
// "vessel 230123450 PANDORA", both of a pair.
std::string named_subject(const Subject& subject, const plan::Plan& plan, const TrackNames& names);

// The zones that an assessment's conditions ask for, each once.
std::vector<std::uint16_t> zones_of(const plan::Plan& plan, std::uint16_t assessment);

class EventReading {
 public:
  explicit EventReading(const JournalCommand& command) : command_(command) {}

  // Opens the folder and checks what was asked; on failure prints the problem.
  int open(const std::string& schema);
  using Show = std::function<void(const ReadEvent&)>;
  // Up to now.
  journal::ReadResult read(const Show& show);
  // From --since, or from now on, until interrupted.
  void follow(const Show& show);

  const journal::SegmentHeader& first_segment() const { return first_; }
  const plan::Plan& first_plan() const { return *kept_.plan; }
  const TrackNames& names() const { return names_; }
  std::uint64_t last_of_evidence() const { return last_of_evidence_; }

 private:
  int read_wishes(const std::string& schema);
  int resolve_of(const std::string& schema);
  void learn_all_names();
  std::uint64_t batch_before(std::int64_t since_ns) const;
  bool show_batch(Bytes batch, bool evidence, const Show& show);
  bool wanted(const ReadEvent& event);
  bool concerns(const ReadEvent& event) const;

  const JournalCommand& command_;
  node::KeptPlan kept_;
  journal::SegmentHeader first_{};
  std::optional<PlanInReading> plan_;
  node::Mismatches mismatches_;
  TrackNames names_;
  std::int64_t since_ns_ = 0, until_ns_ = 0;  // 0: no bound
  std::uint64_t kinds_ = ~std::uint64_t{0};   // bit of EventKind
  std::uint64_t identity_ = 0;                // of --of, if it is a number
  std::uint64_t address_ = 0;                 // of an aircraft, likewise, as hexadecimal digits
  std::set<std::uint64_t> concerned_;         // events of what --of names, for what follows them
  std::uint64_t last_of_evidence_ = 0;
};

}  // namespace vedette::cli
