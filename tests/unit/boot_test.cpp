// A post over many starts: the selector's choice and the steps of updating, with versions that
// panic, hang, are unhealthy, cannot alert or take no update, and with careless operators. The post
// must soon be back on a version that watches, and say why.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "edge/firmware/boot_steps.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::firmware;

namespace {

enum Behaviour : std::uint8_t {
  good,
  panics,
  hangs,
  unhealthy,
  cannot_alert,
  cannot_update,
  returns,
  unsigned_,
  kBehaviours
};
constexpr std::array<const char*, kBehaviours> kNames = {
    "good",         "panics",          "hangs",      "is unhealthy",
    "cannot alert", "takes no update", "comes back", "is unsigned"};

// One machine: its disk, its power and its versions.
class Post {
 public:
  Post() {
    std::memcpy(state.magic, VEDETTE_STATE_MAGIC, sizeof state.magic);
    state.trial = state.started = VEDETTE_NO_SLOT;
    put(0, 1, good);
    settle();
  }

  void put(std::uint32_t slot, std::uint64_t version, Behaviour what) {
    heads[slot] = VedetteSlot{};
    heads[slot]->version = heads[slot]->minimum_version = version;
    behaves[slot] = what;
    whole[slot] = true;
    proven[slot] = false;
  }

  // `cut`: 0 none; 1 before the version came up; 2 after that, before it ran well.
  void start(int cut = 0) {
    ++starts;
    running = VEDETTE_NO_SLOT;
    const auto attempt = [](void* post, VedetteBootState* now, std::uint32_t slot) {
      return static_cast<Post*>(post)->give_machine(*now, slot);
    };
    vedette_choose(&state);
    vedette_boot(&state, attempt, this);
    if (running == VEDETTE_NO_SLOT || cut == 1) {
      running = VEDETTE_NO_SLOT;
      return;
    }
    live(cut);
  }

  // Restarts, without power cuts or operators, until a version stays.
  void settle() {
    for (int n = 0; n < 12 && (n == 0 || running == VEDETTE_NO_SLOT); ++n) {
      start();
    }
  }

  bool install(std::uint64_t version, Behaviour what, std::uint32_t trials, int cut = 0) {
    if (running == VEDETTE_NO_SLOT || state.trial != VEDETTE_NO_SLOT || needs_restart(state) ||
        version < least_version(state, heads)) {
      return false;
    }
    const std::uint32_t idle = clear_for_install(state);
    CHECK(idle != running);
    if (cut == 1) {
      return false;
    }
    heads[idle].reset();
    whole[idle] = false;
    if (cut == 2) {
      return false;
    }
    put(idle, version, what);
    if (cut == 3) {
      return false;
    }
    put_on_trial(state, idle, version, trials);
    return true;
  }
  std::string roll_back() {
    SlotHeads there = heads;  // as in install.cpp: decayed slots count as empty
    for (std::uint32_t slot = 0; slot < VEDETTE_SLOTS; ++slot) {
      if (!whole[slot]) {
        there[slot].reset();
      }
    }
    const bool trial = state.trial != VEDETTE_NO_SLOT;
    const std::string problem =
        firmware::roll_back(state, there, VEDETTE_TRIAL_WITHDRAWN, "by operator");
    CHECK((trial || !problem.empty() || proven[state.confirmed]));
    return problem;
  }
  bool watches() const { return running != VEDETTE_NO_SLOT && behaves[running] == good; }
  std::string words() const {
    std::string text;
    for (const std::string& sentence : in_words(state, heads)) {
      text += sentence + "\n";
    }
    return text;
  }

  VedetteBootState state{};
  SlotHeads heads;
  std::array<Behaviour, VEDETTE_SLOTS> behaves{good, good};
  std::array<bool, VEDETTE_SLOTS> whole{};
  std::array<bool, VEDETTE_SLOTS> proven{};  // the slot's version ran well here
  std::uint32_t running = VEDETTE_NO_SLOT;
  int starts = 0;

 private:
  std::uint32_t give_machine(VedetteBootState& now, std::uint32_t slot) {
    if (!whole[slot]) {
      return VEDETTE_TRIAL_DAMAGED;
    }
    if (behaves[slot] == unsigned_) {
      return VEDETTE_TRIAL_REFUSED;
    }
    vedette_count_start(&now, slot);
    if (behaves[slot] == returns) {
      return VEDETTE_TRIAL_RETURNED;
    }
    running = slot;
    return VEDETTE_TRIAL_NONE;
  }

  // The running version's behaviour.
  void live(int cut) {
    const bool trial = state.trial == running;
    const Behaviour what = behaves[running];
    if (what == panics || what == hangs) {
      running = VEDETTE_NO_SLOT;  // the kernel or the watchdog restarts the machine
    } else if (cut == 2) {
      if (!trial) {
        came_up(state, false);
      }
      running = VEDETTE_NO_SLOT;
    } else if (!trial) {
      came_up(state, what == good);
      proven[running] = proven[running] || what == good;
    } else if (what == good) {
      CHECK(confirm(state, heads) == "");
      proven[running] = true;
    } else {
      CHECK(firmware::roll_back(state, heads, VEDETTE_TRIAL_UNHEALTHY, kNames[what]) == "");
      running = VEDETTE_NO_SLOT;
    }
  }
};

}  // namespace

