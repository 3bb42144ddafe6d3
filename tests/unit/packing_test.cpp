#include "edge/journal/packing.hpp"

#include <cstring>
#include <random>
#include <vector>

#include "test.hpp"

using namespace vedette;

namespace {

std::mt19937_64 random_numbers(9);

// Events of every kind and length, some similar to the last and some not.
std::vector<std::uint8_t> some_batch(std::uint64_t number) {
  std::vector<std::uint8_t> bytes(sizeof(BatchHeader));
  const std::size_t events = random_numbers() % 30;
  for (std::size_t i = 0; i < events; ++i) {
    EventHeader event{};
    event.sequence = number * 100 + i;
    event.observed_ns = static_cast<std::int64_t>(number) * 1'000'003;
    event.received_ns = random_numbers() % 4 == 0 ? -1 : event.observed_ns;
    event.kind = static_cast<EventKind>(random_numbers() % 3 == 0 ? 32 + random_numbers() % 8
                                                                  : 1 + random_numbers() % 6);
    event.payload_bytes = static_cast<std::uint16_t>(
        random_numbers() % 8 == 0 ? kPayloadBytes : random_numbers() % 300);
    const std::size_t at = bytes.size();
    bytes.resize(at + event_bytes(event.payload_bytes));
    std::memcpy(bytes.data() + at, &event, sizeof event);
    const bool noise = random_numbers() % 4 == 0;
    for (std::size_t b = 0; b < event.payload_bytes; ++b) {
      bytes[at + sizeof event + b] =
          static_cast<std::uint8_t>(noise || b % 9 == 0 ? random_numbers() : b);
    }
  }
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.number = number;
  header.bytes = static_cast<std::uint32_t>(bytes.size());
  header.digest = random_numbers();
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace

TEST_CASE("batches that are packed unpack to the same bytes") {
  journal::Packer packer;
  std::vector<std::uint8_t> room(1 << 20);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint8_t> all;
    packer.begin(room);
    for (std::uint64_t n = 1; n < 20; ++n) {
      const std::vector<std::uint8_t> batch = some_batch(n);
      REQUIRE(packer.add(batch));
      all.insert(all.end(), batch.begin(), batch.end());
    }
    std::vector<std::uint8_t> again(all.size());
    REQUIRE(journal::unpack(Bytes(room).first(packer.bytes()), again));
    REQUIRE(again == all);
    // Refuses a wrong output size, and truncated input.
    std::vector<std::uint8_t> other(all.size() + 8);
    CHECK_FALSE(journal::unpack(Bytes(room).first(packer.bytes()), other));
    other.resize(all.size() - 8);
    CHECK_FALSE(journal::unpack(Bytes(room).first(packer.bytes()), other));
    CHECK_FALSE(journal::unpack(Bytes(room).first(packer.bytes() - 1), again));
  }
}

TEST_CASE("a batch that might not fit is left out whole, whatever is in it") {
  journal::Packer packer;
  for (std::size_t size = 0; size < 20'000; size += 97) {
    std::vector<std::uint8_t> room(size + 16, 0xA5);
    packer.begin(std::span(room).first(size));
    std::vector<std::uint8_t> all;
    for (std::uint64_t n = 1; n < 6; ++n) {
      const std::vector<std::uint8_t> batch = some_batch(n);
      const std::size_t before = packer.bytes();
      if (packer.add(batch)) {
        all.insert(all.end(), batch.begin(), batch.end());
      } else {
        CHECK(packer.bytes() == before);
      }
    }
    REQUIRE(packer.bytes() <= size);
    for (std::size_t i = size; i < room.size(); ++i) {
      REQUIRE(room[i] == 0xA5);
    }
    std::vector<std::uint8_t> again(all.size());
    CHECK(journal::unpack(Bytes(room).first(packer.bytes()), again));
    CHECK(again == all);
  }
}

TEST_CASE("positions that follow each other take an eighth of their bytes") {
  journal::Packer packer;
  std::vector<std::uint8_t> room(1 << 20);
  packer.begin(room);
  std::vector<std::uint8_t> batch(sizeof(BatchHeader));
  for (std::uint64_t i = 0; i < 64; ++i) {
    EventHeader event{};
    event.sequence = i;
    event.record = i;
    event.observed_ns = event.received_ns = static_cast<std::int64_t>(i) * 1'000'000;
    event.kind = EventKind::observation;
    event.payload_bytes = 136;
    std::vector<std::uint8_t> bytes(event_bytes(136));
    const std::uint64_t said[] = {i * 7919 % 1000, 0, 15, 500'000'000 + i * 300};
    std::memcpy(bytes.data(), &event, sizeof event);
    std::memcpy(bytes.data() + sizeof event, said, sizeof said);
    batch.insert(batch.end(), bytes.begin(), bytes.end());
  }
  REQUIRE(packer.add(batch));
  CHECK(packer.bytes() < batch.size() / 8);
}
