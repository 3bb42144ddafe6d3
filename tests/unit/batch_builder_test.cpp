#include "core/engine/batch_builder.hpp"

#include <vector>

#include "model/derived.hpp"
#include "model/observation.hpp"
#include "test.hpp"

using namespace vedette;
using engine::BatchBuilder;
using engine::Progress;

namespace {

constexpr std::size_t kMost = 64 << 10;

struct World {
  World() : memory(Lane::bytes_needed(8, 4 * kMost) + 4096) {
    Arena arena(memory.data(), memory.size());
    lane.init(arena, 8, 4 * kMost);
  }
  bool begin(std::size_t inputs = 1, std::size_t most = kMost) {
    return builder.begin(lane, most, inputs, progress, 7, 1000, 2000);
  }
  EventHeader* input(std::uint64_t identity) {
    Observation o{};
    o.identity = identity;
    EventHeader header{};
    header.kind = EventKind::observation;
    header.event_class = EventClass::normal;
    return builder.add_input(header, bytes_of(o));
  }
  EventHeader* derived(std::uint64_t cause) {
    return builder.add_derived(EventKind::mode, EventClass::high, cause, ModeChange{});
  }
  std::vector<std::uint8_t> memory;
  Lane lane;
  Progress progress{};
  BatchBuilder builder;
};

std::uint64_t total(const Progress& p) {
  return p.waiting + p.transient + p.exits[0] + p.exits[1] + p.exits[2];
}

}  // namespace

TEST_CASE("a sealed batch says what is in it, goes to the lane, and the next one follows it") {
  World w;
  w.progress.batch_number = 4;
  w.progress.last_sequence = 90;
  w.progress.digest = 12345;
  REQUIRE(w.begin());
  CHECK(w.lane.peek().empty());  // an unsealed batch is invisible
  EventHeader* first = w.input(501);
  CHECK(first->sequence == 91);
  w.builder.resolve(*first, Exit::success, Reason::applied);
  w.builder.dispatch(*w.input(502));
  EventHeader* made = w.derived(91);
  REQUIRE(made != nullptr);
  CHECK(made->cause == 91);
  CHECK(made->received_ns == 1000);
  w.builder.cut_at(3);
  const Bytes sealed = w.builder.seal(w.lane, w.progress, 77);
  const auto seen = w.lane.peek();
  REQUIRE(Bytes(seen).data() == sealed.data());
  REQUIRE(seen.size() == sealed.size());
  BatchHeader header{};
  std::memcpy(&header, sealed.data(), sizeof header);
  CHECK(header.magic == kBatchMagic);
  CHECK(header.bytes == sealed.size());
  CHECK(header.number == 5);
  CHECK(header.first_sequence == 91);
  CHECK(header.input_count == 2);
  CHECK(header.derived_count == 1);
  CHECK(header.cut == 3);
  CHECK(header.epoch == 7);
  CHECK(header.digest_before == 12345);
  CHECK(header.accepted == 3);
  CHECK(header.waiting == 1);
  CHECK(header.transient == 1);
  CHECK(header.exits[0] == 1);
  std::vector<std::uint64_t> sequences;
  REQUIRE(for_each_event(sealed, [&](const EventHeader& e, Bytes payload) {
    sequences.push_back(e.sequence);
    CHECK(payload.size() == e.payload_bytes);
  }));
  CHECK(sequences == std::vector<std::uint64_t>{91, 92, 93});
  CHECK(w.progress.batch_number == 5);
  CHECK(w.progress.last_sequence == 93);
  CHECK(w.progress.digest == header.digest);
  CHECK(w.progress.admitted_ns == 1000);
  REQUIRE(w.begin());
  CHECK(w.builder.header().cut == kNotCut);
  CHECK(w.builder.header().digest_before == header.digest);
  CHECK(w.builder.header().number == 6);
}

