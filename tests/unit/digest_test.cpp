#include "base/digest.hpp"

#include <set>
#include <vector>

#include "test.hpp"

using namespace vedette;

namespace {

std::vector<std::uint8_t> some_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  std::uint64_t state = 1;
  for (std::uint8_t& b : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    b = static_cast<std::uint8_t>(state >> 56);
  }
  return bytes;
}

std::uint64_t digest_of(Bytes bytes) {
  Digest digest;
  digest.mix(bytes);
  return digest.value();
}

}  // namespace

TEST_CASE("a digest is the same with vectors and without, at any length and address") {
  const std::vector<std::uint8_t> bytes = some_bytes(1200);
  for (std::size_t length = 64; length < 1100; length += length < 200 ? 1 : 37) {
    for (const std::size_t from : {0UL, 1UL, 8UL, 15UL}) {
      const Bytes part = Bytes(bytes).subspan(from, length);
      CHECK(digest_of_long(part, length) == digest_of_long_scalar(part, length));
      CHECK(digest_of_long_base(part, length) == digest_of_long_scalar(part, length));
    }
  }
  // Journals hold these values: changing one needs a new version.
  CHECK(digest_of(Bytes(bytes).first(40)) == 5331468596846029638U);
  CHECK(digest_of(bytes) == 17712000487832082234U);
}

TEST_CASE("pieces mixed in one behind the other give the digest of them all") {
  const std::vector<std::uint8_t> bytes = some_bytes(15 * RoundsDigest::kRoundBytes);
  RoundsDigest digest(7);
  std::size_t at = 0;
  for (std::size_t rounds = 1; rounds <= 5; ++rounds) {
    const std::size_t piece = rounds * RoundsDigest::kRoundBytes;
    digest.mix(Bytes(bytes).subspan(at, piece));
    at += piece;
    CHECK(digest.value() == digest_of_long_scalar(Bytes(bytes).first(at), 7));
  }
}

TEST_CASE("one changed bit, two changed places or another length give another digest") {
  std::vector<std::uint8_t> bytes = some_bytes(336);
  std::set<std::uint64_t> seen{digest_of(bytes)};
  std::size_t count = 1;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit, ++count) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    seen.insert(digest_of(bytes));
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
  for (std::size_t a = 0; a < bytes.size(); a += 8) {
    for (std::size_t b = a + 8; b < bytes.size(); b += 8, ++count) {
      std::swap_ranges(bytes.data() + a, bytes.data() + a + 8, bytes.data() + b);
      seen.insert(digest_of(bytes));
      std::swap_ranges(bytes.data() + a, bytes.data() + a + 8, bytes.data() + b);
    }
  }
  CHECK(seen.size() == count);
  const std::vector<std::uint8_t> zeros(400, 0);
  std::set<std::uint64_t> lengths;
  for (std::size_t length = 0; length <= zeros.size(); ++length) {
    lengths.insert(digest_of(Bytes(zeros).first(length)));
  }
  CHECK(lengths.size() == zeros.size() + 1);
}

TEST_CASE("words: any bit, two words that change places, and one that takes from another show") {
  constexpr std::size_t kWords = 24;
  std::vector<std::uint64_t> words;
  for (std::uint64_t i = 0; i < kWords; ++i) {
    words.push_back(i * i * 1000);
  }
  const auto digest_of_words = [&] {
    vedette::WordsDigest digest;
    for (const std::uint64_t word : words) {
      digest.mix(word);
    }
    return digest.value();
  };
  std::set<std::uint64_t> seen{digest_of_words()};
  std::size_t count = 1;
  for (std::size_t bit = 0; bit < kWords * 64; ++bit, ++count) {
    words[bit / 64] ^= std::uint64_t{1} << bit % 64;
    seen.insert(digest_of_words());
    words[bit / 64] ^= std::uint64_t{1} << bit % 64;
  }
  for (std::size_t a = 0; a < kWords; ++a) {
    for (std::size_t b = a + 1; b < kWords; ++b, ++count) {
      std::swap(words[a], words[b]);
      seen.insert(digest_of_words());
      std::swap(words[a], words[b]);
    }
    for (std::size_t b = 0; b < kWords; ++b) {
      for (std::uint64_t by = 5; a != b && by < 8; ++by, ++count) {  // beside what one bit makes
        words[a] += by, words[b] -= by;
        seen.insert(digest_of_words());
        words[a] -= by, words[b] += by;
      }
    }
  }
  CHECK(seen.size() == count);
}
