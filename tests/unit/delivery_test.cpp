#include "core/deliver/delivery.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "one_stage.hpp"
#include "test.hpp"

using namespace vedette;
using deliver::Delivery;
using Start = Delivery::Start;
using End = Delivery::End;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1000 * kSecond;

// Actions: 0 has no retries, 1 has three. Sinks: 0 has no breaker; 1 has one that opens after two
// failures for 5 s.
constexpr std::string_view kSite = R"(
site = "delivery"
[limits]
pending_actions = 8
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.once]
on = "seen"
run = "once"
[decide.again]
on = "seen"
run = "again"
[action.once]
sink = "plain"
horizon = "10 s"
[action.again]
sink = "guarded"
horizon = "60 s"
retries = 3
backoff = "1 s"
[sink.guarded]
driver = "udp"
to = "127.0.0.1:2"
breaker = 2
breaker_rest = "5 s"
[sink.plain]
driver = "udp"
to = "127.0.0.1:3"
)";

struct World {
  World() { REQUIRE(plan != nullptr); }
  ActionIntent intent(std::string_view name) const {
    ActionIntent made{};
    made.node = 7;
    made.epoch = 3;
    while (plan->actions()->Get(made.action)->name()->string_view() != name) {
      ++made.action;
    }
    made.sink = plan->actions()->Get(made.action)->sink();
    return made;
  }
  Start start(std::string_view name, std::uint64_t sequence, std::int64_t now_ns = kNow) {
    return delivery->start(sequence, EventClass::normal, intent(name), now_ns, now_ns);
  }
  // Sends a failed order's next attempt as soon as allowed; returns when.
  std::int64_t sent_again_ns(std::uint64_t sequence, std::int64_t from_ns, std::int64_t step_ns) {
    const std::size_t order = delivery->failed();
    REQUIRE(order != Delivery::kNone);
    delivery->next_attempt(order, sequence);
    for (std::int64_t now_ns = from_ns;; now_ns += step_ns) {
      REQUIRE(now_ns < from_ns + 60 * kSecond);
      if (const std::size_t due = delivery->due(now_ns); due != Delivery::kNone) {
        CHECK(due == order);
        return now_ns;
      }
    }
  }

  tests::OneStage<Delivery> of{kSite};
  const plan::Plan* plan = of.plan();
  Delivery* delivery = &of.stage();
};

}  // namespace

TEST_CASE("an order is under way until its outcome, and a second outcome is of none") {
  World w;
  CHECK(w.start("once", 10) == Start::dispatched);
  CHECK(w.delivery->size() == 1);
  CHECK(w.delivery->sent() == 1);
  const std::size_t order = w.delivery->find(10);
  REQUIRE(order != Delivery::kNone);
  CHECK(w.delivery->orders()[order].stage == Delivery::Stage::sent);
  CHECK(w.delivery->intent(order).root == 10);  // the first attempt gives the key
  CHECK(w.delivery->ended(11, Exit::success, Reason::applied, kNow) == End::unknown);
  CHECK(w.delivery->ended(10, Exit::success, Reason::applied, kNow) == End::done);
  CHECK(w.delivery->ended(10, Exit::success, Reason::applied, kNow) == End::unknown);
  CHECK(w.delivery->size() == 0);
  CHECK(w.delivery->sent() == 0);
}