TEST_CASE(
    "whatever a bad version does and an operator then does, the good one is back and says why") {
  const std::array<std::vector<char>, 8> orders = {{{'b', 'r', 'c'},
                                                    {'b', 'c', 'r'},
                                                    {'r', 'b', 'c'},
                                                    {'r', 'c', 'b'},
                                                    {'c', 'b', 'r'},
                                                    {'c', 'r', 'b'},
                                                    {'b', 'b', 'r'},
                                                    {'c', 'c', 'c'}}};
  int rows = 0;
  for (const Behaviour what : {panics, hangs, unhealthy, cannot_alert, cannot_update}) {
    for (const std::vector<char>& order : orders) {
      Post post;
      REQUIRE(post.install(2, good, 2));
      post.settle();
      REQUIRE(post.state.confirmed == 1);
      REQUIRE(post.install(3, what, 2));
      post.settle();
      CHECK(post.words().find("ersion 3") != std::string::npos);
      for (const char step : order) {
        if (step == 'b') {
          // It rolled back by itself, so there is no good version to go back to.
          CHECK(post.roll_back().find("version 3 in slot 0 was tried and") == 0);
        } else {
          post.start(step == 'c' ? 1 + rows % 2 : 0);
        }
      }
      post.settle();
      INFO(kNames[what] << post.words());
      CHECK(post.watches());
      CHECK(post.state.confirmed == 1);
      CHECK(post.words().find("Version 2 (slot 1) runs and is confirmed.") == 0);
      CHECK(post.words().find(what == panics || what == hangs ? "hung, did not come up"
                                                              : kNames[what]) != std::string::npos);
      CHECK(post.install(4, good, 2));  // and takes updates
      post.settle();
      CHECK(post.state.confirmed == 0);
      CHECK(post.roll_back() == "");
      ++rows;
    }
  }
  CHECK(rows == 40);
}

TEST_CASE("a confirmed version that does not come up three times gives way to one that was good") {
  Post post;
  REQUIRE(post.install(2, good, 2));
  post.settle();
  post.behaves[1] = hangs;  // its disk or board fails: it no longer comes up
  post.start();
  post.start();
  post.start();
  CHECK(post.state.confirmed == 1);
  post.start();
  CHECK(post.state.confirmed == 0);
  CHECK(post.watches());
  CHECK(post.words().find("ersion 2 in slot 1 ran well, but later did not come up 3 times") !=
        std::string::npos);
  CHECK(post.roll_back().find("did not come up 3 times") != std::string::npos);
  // It was good once, so it runs again when this one fails too.
  post.behaves[0] = panics;
  post.behaves[1] = good;
  post.settle();
  CHECK(post.watches());
  CHECK(post.state.confirmed == 1);
  // The other slot was never good, so nothing gives way to it.
  Post alone;
  REQUIRE(alone.install(2, panics, 1));
  alone.settle();
  for (int n = 0; n < 10; ++n) {
    alone.start(1);
  }
  CHECK(alone.state.confirmed == 0);
  alone.settle();
  CHECK(alone.watches());
}

TEST_CASE("a lost boot state is outlived, wherever the good version stands") {
  for (std::uint32_t slot = 0; slot < VEDETTE_SLOTS; ++slot) {
    for (const Behaviour other : {panics, hangs, returns, unsigned_}) {
      Post post;
      post.put(slot, 1, good);
      post.put(vedette_other(slot), 2, other);
      vedette_forget(&post.state);
      post.settle();
      CHECK(post.watches());
      CHECK(post.state.confirmed == slot);
      CHECK(post.roll_back() != "");
    }
  }
}

TEST_CASE(
    "ten thousand sequences of updates, cuts, decay and operators end on a version that watches") {
  std::mt19937_64 random(7);
  const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
  int trials = 0, back = 0, refused = 0, confirmed = 0;
  for (int sequence = 0; sequence < 10'000; ++sequence) {
    Post post;
    std::uint64_t version = 1;
    std::string told;
    for (int step = 0; step < 12; ++step) {
      const int what = below(10);
      told += static_cast<char>('0' + what);
      if (what < 3) {
        // Mostly bad versions, because many good ones would hide faults.
        const auto behaviour = static_cast<Behaviour>(below(3) == 0 ? good : below(kBehaviours));
        trials += post.install(++version, behaviour, 1 + static_cast<unsigned>(below(3)),
                               below(4) == 0 ? 1 + below(3) : 0)
                      ? 1
                      : 0;
      } else if (what < 5 && post.running != VEDETTE_NO_SLOT) {
        (post.roll_back().empty() ? back : refused) += 1;
        CHECK(post.state.slots[post.state.confirmed].end != VEDETTE_TRIAL_UNHEALTHY);
      } else if (what == 5 && post.whole[post.state.confirmed]) {
        post.whole[vedette_other(post.state.confirmed)] = false;  // that slot decays
      } else if (what < 8) {
        post.start(1 + below(2));
      } else {
        post.settle();
      }
    }
    post.settle();
    confirmed += post.state.confirmed == 1 ? 1 : 0;
    INFO("sequence " << sequence << ": " << told << "\n" << post.words());
    CHECK(post.watches());
    CHECK(!post.words().empty());
    // The next good version is accepted, at once or after a restart.
    const bool taken = post.install(++version, good, 2);
    CHECK(taken);
    post.settle();
    CHECK(post.watches());
    CHECK(post.heads[post.state.confirmed]->version == version);
  }
  CHECK(trials > 10'000);
  CHECK(back > 1'000);
  CHECK(refused > 1'000);
  CHECK(confirmed > 1'000);
}
