// What happens when a lane of the node's table is full: a test for each row. The node's threads are
// turned by hand.
#include "node/topology.hpp"

#include <unistd.h>

#include <filesystem>

#include "free_port.hpp"
#include "load_site.hpp"
#include "node/commands.hpp"
#include "node/engine_thread.hpp"
#include "node/post.hpp"
#include "node/recovery.hpp"
#include "platform/file.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

const plan::Plan* site(std::vector<std::uint8_t>& bytes, const std::string& driver) {
  const std::string text = R"(
site = "lanes"
[limits]
tracks = 2048
batch_events = 64
pending_actions = 4
journal = "64 MiB"
[source.in]
codec = "ais"
credits = 64
)" + driver + R"(
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.a]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
durable = "behind"
idempotent = true
horizon = "60 s"
[sink.log]
driver = "log"
)";
  return tests::load_site(text, bytes);
}

class Post {
 public:
  explicit Post(const std::string& driver = udp(tests::free_port())) {
    std::filesystem::remove_all(data_);
    plan_ = site(bytes_, driver);
    REQUIRE(plan_ != nullptr);
    rooms.emplace(*plan_);
    recovery.emplace(data_, bytes_, 1, *rooms, start_);
    REQUIRE(recovery->open_folder().message == "");
    REQUIRE(rooms->take_memory(true, start_.without).message == "");
    rooms->init(data_);
    REQUIRE(recovery->recover().message == "");
    REQUIRE(rooms->writer.prepare(recovery->writer_options()) == "");
    REQUIRE(rooms->ingress.init(rooms->arena, *plan_, rooms->devices, folder_,
                                std::vector<std::uint64_t>(1)) == "");
    REQUIRE(rooms->act.init(rooms->arena, *plan_, rooms->devices, &rooms->lanes.log) == "");
    rooms->lanes.order(*plan_, rooms->ingress);
    rooms->clock.start_scaled(1'700'000'000 * kSecond, 1.0);
    REQUIRE(recovery->begin_history().message == "");
    journalling.emplace(rooms->writer, rooms->mirror, rooms->lanes.batches);
    engine.emplace(*rooms, *journalling);
  }
  ~Post() { std::filesystem::remove_all(data_); }

  // A vessel's position, as ingress puts it; false when the source's lane is full.
  bool put(std::uint64_t mmsi) {
    Observation o;
    o.kind = IdentityKind::vessel;
    o.identity = mmsi;
    o.set(Field::position);
    o.latitude_e7 = 590'000'000;
    o.longitude_e7 = 240'000'000;
    EventHeader header{};
    header.observed_ns = header.received_ns = rooms->clock.now_ns();
    header.kind = EventKind::observation;
    header.event_class = EventClass::normal;
    header.record = records + 1;
    header.payload_bytes = sizeof o;
    std::atomic<std::uint64_t> full{0};
    const bool put = node::post(rooms->ingress.lane(0), header, bytes_of(o), full);
    records += put ? 1 : 0;
    return put;
  }
  void turn() { engine->turn(false, platform::monotonic_ns()); }
  std::uint64_t read(const std::atomic<std::uint64_t>& at) { return at.load(); }

  static std::string udp(std::uint16_t port) {
    return "driver = \"udp\"\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\n";
  }
  static std::string folder() { return folder_; }

 private:
  static inline const std::string folder_ = std::filesystem::temp_directory_path().string();
  std::string data_ = folder_ + "/vedette-lanes-" + std::to_string(::getpid());
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_ = nullptr;
  node::StartReport start_;

 public:
  std::optional<node::Rooms> rooms;
  std::optional<node::Recovery> recovery;
  std::optional<node::Journalling> journalling;
  std::optional<node::EngineThread> engine;
  std::uint64_t records = 0;  // put
};

template <std::size_t kBytes>
void fill(Lane& lane) {
  while (std::uint8_t* at = lane.reserve(kBytes)) {
    std::fill_n(at, kBytes, std::uint8_t{0});
    lane.commit(kBytes);
  }
}

void empty(Lane& lane) {
  while (!lane.peek().empty()) {
    lane.release();
  }
}

sink::Act::Order order(std::uint64_t sequence, std::int64_t now_ns) {
  sink::Act::Order order{};
  order.event.sequence = order.sent_by = sequence;
  order.event.kind = EventKind::action;
  order.event.observed_ns = order.ordered_ns = now_ns;
  return order;
}

}  // namespace