TEST_CASE(
    "what fails without retries is given up, what has some comes again under its key, and no more "
    "often") {
  World w;
  w.start("once", 10);
  CHECK(w.delivery->ended(10, Exit::abandonment, Reason::sink_failed, kNow) == End::given_up);
  w.start("again", 20);
  std::int64_t now_ns = kNow;
  std::int64_t pause_ns = 0;
  for (std::uint64_t attempt = 1; attempt <= 3; ++attempt) {
    // The sink answers another action in between, so that its breaker stays closed.
    w.start("again", 900 + attempt, now_ns);
    REQUIRE(w.delivery->ended(20 + attempt - 1, Exit::abandonment, Reason::sink_failed, now_ns) ==
            End::again);
    REQUIRE(w.delivery->ended(900 + attempt, Exit::success, Reason::applied, now_ns) == End::done);
    const std::int64_t again_ns = w.sent_again_ns(20 + attempt, now_ns, kSecond / 100);
    CHECK(again_ns - now_ns > pause_ns);  // growing pauses
    pause_ns = again_ns - now_ns;
    CHECK(pause_ns >= (kSecond << (attempt - 1)) * 3 / 4);
    CHECK(pause_ns <= (kSecond << (attempt - 1)) * 5 / 4 + kSecond / 100);
    now_ns = again_ns;
    const std::size_t order = w.delivery->find(20 + attempt);
    CHECK(w.delivery->intent(order).root == 20);
    CHECK(w.delivery->intent(order).attempt == attempt);
    CHECK(w.delivery->find(20 + attempt - 1) == Delivery::kNone);
  }
  CHECK(w.delivery->ended(23, Exit::abandonment, Reason::sink_failed, now_ns) == End::given_up);
  CHECK(w.delivery->size() == 0);
}

TEST_CASE(
    "what was sent and lost with its connection goes on beyond its retries, until its horizon") {
  World w;
  w.start("again", 20);
  std::int64_t now_ns = kNow;
  std::uint64_t attempts = 0;
  auto reason = Reason::unconfirmed;
  while (w.delivery->ended(20 + attempts, Exit::abandonment, reason, now_ns) == End::again) {
    ++attempts;
    now_ns = w.sent_again_ns(20 + attempts, now_ns, kSecond / 100);
    reason = Reason::sink_failed;  // later failures do not count either
  }
  CHECK(attempts > 3);
  CHECK(now_ns < kNow + 60 * kSecond);
  CHECK(w.delivery->size() == 0);
}

TEST_CASE("what may have been done before a restart is not repeated") {
  World w;
  w.start("again", 20);
  CHECK(w.delivery->ended(20, Exit::abandonment, Reason::unknown_after_restart, kNow) ==
        End::given_up);
}

TEST_CASE(
    "what was sent unrecorded is repeated after a restart, under its key and as a possible "
    "duplicate") {
  World w;
  w.start("once", 20);
  REQUIRE(w.delivery->left_unrecorded(20));
  CHECK_FALSE(w.delivery->left_unrecorded(21));
  World thawed;
  REQUIRE(thawed.of.thaw(w.of.frozen(), 20));
  Delivery& restarted = *thawed.delivery;
  REQUIRE(restarted.ended(20, Exit::abandonment, Reason::unknown_after_restart, kNow) ==
          End::again);
  CHECK(thawed.sent_again_ns(30, kNow, kSecond / 100) < kNow + kSecond);
  const ActionIntent& again = restarted.intent(restarted.find(30));
  CHECK(again.root == 20);
  CHECK(again.possible_duplicate == 1);
  CHECK(restarted.ended(30, Exit::abandonment, Reason::sink_failed, kNow + kSecond) == End::again);
}

TEST_CASE("after a run that was killed, what may have left unrecorded is doubted for ten minutes") {
  tests::OneStage<Delivery> of(std::string(kSite) + R"([action.surely]
sink = "plain"
durable = "before"
[action.soon]
sink = "plain"
durable = "behind"
idempotent = true
)");
  REQUIRE(of.plan() != nullptr);
  const auto doubts = [&](std::int64_t now_ns) {
    std::string names;
    for (std::uint16_t a = 0; a < of.plan()->actions()->size(); ++a) {
      names +=
          of.stage().doubts(a, now_ns) ? of.plan()->actions()->Get(a)->name()->str() + " " : "";
    }
    return names;
  };
  CHECK(doubts(kNow) == "");
  of.stage().doubt(kNow);
  CHECK(doubts(kNow) == "once again soon ");
  REQUIRE(of.thaw(of.frozen()));
  CHECK(doubts(kNow + 600 * kSecond - 1) == "once again soon ");
  CHECK(doubts(kNow + 600 * kSecond) == "");
}

