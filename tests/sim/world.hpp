// Purpose: the world around one node, by seed: what arrives, who turns when, what the disk does,
// when the node is killed. Engine, journal, hand, mirror, image and main turn in any
// order; while one of them
// waits for the disk or rests, the others go on. In: a seed, a folder. Out: BrokenPromise, or
// nothing to say.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/hash.hpp"
#include "sim/disk.hpp"
#include "sim/life.hpp"
#include "sim/promises.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace vedette::sim {

// What a run has seen, to be printed.
struct Tally {
  std::uint64_t events = 0, kills = 0, stops = 0, gaps = 0, packed = 0, images = 0, texts = 0;
  std::uint64_t misdirected = 0, spoilt = 0, copies = 0, passed_over = 0, restarts = 0, refused = 0;
  DiskCounters disk;

  void add(const Tally& other);
  std::string text() const;
};

class World {
 public:
  static constexpr int kSteps = 400;

  World(std::uint64_t seed, std::string folder);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void run(int steps = kSteps);
  Tally tally() const;
  std::string trace() const;  // the last things that happened
  // Asked in the middle of a step: puts a critical event, or does not.
  bool urgent();

 private:
  enum Actor : std::uint8_t { engine, journal, hand, mirror, image, main, kActors };
  static constexpr std::size_t kTraced = 16;

  // --- Who turns (world.cpp).
  void step();
  void some_turns(std::uint64_t most);
  bool turn(Actor actor);  // whether it found work
  bool engine_turn(bool stopping);
  bool journal_turn();
  void hand_turn();
  bool mirror_turn();
  void main_turn();
  void while_syncing_others();
  void while_main_rests(std::int64_t ns);
  template <typename Do>
  void nested(Do&& go_on);
  void note(const std::string& what);

  // --- What comes from outside (world_outside.cpp).
  void arrive();
  bool put(const Observation& observation, std::int64_t at_ns, std::uint16_t source,
           EventClass event_class);
  void put_ship(EventClass event_class);
  void ask();
  request::Request about_an_alarm();
  void burst_of_commands();
  void fill_log();

  // --- What goes wrong (world_faults.cpp).
  void trouble();
  void refuse_for_a_while();
  void lose_the_disk();
  void end_troubles();
  void die();
  void kill_or_stop();
  void restart(bool killed);
  void stop_in_order();
  void spoil_journal();
  void start();
  void check_copies();
  void settle();
  void catch_up();
  void check_replay();

  Random random_;
  std::string folder_, data_, journal_folder_;
  std::vector<std::uint8_t> plan_bytes_;
  const plan::Plan* plan_ = nullptr;
  std::unique_ptr<Promises> promises_;
  std::unique_ptr<Life> life_;
  std::array<bool, kActors> turning_{};
  std::array<std::int64_t, kActors> stalled_until_ns_{};
  std::int64_t refuses_until_ns_ = 0, slow_until_ns_ = 0, slow_ns_ = 0, nobody_reads_until_ns_ = 0;
  std::int64_t engine_ended_ns_ = 0;
  std::optional<std::uint64_t> dies_in_syncs_;
  bool starting_ = false, settling_ = false, killed_ = false;
  bool spoilt_ = false, ever_spoilt_ = false;  // a block of the journal: since the last start
  std::optional<BrokenPromise> broken_;
  std::uint64_t durable_ = 0, record_ = 0;
  Tally tally_;
  std::vector<std::string> trace_;
};

}  // namespace vedette::sim