TEST_CASE("lane source, full: a lossy source refuses the event as lane-full and counts it") {
  const std::uint16_t port = tests::free_port();
  Post post(Post::udp(port));
  ingress::Ingress& ingress = post.rooms->ingress;
  if (const std::string problem = ingress.start_on_this_thread(); !problem.empty()) {
    MESSAGE("without io_uring: " << problem);
    return;
  }
  while (post.put(1)) {
  }
  auto sender = platform::open_udp_sender({INADDR_LOOPBACK, port});
  REQUIRE(sender.ok());
  constexpr std::string_view kSentence = "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n";
  REQUIRE(platform::send_now(sender.value().get(), as_bytes(kSentence)) == 0);
  const auto& refused =
      ingress.counters(0).refused[static_cast<std::size_t>(RefusalCause::lane_full)];
  for (int n = 0; n < 1'000'000 && refused.load() == 0; ++n) {
    ingress.step(post.rooms->clock);
  }
  CHECK(refused.load() == 1);
  CHECK(ingress.counters(0).accepted.load() == 0);
  ingress.stop_on_this_thread();
}

TEST_CASE("lane source, full: a recording pauses, and loses nothing") {
  const std::string name = "vedette-lanes-" + std::to_string(::getpid()) + ".nmea";
  std::string text;
  for (int n = 0; n < 500; ++n) {
    text += "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n";
  }
  REQUIRE(platform::write_file_durably(Post::folder() + "/" + name, as_bytes(text)) == 0);
  Post post("driver = \"recording\"\nfile = \"" + name + "\"\nspeed = \"max\"\n");
  ingress::Ingress& ingress = post.rooms->ingress;
  platform::NodeClock clock;
  clock.start_stepped(1'700'000'000 * kSecond);
  ingress.set_node_start(clock.now_ns());
  const auto& accepted = ingress.counters(0).accepted;
  const auto step = [&] {
    clock.advance_to(std::min(ingress.next_due_ns(), clock.now_ns() + kSecond));
    ingress.step(clock);
  };
  for (int n = 0; n < 1000; ++n) {
    step();
  }
  const std::uint64_t held = accepted.load();
  CHECK(held < 500);
  CHECK(held + 1 == ingress.lane(0).size());  // and that the source is up
  for (int n = 0; n < 2000; ++n) {
    step();
    empty(ingress.lane(0));
  }
  CHECK(accepted.load() == 500);
  CHECK(ingress.all_recordings_ended());
  std::filesystem::remove(Post::folder() + "/" + name);
}

TEST_CASE("lane commands, full: the request is refused and counted, and the next is taken") {
  Post post;
  node::Commands commands(*post.rooms);
  const vedette::Requeue hold = node::Commands::of_kind(CommandKind::hold);
  std::uint64_t last = 0;
  for (std::uint64_t n = commands.post(hold); n != 0; n = commands.post(hold)) {
    CHECK(n == last + 1);
    last = n;
  }
  CHECK(last == post.rooms->lanes.commands.capacity());
  CHECK(post.read(post.rooms->board.commands_refused) == 1);
  const request::Answer answer = commands.post_and_wait(hold);
  REQUIRE(std::holds_alternative<request::Refused>(answer));
  CHECK(std::get<request::Refused>(answer).why.find("too many commands") != std::string::npos);
  for (int n = 0; n < 4; ++n) {
    post.turn();
  }
  CHECK(commands.post(hold) == last + 1);
}

TEST_CASE("lane outcomes, full: a sink sends nothing whose outcome has no space") {
  Post post;
  sink::Act& act = post.rooms->act;
  Lane& outcomes = post.rooms->lanes.outcomes;
  fill<event_bytes(sizeof(ActionOutcome))>(outcomes);
  const std::int64_t now_ns = post.rooms->clock.now_ns();
  act.submit(order(1, now_ns), 0, now_ns, outcomes);
  act.step(0, now_ns, outcomes);
  CHECK(act.waiting() == 1);
  CHECK(act.counters(0).sent.load() == 0);
  empty(outcomes);
  act.step(0, now_ns, outcomes);
  CHECK(act.waiting() == 0);
  CHECK(act.counters(0).sent.load() == 1);
  CHECK(outcomes.size() == 1);
}

TEST_CASE("a sink has space for what a step orders in place of what it cancels") {
  Post post;
  sink::Act& act = post.rooms->act;
  Lane& outcomes = post.rooms->lanes.outcomes;
  fill<event_bytes(sizeof(ActionOutcome))>(outcomes);  // so that nothing is sent
  const std::int64_t now_ns = post.rooms->clock.now_ns();
  const std::uint64_t most = post.rooms->plan.limits()->pending_actions();
  for (std::uint64_t n = 1; n <= 2 * most; ++n) {
    act.submit(order(n, now_ns), 0, now_ns, outcomes);
  }
  CHECK(act.waiting() == 2 * most);
  for (std::uint64_t n = 1; n <= most; ++n) {
    act.withdraw(n);
  }
  CHECK(act.waiting() == most);
}

TEST_CASE("lane faults, full: the fault is no event but counted, and the engine goes on") {
  Post post;
  std::vector<node::StartReport::Finding> many(40, {Stage::unreadable, 1, ""});
  post.engine->begin(false, {}, many);
  const std::uint64_t lost = post.read(post.rooms->board.faults_lost);
  CHECK(lost != 0);
  CHECK(post.rooms->lanes.faults.size() + lost == many.size());
  while (post.rooms->lanes.faults.size() != 0) {
    post.turn();
  }
  CHECK(post.read(post.rooms->board.accepted) >= many.size() - lost);
}

TEST_CASE("lane batches, full: nothing is admitted, and nothing that waits is lost") {
  Post post;
  const auto batches = [&] { return post.read(post.rooms->board.batches); };
  std::uint64_t before = 1;
  for (std::uint64_t mmsi = 1; before != batches(); ++mmsi) {
    while (post.put(1 + mmsi % 500)) {
    }
    before = batches();
    for (int n = 0; n < 200; ++n) {
      post.turn();
      empty(post.rooms->lanes.log);
    }
  }
  const std::uint64_t accepted = post.read(post.rooms->board.accepted);
  const std::size_t waits = post.rooms->ingress.lane(0).size();
  CHECK(waits != 0);
  for (int n = 0; n < 100; ++n) {
    post.turn();
  }
  CHECK(post.read(post.rooms->board.accepted) == accepted);
  CHECK(post.rooms->ingress.lane(0).size() == waits);
  while (post.journalling->turn(platform::monotonic_ns())) {
  }
  for (int n = 0; n < 200; ++n) {
    post.turn();
    empty(post.rooms->lanes.log);
  }
  CHECK(post.rooms->ingress.lane(0).size() == 0);
  CHECK(post.rooms->shard.last_record(0) == post.records);
}

TEST_CASE("lane told, full: the line is lost and counted, and the journal has the event") {
  Post post;
  for (std::uint64_t mmsi = 1; post.read(post.rooms->board.untold) == 0; ++mmsi) {
    REQUIRE(mmsi < 2000);
    REQUIRE(post.put(mmsi));
    post.turn();
    empty(post.rooms->lanes.log);
    while (post.journalling->turn(platform::monotonic_ns())) {
    }
  }
  const std::uint64_t untold = post.read(post.rooms->board.untold);
  CHECK(post.rooms->lanes.told.size() + untold >= post.read(post.rooms->board.assessments));
  CHECK(post.rooms->writer.durable_sequence() == post.read(post.rooms->board.sequence));
}

TEST_CASE(
    "lane log, full: the attempt ends as sink-full, and the next goes out once it has space") {
  Post post;
  sink::Act& act = post.rooms->act;
  Lane& outcomes = post.rooms->lanes.outcomes;
  fill<64>(post.rooms->lanes.log);
  const std::int64_t now_ns = post.rooms->clock.now_ns();
  const auto reason_of = [&](std::uint64_t sequence) {
    act.submit(order(sequence, now_ns), 0, now_ns, outcomes);
    REQUIRE(outcomes.size() == 1);
    const auto* event = reinterpret_cast<const EventHeader*>(outcomes.peek().data());
    const Reason reason = payload_as<ActionOutcome>(*event).reason;
    outcomes.release();
    return reason;
  };
  CHECK(reason_of(1) == Reason::sink_full);
  CHECK(act.counters(0).failed.load() == 1);
  empty(post.rooms->lanes.log);
  CHECK(reason_of(2) == Reason::applied);
  CHECK(act.counters(0).sent.load() == 1);
}