TEST_CASE("an order without an answer is overdue at its horizon, not before, the oldest first") {
  World w;
  w.start("once", 11);
  w.start("once", 10);
  CHECK(w.delivery->overdue(kNow + 10 * kSecond - 1) == Delivery::kNone);
  const std::size_t first = w.delivery->overdue(kNow + 10 * kSecond);
  REQUIRE(first != Delivery::kNone);
  CHECK(w.delivery->orders()[first].sequence == 10);
  w.delivery->give_up(first, kNow + 10 * kSecond);
  const std::size_t second = w.delivery->overdue(kNow + 10 * kSecond);
  REQUIRE(second != Delivery::kNone);
  CHECK(w.delivery->orders()[second].sequence == 11);
  w.delivery->give_up(second, kNow + 10 * kSecond);
  CHECK(w.delivery->size() == 0);
  CHECK_FALSE(w.delivery->any_due(kNow + 100 * kSecond));
}

TEST_CASE("a breaker opens after its failures, lets one attempt through, and closes by an answer") {
  World w;
  const std::uint16_t guarded = w.intent("again").sink;
  const auto state = [&] { return w.delivery->sink_state(guarded).breaker; };
  w.start("again", 20);
  w.start("again", 21);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  CHECK(state() == BreakerState::closed);
  CHECK(w.delivery->changed_sink() == Delivery::kNone);
  w.delivery->ended(21, Exit::abandonment, Reason::sink_failed, kNow);
  CHECK(state() == BreakerState::open);
  CHECK(w.delivery->changed_sink() == guarded);
  CHECK(w.delivery->changed_sink() == Delivery::kNone);  // reported once
  CHECK(w.start("again", 22) == Start::waits);
  CHECK(w.start("once", 23) == Start::dispatched);  // another sink is not affected
  for (std::uint64_t sequence = 30; w.delivery->failed() != Delivery::kNone; ++sequence) {
    w.delivery->next_attempt(w.delivery->failed(), sequence);
  }
  CHECK(w.delivery->due(kNow + 5 * kSecond - 1) == Delivery::kNone);
  const std::size_t probe = w.delivery->due(kNow + 5 * kSecond);
  REQUIRE(probe != Delivery::kNone);
  CHECK(w.delivery->orders()[probe].sequence == 22);
  CHECK(state() == BreakerState::half_open);
  CHECK(w.delivery->due(kNow + 6 * kSecond) == Delivery::kNone);  // one probe only
  SUBCASE("an answer closes it") {
    w.delivery->ended(22, Exit::success, Reason::applied, kNow + 6 * kSecond);
    CHECK(state() == BreakerState::closed);
    CHECK(w.delivery->sink_state(guarded).failures == 0);
    CHECK(w.delivery->due(kNow + 12 * kSecond) != Delivery::kNone);
  }
  SUBCASE("a failure opens it again, for as long") {
    w.delivery->ended(22, Exit::abandonment, Reason::sink_failed, kNow + 6 * kSecond);
    CHECK(state() == BreakerState::open);
    w.delivery->next_attempt(w.delivery->failed(), 40);
    CHECK(w.delivery->due(kNow + 11 * kSecond - 1) == Delivery::kNone);
    CHECK(w.delivery->due(kNow + 12 * kSecond) != Delivery::kNone);
  }
  SUBCASE("silence until the horizon is a failure") {
    const std::size_t order = w.delivery->overdue(kNow + 60 * kSecond);
    REQUIRE(order != Delivery::kNone);
    w.delivery->give_up(w.delivery->find(22), kNow + 60 * kSecond);
    CHECK(state() == BreakerState::open);
  }
}

