#include "sim/ledger.hpp"

namespace vedette::sim {
namespace {

void check_counts(const engine::Shard& shard) {
  const engine::Progress& p = shard.progress();
  if (p.accepted != p.waiting + p.transient + p.exits[0] + p.exits[1] + p.exits[2]) {
    fail("conservation at batch %llu", shown(p.batch_number));
  }
  const deliver::Delivery& delivery = shard.delivery();
  const std::size_t kept = shard.waiting().size() + delivery.size() - delivery.sent();
  if (p.waiting != kept) {
    fail("%llu wait, %zu are kept", shown(p.waiting), kept);
  }
  if (p.transient != delivery.sent()) {
    fail("%llu under way, %zu pending", shown(p.transient), delivery.sent());
  }
}

}  // namespace

void Ledger::take(Bytes batch, const engine::Shard& shard) {
  const engine::Progress& p = shard.progress();
  digests_[p.batch_number] = p.digest;
  check_counts(shard);
  std::vector<Entry>& entries = entries_[p.batch_number];
  for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
    if (e.state.phase() != Phase::resolved) {
      entries.push_back({e.sequence, true});
    }
    if (e.kind == EventKind::resolution) {
      entries.push_back({payload_as<Resolution>(payload).sequence, false});
    } else if (e.kind == EventKind::outcome && e.state.exit() == Exit::success) {
      entries.push_back({payload_as<ActionOutcome>(payload).action_sequence, false});
    }
  });
  for (const Entry& entry : entries) {
    post(entry);
  }
  if (open_.size() != p.waiting + p.transient) {
    fail("%zu events have not left, %llu are counted", open_.size(),
         shown(p.waiting + p.transient));
  }
}

// Every event leaves once: in its own batch, or by a resolution in a later one.
void Ledger::post(const Entry& entry) {
  if (entry.enters ? !open_.insert(entry.sequence).second : open_.erase(entry.sequence) == 0) {
    fail("event %llu %s twice", shown(entry.sequence), entry.enters ? "came" : "left");
  }
}

void Ledger::done(std::uint32_t epoch, std::uint64_t root, std::uint64_t sent_by, bool recorded,
                  bool again) {
  if (!done_.insert({epoch, root}).second && !again) {
    fail("action %u-%llu was done twice", epoch, shown(root));
  }
  if (recorded) {
    owed_.insert(sent_by);
  }
}

// The batch whose state was recovered.
std::uint64_t Ledger::batch_of(const engine::Progress& progress, bool damaged) {
  if (progress.batch_number == 0) {
    digests_[0] = progress.digest;
  }
  if (was(progress.batch_number, progress.digest)) {
    return progress.batch_number;
  }
  if (damaged && progress.digest == 0) {  // the first block is lost, and no later one has a state
    digests_[progress.batch_number] = 0;
    done_.clear();
    return 0;
  }
  for (auto known = digests_.rbegin(); damaged && known != digests_.rend(); ++known) {
    if (known->second == progress.digest && known->first < progress.batch_number) {
      const std::uint64_t batch = known->first;
      digests_[progress.batch_number] = progress.digest;
      done_.clear();  // what was done after it may be done again, under the same key
      return batch;
    }
  }
  fail("batch %llu has another digest after recovery", shown(progress.batch_number));
}

void Ledger::recovered(const engine::Shard& shard, std::uint64_t durable, bool damaged) {
  const engine::Progress& p = shard.progress();
  if (p.last_sequence < durable) {
    fail("acknowledged up to %llu, recovered to %llu", shown(durable), shown(p.last_sequence));
  }
  for (const std::uint64_t sequence : owed_) {
    if (sequence > p.last_sequence) {
      fail("event %llu was done or told durable, and is lost", shown(sequence));
    }
  }
  // What was not on disk never happened.
  entries_.erase(entries_.upper_bound(batch_of(p, damaged)), entries_.end());
  open_.clear();
  for (const auto& [batch, entries] : entries_) {
    for (const Entry& entry : entries) {
      post(entry);
    }
  }
}

}  // namespace vedette::sim
