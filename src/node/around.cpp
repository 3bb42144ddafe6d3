#include "node/around.hpp"

#include <algorithm>
#include <cstring>

#include "node/mismatches.hpp"

namespace vedette::node {
namespace {

BatchHeader header_of(Bytes batch) {
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  return header;
}

std::string path_of(const std::string& data) {
  return journal_folder(data);
}

// Whether the island's next batch follows the present state.
bool is_inside(const Stepped& stepped, const Island& island) {
  const std::uint64_t batch = stepped.batch();
  return batch + 1 >= island.first_batch && batch <= island.last_batch && batch != 0;
}

// Restores the island's initial state; false when there is no valid one.
bool restore_start(const std::string& data, Stepped& stepped, const Island& island) {
  if (island.state_segment != 0) {
    const journal::SegmentState state = journal::state_of(path_of(data), island.state_segment);
    return !state.frozen.empty() && state.header.frozen_batch == island.state_batch &&
           stepped.restart(state.frozen, plan_hash_of(state.header.plan_hash));
  }
  stepped.begin_again();
  return island.first_batch == 1;
}

}  // namespace

Chart chart_of(const std::string& data, std::uint64_t node_id) {
  Chart chart;
  std::vector<Island>& islands = chart.islands;
  journal::Visit visit;
  visit.around = true;
  visit.node = node_id;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t number) {
    if (frozen.empty()) {
      return true;
    }
    const std::uint64_t at = header.frozen_batch;
    if (islands.empty() || at > islands.back().last_batch) {
      islands.push_back({at + 1, at, 0, 0, number, at});
    } else if (!islands.back().begins() && at + 1 >= islands.back().first_batch) {
      islands.back().state_segment = number;
      islands.back().state_batch = at;
    }
    return true;
  };
  visit.batch = [&](Bytes batch) {
    const BatchHeader header = header_of(batch);
    if (islands.empty() || header.number != islands.back().last_batch + 1) {
      islands.push_back({header.number, header.number, header.first_sequence, 0, 0, 0});
    }
    Island& island = islands.back();
    island.first_sequence =
        island.first_sequence == 0 ? header.first_sequence : island.first_sequence;
    island.last_batch = header.number;
    island.last_sequence = header.first_sequence + header.input_count + header.derived_count - 1;
    return true;
  };
  chart.read = journal::read_journal(path_of(data), visit);
  return chart;
}

std::string damage_text(const journal::ReadResult& read) {
  if (read.damages.empty()) {
    return {};
  }
  std::string text = read.damages.front();
  if (read.damaged_places > 1) {
    text += "; " + std::to_string(read.damaged_places - 1) + " more places are damaged";
  }
  if (read.missing != 0) {
    text += "; " + std::to_string(read.missing) + " batches cannot be read";
  }
  return text +
         (read.start_lost ? "; how many were before the first whole batch is not known" : "");
}

std::string replay_island(const std::string& data, Stepped& stepped, const Island& island) {
  if (!is_inside(stepped, island) && !restore_start(data, stepped, island)) {
    return "no intact state precedes batch " + std::to_string(island.first_batch);
  }
  std::string problem;
  journal::Visit visit;
  visit.around = true;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    problem = stepped.enter(header, frozen);
    return problem.empty();
  };
  visit.batch = [&](Bytes batch) {
    const std::uint64_t number = header_of(batch).number;
    if (number > island.last_batch) {
      return false;
    }
    problem = number > stepped.batch() ? stepped.apply(batch) : std::string();
    return problem.empty();
  };
  if (stepped.batch() < island.last_batch) {
    journal::read_journal(path_of(data), visit, stepped.batch());
  }
  if (problem.empty() && stepped.batch() != island.last_batch) {
    problem = "batch " + std::to_string(stepped.batch() + 1) +
              " was removed while it was read; the node on this folder may be running";
  }
  return problem;
}

AroundResult replay_around(const std::string& data, Stepped& stepped, std::uint64_t node_id,
                           const std::function<bool(const BatchHeader&)>& until) {
  AroundResult result;
  const Chart chart = chart_of(data, node_id);
  const Mismatches mismatches = Mismatches::read(data);
  std::size_t at = 0;
  const auto enter = [&](const Island& island) {
    if (!is_inside(stepped, island) && !restore_start(data, stepped, island)) {
      result.problem =
          "the state after batch " + std::to_string(island.state_batch) + " is damaged";
    }
    return result.problem.empty();
  };
  journal::Visit visit;
  visit.around = true;
  visit.node = node_id;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    result.problem = stepped.enter(header, frozen);
    return result.problem.empty();
  };
  visit.batch = [&](Bytes batch) {
    const BatchHeader header = header_of(batch);
    if (until && until(header)) {
      return false;
    }
    while (at + 1 < chart.islands.size() && header.number > chart.islands[at].last_batch) {
      ++at;
    }
    const Island& island = chart.islands[at];
    const std::uint64_t begins = std::max(island.state_batch + 1, island.first_batch);
    if (!island.begins() || header.number < begins ||
        mismatches.suspect(header.number, header.epoch)) {
      ++result.passed_over;
      return true;
    }
    if (header.number == begins && !enter(island)) {
      return false;
    }
    result.problem = stepped.apply(batch);
    result.replayed += result.problem.empty() ? 1 : 0;
    return result.problem.empty();
  };
  result.journal = journal::read_journal(path_of(data), visit);
  if (result.problem.empty() && !result.journal.stopped && !chart.islands.empty() &&
      chart.islands.back().begins() && stepped.batch() < chart.islands.back().last_batch) {
    enter(chart.islands.back());  // a last state without batches after it
  }
  return result;
}

}  // namespace vedette::node