TEST_CASE("an open breaker refuses at once what is not repeated") {
  World w;
  ActionIntent guarded = w.intent("again");
  ActionIntent once = w.intent("once");
  once.sink = guarded.sink;
  w.start("again", 20);
  w.start("again", 21);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->ended(21, Exit::abandonment, Reason::sink_failed, kNow);
  CHECK(w.delivery->start(22, EventClass::normal, once, kNow, kNow) == Start::sink_open);
  CHECK(w.delivery->find(22) == Delivery::kNone);
}

TEST_CASE(
    "a sink that answers nothing leaves places for the others, and nothing is taken beyond the "
    "bound") {
  World w;
  std::uint64_t sequence = 100;
  while (w.start("once", sequence) != Start::no_room) {
    ++sequence;
  }
  CHECK(w.delivery->size() == 6);  // three times the two free places
  CHECK(w.start("again", 200) == Start::dispatched);
  while (w.start("again", ++sequence) != Start::no_room) {
  }
  CHECK(w.delivery->size() <= 8);
  CHECK(w.delivery->find(100) != Delivery::kNone);
}

TEST_CASE("an order from outside is done once, whichever of its attempts it names") {
  World w;
  ActionIntent dead = w.intent("once");
  CHECK(w.delivery->requeue(50, dead, kNow) == Delivery::Requeued::ordered);
  CHECK(w.delivery->requeue(50, dead, kNow) == Delivery::Requeued::before);
  ActionIntent later = dead;
  later.root = 50;
  later.attempt = 1;
  CHECK(w.delivery->requeue(60, later, kNow) == Delivery::Requeued::before);
  CHECK(w.sent_again_ns(70, kNow, kSecond / 100) == kNow);
  CHECK(w.delivery->ended(70, Exit::success, Reason::applied, kNow) == End::done);
  CHECK(w.delivery->requeue(50, dead, kNow) == Delivery::Requeued::before);  // also later
  CHECK(w.delivery->fits_plan(dead));
  dead.action = 2;
  CHECK_FALSE(w.delivery->fits_plan(dead));
}

TEST_CASE("a cancelled order is gone, one between two attempts stays") {
  World w;
  w.start("once", 10);
  CHECK(w.delivery->cancel(10, kNow) == Delivery::Stage::sent);
  CHECK(w.delivery->cancel(10, kNow) == Delivery::Stage::free);
  w.start("again", 20);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  CHECK(w.delivery->cancel(20, kNow) == Delivery::Stage::free);
  w.delivery->next_attempt(w.delivery->failed(), 21);
  CHECK(w.delivery->cancel(21, kNow) == Delivery::Stage::waits);
  CHECK(w.delivery->size() == 0);
}

