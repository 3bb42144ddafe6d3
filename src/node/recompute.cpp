#include "node/recompute.hpp"

#include <algorithm>
#include <cstring>

#include "model/shard_id.hpp"

namespace vedette::node {
namespace {

// Between the record's numbers and new ones, so that what a batch makes beyond its record collides
// with none.
constexpr std::uint64_t kApart = 1 << 20;

bool same_action(const ActionIntent& a, const ActionIntent& b) {
  return a.action == b.action && a.assessment == b.assessment && a.decision == b.decision &&
         a.transition == b.transition && a.attempt == b.attempt && a.subject == b.subject;
}

}  // namespace

void Recompute::read_actions(std::uint64_t after) {
  journal::Visit visit;
  visit.around = true;
  visit.node = stepped_.node_id();
  visit.batch = [&](Bytes batch) {
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
      sequence_ = std::max(sequence_, event.sequence);
      if (event.kind == EventKind::action && header.number > after) {
        recorded_.push_back({header.number, event.sequence, payload_as<ActionIntent>(payload)});
      }
    });
    last_ = header.number;
    return true;
  };
  journal::read_journal(journal_folder(data_), visit, after);
  sequence_ += kApart;
}

// An action that the record has, too, in whichever batch, takes the record's number once no event
// of the batch before can have it: then outcomes of the record find it.
void Recompute::give_numbers(std::uint64_t before) {
  for (Recorded& r : recorded_) {
    if (r.number != 0 && r.number != r.sequence && r.sequence < before) {
      stepped_.shard().renumber_order(r.number, r.sequence);
      r.number = r.sequence;
    }
  }
}

// Every order that the batch made gets a number that no other has.
void Recompute::number_orders(Bytes made) {
  for_each_event(made, [&](const EventHeader& event, Bytes payload) {
    if (event.kind != EventKind::action ||
        stepped_.shard().delivery().find(event.sequence) == deliver::Delivery::kNone) {
      return;
    }
    const auto intent = payload_as<ActionIntent>(payload);
    const auto same = std::find_if(recorded_.begin(), recorded_.end(), [&](const Recorded& r) {
      return r.batch >= first_ && r.number == 0 && same_action(r.intent, intent);
    });
    stepped_.shard().renumber_order(event.sequence, ++sequence_);
    if (same != recorded_.end()) {
      same->number = sequence_;
    } else {
      new_.push_back(sequence_);
    }
  });
}

bool Recompute::take(Bytes batch) {
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  if (header.number <= stepped_.batch()) {
    return true;
  }
  const bool follows = header.number == stepped_.batch() + 1;
  if (first_ == 0 && !follows) {
    first_ = header.number;  // after a gap nothing can be compared
  }
  if (first_ != 0) {  // inputs keep their numbers
    give_numbers(header.first_sequence);
    stepped_.shard().pass_over(header.number - 1, header.first_sequence - 1);
  }
  const std::string problem = stepped_.apply(batch);
  if (stepped_.made().empty()) {
    problem_ = problem;
    return false;
  }
  first_ = first_ == 0 && stepped_.differed() ? header.number : first_;
  if (first_ != 0) {
    for_each_batch(stepped_.also_made(),
                   [&](const BatchHeader&, Bytes made) { number_orders(made); });
    number_orders(stepped_.made());
  }
  return true;
}

void Recompute::send_new_ones() {
  std::vector<std::uint64_t> sent;
  for (const deliver::Delivery::Order& order : stepped_.shard().delivery().orders()) {
    if (order.stage == deliver::Delivery::Stage::sent &&
        std::find(new_.begin(), new_.end(), order.sequence) != new_.end()) {
      sent.push_back(order.sequence);
    }
  }
  for (const std::uint64_t sequence : sent) {
    stepped_.shard().send_again(sequence);
  }
}

void Recompute::run(std::uint64_t used_batch, std::uint64_t used) {
  sequence_ = used;
  const std::uint64_t from = stepped_.batch();
  read_actions(from);
  last_ = std::max(last_, used_batch);
  journal::Visit visit;
  visit.around = true;
  visit.node = stepped_.node_id();
  visit.segment = [&](const journal::SegmentHeader& header, Bytes, std::uint64_t) {
    if (header.frozen_batch <= stepped_.batch()) {
      problem_ = stepped_.enter(header, {});
    }
    return problem_.empty();
  };
  visit.batch = [&](Bytes batch) { return take(batch); };
  read_ = journal::read_journal(journal_folder(data_), visit, from);
  if (first_ != 0) {
    give_numbers(~std::uint64_t{0});
    send_new_ones();
    const engine::Progress& p = stepped_.shard().progress();
    const std::uint64_t first = sequence_ - count_of(sequence_);
    stepped_.shard().pass_over(last_ + 1, std::max(sequence_, first + p.accepted));
  }
}

}  // namespace vedette::node
