// `vedette plan --threads`: the node's threads and the lanes between them, and what happens when a
// lane is full.
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "node/topology.hpp"

namespace vedette::cli {
namespace {

// One row of the lanes, those of sources included.
struct Row {
  std::string name;
  node::Worker writer, reader;
  node::LaneSize size;
  std::string_view carries, when_full;
};

std::vector<Row> rows_of(const plan::Plan& plan) {
  std::vector<Row> rows;
  const node::Worker taker = plan.cores()->fused() ? node::Worker::engine : node::Worker::ingress;
  for (const plan::Source* source : *plan.sources()) {
    const node::SourceLane lane = node::source_lane(*source);
    rows.push_back({lane.name, taker, node::Worker::engine, lane.size, "events of this source",
                    lane.when_full});
  }
  for (const node::LaneFacts& lane : node::lane_facts()) {
    rows.push_back({std::string(lane.name), lane.writer, lane.reader, lane.size(plan), lane.carries,
                    lane.when_full});
  }
  return rows;
}

std::string core_text(const plan::Plan& plan, const node::WorkerFacts& worker) {
  const int core = node::core_of(plan, worker.worker);
  if (worker.worker == node::Worker::ingress && plan.cores()->fused()) {
    return "the engine's";
  }
  return core >= 0 ? "core " + std::to_string(core) : "any other core";
}

void threads_json(const plan::Plan& plan) {
  std::string text;
  Json json(text);
  json.begin_object().key("threads").begin_array();
  for (const node::WorkerFacts& worker : node::worker_facts()) {
    json.begin_object().member("name", worker.name);
    json.member("core", std::string_view(core_text(plan, worker)));
    json.member("may_wait", worker.may_wait).member("does", worker.does).end_object();
  }
  json.end_array().key("lanes").begin_array();
  for (const Row& row : rows_of(plan)) {
    json.begin_object().member("name", std::string_view(row.name));
    json.member("from", node::name_of(row.writer)).member("to", node::name_of(row.reader));
    json.member("records", std::uint64_t{row.size.records});
    json.member("bytes", std::uint64_t{row.size.bytes});
    json.member("carries", row.carries).member("when_full", row.when_full).end_object();
  }
  json.end_array().end_object();
  print_data("plan-threads", text);
}

}  // namespace

int plan_threads(const SiteOptions& options, bool json) {
  LoadedPlan loaded;
  if (const int code = load_site(options, json, "plan-threads", loaded); code != kOk) {
    return code;
  }
  const plan::Plan& plan = *loaded.plan;
  if (json) {
    threads_json(plan);
    return kOk;
  }
  print("threads\n");
  for (const node::WorkerFacts& worker : node::worker_facts()) {
    print("  %-8s %-14s %s: %s\n", std::string(worker.name).c_str(),
          core_text(plan, worker).c_str(), worker.may_wait ? "may wait   " : "never waits",
          std::string(worker.does).c_str());
  }
  print("\nlanes: one thread writes, one reads, neither waits\n");
  for (const Row& row : rows_of(plan)) {
    print("  %-16s %-7s -> %-7s %6zu records, %5zu KiB: %s\n  %18s when full: %s\n",
          row.name.c_str(), std::string(node::name_of(row.writer)).c_str(),
          std::string(node::name_of(row.reader)).c_str(), row.size.records, row.size.bytes >> 10,
          std::string(row.carries).c_str(), "", std::string(row.when_full).c_str());
  }
  return kOk;
}

}  // namespace vedette::cli
