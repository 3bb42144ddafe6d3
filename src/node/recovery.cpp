#include "node/recovery.hpp"

#include <algorithm>
#include <cstring>

#include "node/plan_change.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    text.insert(at -= 3, 1, ',');
  }
  return text;
}

}  // namespace

// Restores the newer of the image and the newest segment's state; returns its last batch, 0 for
// none.
std::uint64_t Recovery::begin_with_newest(Stepped& stepped,
                                          const std::vector<std::uint64_t>& segments,
                                          std::uint64_t& state_batch) {
  const std::string folder = journal_folder(data_);
  std::vector<std::uint64_t> with_state = segments;
  journal::SegmentState newest = journal::newest_state(folder, with_state);
  while (!newest.frozen.empty() && (newest.header.node != header_.node ||
                                    mismatches_.distrusts(newest.header.frozen_batch))) {
    with_state.pop_back();  // another node's, or newer than one; or made by who was wrong
    newest = journal::newest_state(folder, with_state);
  }
  state_batch = newest.header.frozen_batch;
  // With little to replay after the state, the image is not needed.
  std::uint64_t from = 0;
  if (!segments.empty() && (newest.frozen.empty() || newest.much_follows)) {
    from = begin_with_image(stepped, newest.header.frozen_batch);
  }
  if (from == 0 && newest.header.frozen_batch != 0) {
    const bool good = stepped.restart(newest.frozen, plan_hash_of(newest.header.plan_hash));
    from = good ? newest.header.frozen_batch : 0;
  }
  return from;
}

Failure Recovery::unfit(const std::string& problem) const {
  return {78, data_ + ": " + problem + "; run with another --data, or move this one aside"};
}

Failure Recovery::recover() {
  const auto segments = journal::list_segments(journal_folder(data_));
  Stepped stepped(rooms_.shard, rooms_.shard_memory, engine::release_kernels().back());
  const PlanHash ours = plan_hash_of(header_.plan_hash);
  stepped.init(rooms_.plan, header_.node, 1, data_, ours);
  std::uint64_t state_batch = 0;
  const KeptHistory kept = read_history(data_);
  const Mismatch* suspect = find_suspect(segments);
  std::uint64_t from = suspect != nullptr ? begin_with_sound(stepped, segments, suspect->good_batch)
                                          : begin_with_newest(stepped, segments, state_batch);
  ReplayResult result;
  if (suspect == nullptr) {
    result = replay(data_, stepped, from);
    // Nothing has told of it, because the node ended too soon; or it was told, and no state
    // follows.
    if (result.differed != 0 || result.unbridged) {
      const Mismatch* newest = mismatches_.last();
      if (result.differed != 0 || newest->wrong != Mismatch::Wrong::engine) {
        mismatches_.add({Mismatch::Wrong::engine, result.differed, result.differed, 0, from,
                         result.journal.epoch, stepped.last_admitted_ns()});
      }
      suspect = mismatches_.last();
      from = begin_with_sound(stepped, segments, from);
    }
  }
  const bool recomputed = suspect != nullptr && recompute(stepped, kept, result.journal);
  if (result.journal.other_version) {
    return unfit(result.problem.empty() ? result.journal.problem : result.problem);
  }
  const bool broken =
      (!result.problem.empty() && !result.journal.torn_tail) || (suspect != nullptr && !recomputed);
  const std::uint64_t known = kept.record ? kept.record->batch : 0;
  const bool unsure = !kept.record && platform::exists(shard_folder(data_) + "/belief.mdb");
  // The journal may consist of states alone.
  const std::uint64_t last = std::max(result.journal.last_batch, state_batch);
  if (!recomputed && (broken || unsure || from > last || known > stepped.batch())) {
    recover_around(stepped, kept, result.journal);
    if (result.journal.other_version) {
      return unfit(result.journal.problem);
    }
  }
  find_gaps(result.journal, kept);
  if (stepped.batch() == 0 && result.journal.last_block == 0 && !kept.record && identity_.in_file) {
    if (const Failure failed = begin_anew(stepped); failed.exit_code != 0) {
      return failed;
    }
  }
  if (const std::string problem = change_plan(stepped); !problem.empty()) {
    return unfit(problem);
  }
  begin_epoch(result.journal, kept);
  plan_writer(result.journal, kept, segments);
  return {};
}

