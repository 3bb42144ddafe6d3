// The record of batches whose replay differed.
#include "node/mismatches.hpp"

#include "test.hpp"

using namespace vedette;
using node::Mismatch;
using node::Mismatches;

TEST_CASE(
    "a record of mismatches of which any byte is changed, or that ends early, counts as none") {
  Mismatches kept;
  kept.add({Mismatch::Wrong::mirror, 40, 0, 0, 20, 1, 1'700'000'000'000'000'000});
  kept.add({Mismatch::Wrong::engine, 90, 80, 95, 60, 2, 1'700'000'100'000'000'000});
  const std::string text = kept.text();
  Mismatches read;
  REQUIRE(Mismatches::parse(text, read));
  CHECK(read.text() == text);
  CHECK(read.all().size() == 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(!Mismatches::parse(changed, read));
    CHECK(!Mismatches::parse(std::string_view(text).substr(0, i), read));
  }
}

TEST_CASE(
    "batches are suspect from where the engine was wrong, states from the last sound one on") {
  Mismatches kept;
  kept.add({Mismatch::Wrong::mirror, 40, 0, 0, 20, 1, 0});
  kept.add({Mismatch::Wrong::engine, 90, 80, 95, 60, 2, 0});
  CHECK(!kept.suspect(30, 1));  // the mirror's states may be wrong, the record is right
  CHECK(kept.distrusts(21));
  CHECK(kept.distrusts(40));
  CHECK(!kept.distrusts(41));
  CHECK(!kept.suspect(79, 2));
  CHECK(kept.suspect(80, 2));
  CHECK(kept.suspect(95, 2));
  CHECK(!kept.suspect(96, 2));
  CHECK(!kept.distrusts(60));
  CHECK(kept.distrusts(61));
  CHECK(!kept.distrusts(96));
  CHECK(kept.open() == nullptr);
  kept.add({Mismatch::Wrong::engine, 190, 180, 0, 160, 3, 0});
  REQUIRE(kept.open() != nullptr);
  CHECK(kept.suspect(1000, 3));  // to the end of its run
  CHECK(!kept.suspect(1000, 4));
  CHECK(kept.distrusts(1000));
}

TEST_CASE("the third mismatch within an hour is one too many") {
  Mismatches kept;
  kept.add({Mismatch::Wrong::mirror, 1, 0, 0, 0, 1, 0});
  CHECK(!kept.too_many(Mismatches::kWithinNs - 1));
  kept.add({Mismatch::Wrong::engine, 2, 2, 2, 0, 1, 10});
  CHECK(kept.too_many(Mismatches::kWithinNs - 1));
  CHECK(!kept.too_many(Mismatches::kWithinNs));
  for (std::uint64_t n = 0; n < 100; ++n) {
    kept.add({Mismatch::Wrong::told, n, 0, 0, 0, 1, 0});
  }
  CHECK(kept.all().size() == Mismatches::kMost);
}