TEST_CASE(
    "a thawed delivery goes on as the frozen one, and damaged bytes are refused or kept to the "
    "plan") {
  World w;
  w.start("again", 20);
  w.start("again", 21);
  w.start("once", 22);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->ended(21, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->next_attempt(w.delivery->failed(), 30);
  w.delivery->next_attempt(w.delivery->failed(), 31);
  const auto state = w.of.frozen();
  REQUIRE(!state.empty());
  World thawed;
  Delivery* const other = thawed.delivery;
  REQUIRE(thawed.of.thaw(state, 31));
  for (std::int64_t now_ns = kNow; now_ns < kNow + 70 * kSecond; now_ns += kSecond / 10) {
    REQUIRE(other->size() == w.delivery->size());
    REQUIRE(other->sent() == w.delivery->sent());
    const std::size_t due = w.delivery->due(now_ns);
    REQUIRE(other->due(now_ns) == due);
    const std::size_t late = w.delivery->overdue(now_ns);
    REQUIRE(other->overdue(now_ns) == late);
    for (const std::size_t order : {late}) {
      if (order != Delivery::kNone) {
        w.delivery->give_up(order, now_ns);
        other->give_up(order, now_ns);
      }
    }
  }
  CHECK(other->size() == 0);
  // An event of the future, and every truncated length.
  CHECK_FALSE(World().of.thaw(state, 30));
  for (std::size_t bytes = 0; bytes < state.size(); bytes += 7) {
    CHECK_FALSE(thawed.of.thaw(Bytes(state.data(), bytes), 31));
  }
}

TEST_CASE("what waited for a sink goes out by level, the oldest first") {
  World w;
  w.start("again", 20);
  w.start("again", 21);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->ended(21, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->next_attempt(w.delivery->failed(), 22);
  w.delivery->next_attempt(w.delivery->failed(), 23);
  std::uint64_t sequence = 30;
  for (const Level level : {Level::info, Level::alarm, Level::warn, Level::alarm}) {
    ActionIntent intent = w.intent("again");
    intent.level = level;
    REQUIRE(w.delivery->start(sequence++, EventClass::high, intent, kNow, kNow) == Start::waits);
  }
  std::vector<std::uint64_t> went;
  for (std::size_t i = w.delivery->due(kNow + 6 * kSecond); i != Delivery::kNone;
       i = w.delivery->due(kNow + 6 * kSecond)) {
    went.push_back(w.delivery->orders()[i].sequence);
    w.delivery->ended(went.back(), Exit::success, Reason::applied, kNow + 6 * kSecond);
  }
  CHECK(went == std::vector<std::uint64_t>{31, 33, 32, 30, 22, 23});
}

TEST_CASE("a newer order supersedes what waits for the same reason about the same subject") {
  World w;
  w.start("again", 20);
  w.start("again", 21);
  w.delivery->ended(20, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->ended(21, Exit::abandonment, Reason::sink_failed, kNow);
  w.delivery->next_attempt(w.delivery->failed(), 22);
  w.delivery->next_attempt(w.delivery->failed(), 23);
  ActionIntent raised = w.intent("again");
  raised.subject.key = 5;
  REQUIRE(w.delivery->start(30, EventClass::high, raised, kNow, kNow) == Start::waits);
  ActionIntent cleared = raised;
  cleared.transition = Transition::cleared;
  CHECK(w.delivery->superseded(cleared, 30) == Delivery::kNone);  // not itself
  REQUIRE(w.delivery->superseded(cleared, 31) != Delivery::kNone);
  CHECK(w.delivery->orders()[w.delivery->superseded(cleared, 31)].sequence == 30);
  cleared.decision = 1;
  CHECK(w.delivery->superseded(cleared, 31) == Delivery::kNone);
  cleared.decision = raised.decision;
  cleared.subject.key = 6;
  CHECK(w.delivery->superseded(cleared, 31) == Delivery::kNone);
}

TEST_CASE("without `backoff` the retries of an action are spread over its horizon") {
  for (const int horizon : {1, 10, 60, 3600}) {
    for (const int retries : {1, 2, 5, 20, 100}) {
      CAPTURE(horizon);
      CAPTURE(retries);
      std::vector<std::uint8_t> bytes;
      const plan::Plan* plan = tests::load_site(
          "site = \"spread\"\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = "
          "\"ais\"\n[sink.log]\ndriver = \"log\"\n[action.tell]\nsink = \"log\"\nretries = " +
              std::to_string(retries) + "\nhorizon = \"" + std::to_string(horizon) + " s\"\n",
          bytes);
      REQUIRE(plan != nullptr);
      const plan::Action& a = *plan->actions()->Get(0);
      double pause = static_cast<double>(a.backoff_ns());
      double last = 0.0;
      for (int n = 0; n < retries; ++n) {
        last += pause;
        pause *= a.backoff_permille() / 1000.0;
      }
      const auto of = static_cast<double>(a.horizon_ns());
      CHECK(last * 1.25 <= of * 0.9001);
      CHECK((retries < 5 || last * 1.25 > of * (retries < 100 ? 0.8 : 0.5)));
    }
  }
}