// The folder was used, but nothing in it says so any more.
Failure Recovery::begin_anew(Stepped& stepped) {
  identity_ = identity_anew(data_);
  if (!identity_.problem.empty()) {
    return {74, identity_.problem};
  }
  header_.node = identity_.node;
  stepped.init(rooms_.plan, header_.node, 1, data_, plan_hash_of(header_.plan_hash));
  report_.found(
      Stage::unreadable, 0,
      "journal: " + data_ +
          " was used before, but journal, belief image and history are gone: the node starts "
          "without belief and under a new identity, so its keys are new");
  return {};
}

// Exceeds every known epoch, because each record alone may be lost or outdated.
void Recovery::begin_epoch(const journal::ReadResult& read, const KeptHistory& kept) {
  fresh_ = rooms_.shard.progress().batch_number == 0;
  closed_ = read.closed;
  const std::uint32_t recorded = kept.record ? kept.record->epoch : 0;
  const std::uint32_t used = fresh_ ? 0 : rooms_.shard.epoch();
  header_.epoch = std::max(std::max({read.epoch, recorded, used}) + 1, least_epoch_);
  rooms_.shard.set_epoch(header_.epoch);
  for (const deliver::Delivery::Order& order : rooms_.shard.delivery().orders()) {
    if (order.stage == deliver::Delivery::Stage::sent) {
      unanswered_.push_back(order.sequence);
    }
  }
  std::sort(unanswered_.begin(), unanswered_.end());
}

// Where and with what state the journal continues.
void Recovery::plan_writer(const journal::ReadResult& read, const KeptHistory& kept,
                           const std::vector<std::uint64_t>& segments) {
  journal::WriterOptions& writer = writer_options_;
  writer.folder = journal_folder(data_);
  writer.segment_bytes =
      rooms_.plan.limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
  writer.journal_bytes = rooms_.plan.limits()->journal_bytes();
  writer.evidence_folder = shard_folder(data_) + "/journal-evidence";
  writer.evidence_bytes = rooms_.plan.limits()->evidence_bytes();
  writer.max_batch_bytes = engine::batch_bytes_bound(rooms_.plan);
  writer.max_frozen_bytes = engine::frozen_bytes_bound(rooms_.plan);
  writer.header = header_;
  std::uint64_t last = kept.record ? kept.record->segment : 0;
  for (const std::uint64_t number : segments) {
    const std::string name = journal::segment_name(number);
    const bool goes = std::any_of(strange_.begin(), strange_.end(),
                                  [&](const auto& strange) { return strange.name == name; });
    last = goes ? last : std::max(last, number);
  }
  writer.next_segment = last + 1;
  writer.next_block = read.last_block + 1;
  writer.chain = read.chain;
  writer.durable_sequence = rooms_.shard.progress().last_sequence;
  writer.next_batch = rooms_.shard.progress().batch_number + 1;
  writer.segments = read.segments;
  // A change of the plan is history, even if nothing is accepted after it.
  const bool reuse = report_.findings.empty() && report_.plan_told.empty();
  writer.idle = reuse ? read.idle : journal::ReadResult::Idle{};
  const Bytes frozen = rooms_.mirror.begin(rooms_.shard, header_);
  if (!fresh_) {
    rooms_.writer.keep_frozen(frozen, rooms_.shard.progress().batch_number);
  }
}

