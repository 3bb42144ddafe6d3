// Purpose: a data folder at a start: the newest valid state and the journal after it become the
// belief of the rooms; then the journal's new segment begins. In: the folder, the plan. Out: the
// shard as of the last batch, what was found, how the journal continues. Changes the folder only in
// begin_history(). Fails as: an exit code and a text. Runs on: main, before any other thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/around.hpp"
#include "node/failure.hpp"
#include "node/history_record.hpp"
#include "node/identity.hpp"
#include "node/mismatches.hpp"
#include "node/rooms.hpp"
#include "node/start_report.hpp"
#include "node/stepped.hpp"
#include "platform/storage.hpp"

namespace vedette::node {

class Recovery {
 public:
  // `plan_bytes`: of the rooms' plan. `least_epoch`: so that no action key repeats even if an
  // earlier data folder is lost.
  Recovery(std::string data, std::vector<std::uint8_t> plan_bytes, std::uint32_t least_epoch,
           Rooms& rooms, StartReport& report)
      : data_(std::move(data)),
        plan_bytes_(std::move(plan_bytes)),
        least_epoch_(least_epoch),
        rooms_(rooms),
        report_(report) {}

  // In this order. Takes the folder for this process; reads its identity.
  Failure open_folder();
  // After Rooms::init(): restores belief, starts the mirror with it.
  Failure recover();
  // Once everything else is open, because this changes the folder; the segment comes last.
  Failure begin_history();

  const std::string& data() const { return data_; }
  const journal::SegmentHeader& header() const { return header_; }
  const journal::WriterOptions& writer_options() const { return writer_options_; }
  std::uint32_t epoch() const { return header_.epoch; }
  bool fresh() const { return fresh_; }  // no batch before this start
  // The last run did not stop in order: it may have sent what no record shows.
  bool unclosed() const { return !fresh_ && !closed_; }
  // Intents without an outcome: their actions are not repeated, unless they were sent unrecorded.
  const std::vector<std::uint64_t>& unanswered() const { return unanswered_; }

 private:
  struct Tail {
    std::uint64_t segment = 0;  // 0: nothing to cut
    std::uint64_t valid_bytes = 0;
  };

  Failure unfit(const std::string& problem) const;
  // `state_batch`: of the newest state in the journal.
  std::uint64_t begin_with_newest(Stepped& stepped, const std::vector<std::uint64_t>& segments,
                                  std::uint64_t& state_batch);
  // The last batch of the state; 0 if there is none.
  std::uint64_t begin_with_image(Stepped& stepped, std::uint64_t state_batch);
  void recover_around(Stepped& stepped, const KeptHistory& kept, journal::ReadResult& read);
  // What the engine got wrong: closes what an earlier start has recomputed; the mismatch to
  // recompute now, if there is one.
  Mismatch* find_suspect(const std::vector<std::uint64_t>& segments);
  std::uint64_t begin_with_sound(Stepped& stepped, std::vector<std::uint64_t> segments,
                                 std::uint64_t good);
  bool recompute(Stepped& stepped, const KeptHistory& kept, journal::ReadResult& read);
  Failure begin_anew(Stepped& stepped);
  std::string change_plan(Stepped& stepped);
  void find_gaps(const journal::ReadResult& read, const KeptHistory& kept);
  void begin_epoch(const journal::ReadResult& read, const KeptHistory& kept);
  void plan_writer(const journal::ReadResult& read, const KeptHistory& kept,
                   const std::vector<std::uint64_t>& segments);
  Failure set_aside();

  std::string data_;
  std::vector<std::uint8_t> plan_bytes_;
  std::uint32_t least_epoch_;
  Rooms& rooms_;
  StartReport& report_;
  platform::StorageFile lock_;  // of the data folder
  Identity identity_;
  journal::SegmentHeader header_{};
  journal::WriterOptions writer_options_;
  Mismatches mismatches_;
  bool recomputed_ = false;  // the last of them
  Tail tail_;
  std::vector<journal::ReadResult::Strange> strange_;  // to be renamed
  std::vector<std::uint64_t> unanswered_;
  bool fresh_ = true;
  bool closed_ = false;
};

}  // namespace vedette::node
