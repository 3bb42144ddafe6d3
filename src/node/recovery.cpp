// Recovery: the newest valid state, and the journal after it.
#include <algorithm>
#include <cstring>

#include "node/around.hpp"
#include "node/history_record.hpp"
#include "node/node.hpp"
#include "node/plan_change.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kWaitNs = 20'000;
constexpr std::uint64_t kFindings = 8;  // reported one by one; the faults lane holds twice as many

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
std::uint64_t Node::begin_with_newest(Stepped& stepped,
                                      const std::vector<std::uint64_t>& segments) {
  const std::string folder = journal_folder(options_.data);
  std::vector<std::uint64_t> with_state = segments;
  journal::SegmentState newest = journal::newest_state(folder, with_state);
  while (!newest.frozen.empty() && newest.header.node != segment_header_.node) {
    with_state.pop_back();  // another node's, or newer than one
    newest = journal::newest_state(folder, with_state);
  }
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

Node::Failure Node::unfit(const std::string& problem) const {
  return {78, options_.data + ": " + problem + "; run with another --data, or move this one aside"};
}

Node::Failure Node::recover(std::span<std::uint8_t> shard_memory) {
  const auto segments = journal::list_segments(journal_folder(options_.data));
  Stepped stepped(shard_, shard_memory, engine::release_kernels().back());
  const PlanHash ours = plan_hash_of(segment_header_.plan_hash);
  stepped.init(plan_, segment_header_.node, 1, options_.data, ours);
  const std::uint64_t from = begin_with_newest(stepped, segments);
  ReplayResult result = replay(options_.data, stepped, from);
  const KeptHistory kept = read_history(options_.data);
  if (result.journal.other_version) {
    return unfit(result.problem);
  }
  const bool broken = !result.problem.empty() && !result.journal.torn_tail;
  const std::uint64_t known = kept.record ? kept.record->batch : 0;
  const bool unsure = !kept.record && platform::exists(shard_folder(options_.data) + "/belief.mdb");
  if (broken || unsure || from > result.journal.last_batch || known > stepped.batch()) {
    recover_around(stepped, kept, result.journal);
    if (result.journal.other_version) {
      return unfit(result.journal.problem);
    }
  }
  find_gaps(result.journal, kept);
  if (stepped.batch() == 0 && result.journal.last_block == 0 && !kept.record && identity_.in_file) {
    identity_ = identity_anew(options_.data);
    if (!identity_.problem.empty()) {
      return {74, identity_.problem};
    }
    segment_header_.node = identity_.node;
    stepped.init(plan_, segment_header_.node, 1, options_.data, ours);
    found(Stage::unreadable, 0,
          "journal: " + options_.data +
              " was used before, but journal, belief image and history are gone: the node starts "
              "without belief and under a new identity, so its keys are new");
  }
  if (const std::string problem = change_plan(stepped); !problem.empty()) {
    return unfit(problem);
  }
  begin_epoch(result.journal, kept);
  plan_writer(result.journal, kept, segments);
  return {};
}

// Exceeds every known epoch, because each record alone may be lost or outdated.
void Node::begin_epoch(const journal::ReadResult& read, const KeptHistory& kept) {
  fresh_ = shard_.progress().batch_number == 0;
  const std::uint32_t recorded = kept.record ? kept.record->epoch : 0;
  const std::uint32_t used = fresh_ ? 0 : shard_.epoch();
  epoch_ = std::max(std::max({read.epoch, recorded, used}) + 1, options_.least_epoch);
  shard_.set_epoch(epoch_);
  segment_header_.epoch = epoch_;
  for (const deliver::Delivery::Order& order : shard_.delivery().orders()) {
    if (order.stage == deliver::Delivery::Stage::sent) {
      unanswered_.push_back(order.sequence);
    }
  }
  std::sort(unanswered_.begin(), unanswered_.end());
}

// Where and with what state the journal continues.
void Node::plan_writer(const journal::ReadResult& read, const KeptHistory& kept,
                       const std::vector<std::uint64_t>& segments) {
  journal::WriterOptions& writer = writer_options_;
  writer.folder = journal_folder(options_.data);
  writer.segment_bytes =
      plan_.limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
  writer.journal_bytes = plan_.limits()->journal_bytes();
  writer.evidence_folder = shard_folder(options_.data) + "/journal-evidence";
  writer.evidence_bytes = plan_.limits()->evidence_bytes();
  writer.max_batch_bytes = engine::batch_bytes_bound(plan_);
  writer.max_frozen_bytes = engine::frozen_bytes_bound(plan_);
  writer.header = segment_header_;
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
  writer.durable_sequence = shard_.progress().last_sequence;
  writer.next_batch = shard_.progress().batch_number + 1;
  writer.segments = read.segments;
  // A change of the plan is history, even if nothing is accepted after it.
  const bool reuse = findings_.empty() && plan_told_.empty();
  writer.idle = reuse ? read.idle : journal::ReadResult::Idle{};
  const Bytes frozen = mirror_.begin(shard_, segment_header_);
  if (!fresh_) {
    writer_.keep_frozen(frozen, shard_.progress().batch_number);
  }
}

// For a journal that is damaged or ends before what is known otherwise: belief continues from the
// newest valid state, and numbers after every known one.
void Node::recover_around(Stepped& stepped, const KeptHistory& kept, journal::ReadResult& read) {
  const Chart chart = chart_of(options_.data, segment_header_.node);
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
    reached = lies_there && from_image() && replay_island(options_.data, stepped, island).empty();
    if (!reached && island.begins()) {
      stepped.begin_again();
      reached = replay_island(options_.data, stepped, island).empty();
    }
  }
  if (!reached) {
    stepped.begin_again();
  }
  const std::uint64_t recorded = kept.record ? kept.record->sequence : 0;
  if (const std::uint64_t most = std::max(in_image, recorded); most > readable) {
    found(Stage::events_gone, most - readable,
          "journal: " + grouped(most - readable) + " events are lost: the " +
              (in_image >= recorded ? "belief image" : "record of the last run") +
              " counts them, the journal does not have them");
  }
  const std::uint64_t reached_batch = stepped.batch();
  if (!read.damages.empty() || reached_batch < batch) {
    const std::uint64_t unused = batch > reached_batch ? batch - reached_batch : 0;
    const std::string damage = damage_text(read);
    found(Stage::unreadable, read.missing + unused,
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
std::string Node::change_plan(Stepped& stepped) {
  const PlanHash ours = plan_hash_of(segment_header_.plan_hash);
  if (stepped.hash() == ours) {
    return {};
  }
  if (stepped.batch() == 0) {  // nothing was believed
    stepped.begin_again();
    return {};
  }
  const std::string gone = names_gone(stepped.plan(), plan_);
  CarryReport report{};
  std::string problem = stepped.change_to(plan_, ours, report);
  if (problem.empty()) {
    plan_told_ = carried_text(report) + (gone.empty() ? "" : "; not in this site: " + gone);
  }
  return problem;
}

void Node::found(Stage stage, std::uint64_t count, std::string text) {
  if (findings_.size() < kFindings) {
    findings_.push_back({stage, count, std::move(text)});
  }
}

// Problems found without reading a block: files, numbers, records.
void Node::find_gaps(const journal::ReadResult& read, const KeptHistory& kept) {
  const std::string folder = journal_folder(options_.data);
  strange_ = journal::list_strange(folder);
  strange_.insert(strange_.end(), read.strange.begin(), read.strange.end());
  if (!strange_.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(strange_.size(), 3); ++i) {
      names += (i == 0 ? "" : ", ") + strange_[i].name + " (" + strange_[i].why + ")";
    }
    found(Stage::set_aside, strange_.size(),
          "journal: renamed to .aside, because they are no segments of this journal: " + names +
              (strange_.size() > 3 ? " and " + std::to_string(strange_.size() - 3) + " more" : ""));
  }
  const bool nothing_whole = !strange_.empty() && read.torn_tail && read.valid_bytes == 0;
  if (read.torn_tail && !nothing_whole) {
    tail_ = {read.last_segment, read.valid_bytes};
    found(Stage::tail_cut, 1,
          "journal: " + read.problem + "; the node removes them (usual after a power cut)");
  }
  for (std::size_t i = 1; i < read.segments.size(); ++i) {
    const std::uint64_t before = read.segments[i - 1].number;
    const std::uint64_t missing = read.segments[i].number - before - 1;
    if (missing != 0) {
      found(Stage::unreadable, missing,
            "journal: " + grouped(missing) + " segments after " + journal::segment_name(before) +
                " are missing");
    }
  }
  const std::uint64_t last = read.segments.empty() ? 0 : read.segments.back().number;
  if (kept.record && kept.record->segment > last) {
    found(Stage::unreadable, kept.record->segment - last,
          "journal: " +
              (last == 0 ? std::string("all segments")
                         : "all segments after " + journal::segment_name(last)) +
              " up to " + journal::segment_name(kept.record->segment) + " are missing");
  }
  if (!kept.record && !read.segments.empty()) {
    found(Stage::unreadable, 0,
          "history: the record of the last run is " +
              std::string(kept.damaged ? "damaged" : "missing") + "; the node writes a new one");
  }
}

// Renames foreign segments and keeps their bytes.
Node::Failure Node::set_aside() {
  const std::string folder = journal_folder(options_.data) + "/";
  for (const journal::ReadResult::Strange& strange : strange_) {
    std::string name = strange.name + ".aside";
    for (int n = 2; platform::exists(folder + name); ++n) {
      name = strange.name + ".aside-" + std::to_string(n);
    }
    if (const int error = platform::rename_durably(folder + strange.name, folder + name);
        error != 0) {
      return {74, folder + strange.name + ": " + platform::error_text(error)};
    }
  }
  return {};
}

// Changes the data folder, after everything else is open; the segment comes last.
Node::Failure Node::begin_history() {
  const auto io = [](std::string message) { return Failure{74, std::move(message)}; };
  std::string problem = keep_identity(options_.data, identity_);
  if (!problem.empty()) {
    return io(problem);
  }
  if (const Failure failed = set_aside(); failed.exit_code != 0) {
    return failed;
  }
  if (tail_.segment != 0) {
    const int error =
        journal::cut_tail(journal_folder(options_.data), tail_.segment, tail_.valid_bytes);
    if (error != 0) {
      return io("cannot remove the unfinished block at the journal's end: " +
                platform::error_text(error));
    }
  }
  KeptPlan kept;  // replaces a damaged copy too
  if (!load_kept_plan(options_.data, segment_header_.plan_hash, kept).empty()) {
    const std::string path = plan_path(options_.data, segment_header_.plan_hash);
    const int error = platform::write_file_durably(path, plan_bytes_);
    if (error != 0) {
      return io(path + ": " + platform::error_text(error));
    }
  }
  problem = writer_.begin();
  if (!problem.empty()) {
    return io(problem);
  }
  const int error = keep_history(
      options_.data,
      {epoch_, writer_.segment(), shard_.progress().batch_number, shard_.progress().last_sequence});
  return error == 0 ? Failure{}
                    : io(shard_folder(options_.data) + "/history: " + platform::error_text(error));
}

bool Node::wait_for_history() const {
  Begun begun = begun_.load(std::memory_order_acquire);
  while (begun == Begun::waiting) {
    platform::rest_ns(kWaitNs);
    begun = begun_.load(std::memory_order_acquire);
  }
  return begun == Begun::yes;
}

}  // namespace vedette::node