// For a journal that is damaged or ends before what is known otherwise: belief continues from the
// newest valid state, and numbers after every known one.
void Recovery::recover_around(Stepped& stepped, const KeptHistory& kept,
                              journal::ReadResult& read) {
  const Chart chart = chart_of(data_, header_.node);
  read = chart.read;
  stepped.begin_again();
  const std::uint64_t image = begin_with_image(stepped, 0);
  const PlanHash image_hash = stepped.hash();
  const std::vector<std::uint8_t> image_state =
      image != 0 ? stepped.frozen() : std::vector<std::uint8_t>();
  std::uint64_t batch = 0;
  std::uint64_t sequence = 0;
  for (const Island& island : chart.islands) {
    batch = std::max(batch, island.last_batch);
    sequence = std::max(sequence, island.last_sequence);
  }
  const std::uint64_t readable = sequence;
  const auto from_image = [&] { return stepped.restart(image_state, image_hash); };
  bool reached = image > batch && from_image();
  const std::uint64_t in_image = reached ? stepped.shard().progress().last_sequence : 0;
  for (std::size_t i = chart.islands.size(); i-- > 0 && !reached;) {
    const Island& island = chart.islands[i];
    const bool lies_there =
        image != 0 && image + 1 >= island.first_batch && image <= island.last_batch;
    reached = lies_there && from_image() && replay_island(data_, stepped, island).empty();
    if (!reached && island.begins()) {
      stepped.begin_again();
      reached = replay_island(data_, stepped, island).empty();
    }
  }
  if (!reached) {
    stepped.begin_again();
  }
  const std::uint64_t recorded = kept.record ? kept.record->sequence : 0;
  if (const std::uint64_t most = std::max(in_image, recorded); most > readable) {
    report_.found(Stage::events_gone, most - readable,
                  "journal: " + grouped(most - readable) + " events are lost: the " +
                      (in_image >= recorded ? "belief image" : "record of the last run") +
                      " counts them, the journal does not have them");
  }
  const std::uint64_t reached_batch = stepped.batch();
  if (!read.damages.empty() || reached_batch < batch) {
    const std::uint64_t unused = batch > reached_batch ? batch - reached_batch : 0;
    const std::string damage = damage_text(read);
    report_.found(Stage::unreadable, read.missing + unused,
                  "journal: " + (damage.empty() ? "no intact state to continue from" : damage) +
                      "; belief continues from batch " + grouped(reached_batch) +
                      (unused != 0 ? ", without the " + grouped(unused) + " batches after it"
                                   : std::string()));
  }
  batch = std::max({batch, kept.record ? kept.record->batch : 0, image});
  if (reached_batch < batch) {  // skips the lost run's numbers
    stepped.shard().pass_over(batch + 1, std::max({sequence, recorded, in_image}));
  }
}

// Carries belief over from the folder's last plan, if that was another.
std::string Recovery::change_plan(Stepped& stepped) {
  const PlanHash ours = plan_hash_of(header_.plan_hash);
  if (stepped.hash() == ours) {
    return {};
  }
  if (stepped.batch() == 0) {  // nothing was believed
    stepped.begin_again();
    return {};
  }
  const std::string gone = names_gone(stepped.plan(), rooms_.plan);
  CarryReport report{};
  std::string problem = stepped.change_to(rooms_.plan, ours, report);
  if (problem.empty()) {
    report_.plan_told = carried_text(report) + (gone.empty() ? "" : "; not in this site: " + gone);
  }
  return problem;
}

// Problems found without reading a block: files, numbers, records.
void Recovery::find_gaps(const journal::ReadResult& read, const KeptHistory& kept) {
  const std::string folder = journal_folder(data_);
  strange_ = journal::list_strange(folder);
  strange_.insert(strange_.end(), read.strange.begin(), read.strange.end());
  if (!strange_.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(strange_.size(), 3); ++i) {
      names += (i == 0 ? "" : ", ") + strange_[i].name + " (" + strange_[i].why + ")";
    }
    report_.found(
        Stage::set_aside, strange_.size(),
        "journal: renamed to .aside, because they are no segments of this journal: " + names +
            (strange_.size() > 3 ? " and " + std::to_string(strange_.size() - 3) + " more" : ""));
  }
  const bool nothing_whole = !strange_.empty() && read.torn_tail && read.valid_bytes == 0;
  if (read.torn_tail && !nothing_whole) {
    tail_ = {read.last_segment, read.valid_bytes};
    report_.found(Stage::tail_cut, 1,
                  "journal: " + read.problem + "; the node removes them (usual after a power cut)");
  }
  for (std::size_t i = 1; i < read.segments.size(); ++i) {
    const std::uint64_t before = read.segments[i - 1].number;
    const std::uint64_t missing = read.segments[i].number - before - 1;
    if (missing != 0) {
      report_.found(Stage::unreadable, missing,
                    "journal: " + grouped(missing) + " segments after " +
                        journal::segment_name(before) + " are missing");
    }
  }
  const std::uint64_t last = read.segments.empty() ? 0 : read.segments.back().number;
  if (kept.record && kept.record->segment > last) {
    report_.found(Stage::unreadable, kept.record->segment - last,
                  "journal: " +
                      (last == 0 ? std::string("all segments")
                                 : "all segments after " + journal::segment_name(last)) +
                      " up to " + journal::segment_name(kept.record->segment) + " are missing");
  }
  if (!kept.record && !read.segments.empty()) {
    report_.found(Stage::unreadable, 0,
                  "history: the record of the last run is " +
                      std::string(kept.damaged ? "damaged" : "missing") +
                      "; the node writes a new one");
  }
}

}  // namespace vedette::node