TEST_CASE(
    "what went on from earlier batches leaves by later ones, and nothing is lost on the way") {
  World w;
  REQUIRE(w.begin());
  for (std::uint64_t n = 0; n < 5; ++n) {
    EventHeader* event = w.input(n);
    if (n == 0) {
      w.builder.dispatch(*event);
    }
  }
  w.builder.seal(w.lane, w.progress, 0);
  CHECK(w.progress.waiting == 4);
  REQUIRE(w.begin());
  w.builder.resolve_earlier(Exit::retraction);
  w.builder.resolve_waiting(Exit::abandonment);
  w.builder.dispatch_waiting();
  w.builder.resolve_waiting(Exit::success);
  w.builder.seal(w.lane, w.progress, 0);
  CHECK(w.progress.accepted == 5);
  CHECK(w.progress.waiting == 1);
  CHECK(w.progress.transient == 1);
  CHECK(w.progress.exits[0] == 1);
  CHECK(w.progress.exits[1] == 1);
  CHECK(w.progress.exits[2] == 1);
  CHECK(total(w.progress) == w.progress.accepted);
}

TEST_CASE(
    "the bytes and the digest are the same wherever a batch is made and however often it settles") {
  std::vector<std::uint8_t> bytes[4];
  for (std::size_t variant = 0; variant < 4; ++variant) {
    World w;
    REQUIRE(w.begin(variant % 2 == 0 ? 1 : 1000));  // in small memory, or in the lane
    for (std::uint64_t n = 0; n < 60; ++n) {        // exceeds the small memory
      w.input(n);
      if (variant / 2 != 0) {
        w.builder.settle();
      }
    }
    for (std::uint64_t n = 1; n <= 60; ++n) {
      w.derived(n);
      if (variant / 2 != 0) {
        w.builder.settle();
      }
    }
    const Bytes sealed = w.builder.seal(w.lane, w.progress, 5);
    bytes[variant].assign(sealed.begin(), sealed.end());
  }
  CHECK(bytes[0] == bytes[1]);
  CHECK(bytes[0] == bytes[2]);
  CHECK(bytes[0] == bytes[3]);
}

TEST_CASE(
    "everything in a batch is in its digest: an input, its last one, the cut, the belief, the "
    "epoch") {
  enum Change { none, input, last, cut, belief };
  std::uint64_t digests[5];
  for (const Change change : {none, input, last, cut, belief}) {
    World w;
    REQUIRE(w.begin());
    for (std::uint64_t n = 0; n < 9; ++n) {
      w.input(change == input && n == 2 ? 99 : change == last && n == 8 ? 99 : n);
    }
    w.builder.cut_at(change == cut ? 4 : 5);
    w.builder.seal(w.lane, w.progress, change == belief ? 8 : 9);
    digests[change] = w.progress.digest;
  }
  for (const Change change : {input, last, cut, belief}) {
    CHECK(digests[change] != digests[none]);
  }
}

TEST_CASE("a place stays the event's when the batch moves to the lane") {
  World w;
  REQUIRE(w.begin());
  const std::size_t place = w.builder.place_of(*w.input(1));
  for (std::uint64_t n = 2; n < 60; ++n) {
    w.input(n);
  }
  CHECK(w.builder.event_at(place).sequence == 1);
  w.builder.resolve(w.builder.event_at(place), Exit::success, Reason::applied);
  const Bytes sealed = w.builder.seal(w.lane, w.progress, 0);
  for_each_event(sealed, [&](const EventHeader& e, Bytes) {
    CHECK(e.state.phase() == (e.sequence == 1 ? Phase::resolved : Phase::accepted));
  });
}

TEST_CASE("a batch that is full takes no more, and none begins while the journal is behind") {
  World w;
  const std::size_t one = event_bytes(sizeof(ModeChange));
  REQUIRE(w.begin(1, sizeof(BatchHeader) + 3 * one));
  CHECK(w.derived(0) != nullptr);
  CHECK(w.derived(0) != nullptr);
  CHECK(w.derived(0) != nullptr);
  CHECK(w.derived(0) == nullptr);
  CHECK(w.builder.derived() == 3);
  const Bytes sealed = w.builder.seal(w.lane, w.progress, 0);
  CHECK(sealed.size() == sizeof(BatchHeader) + 3 * one);
  std::size_t more = 0;
  while (w.begin()) {
    for (int n = 0; n < 180; ++n) {
      w.derived(0);
    }
    w.builder.seal(w.lane, w.progress, 0);
    ++more;
  }
  CHECK(more > 2);
  CHECK(w.lane.size() == more + 1);
  w.lane.release(2);
  CHECK(w.begin());
}
