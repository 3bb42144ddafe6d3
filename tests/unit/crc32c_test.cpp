#include "base/crc32c.hpp"

#include <vector>

#include "test.hpp"

using namespace vedette;

TEST_CASE("CRC-32C gives the check value of its definition") {
  CHECK(crc32c(as_bytes("123456789")) == 0xE3069283U);
  CHECK(crc32c_by_table(as_bytes("123456789")) == 0xE3069283U);
}

TEST_CASE("CRC-32C by instruction and by table agree at every length and split") {
  std::vector<std::uint8_t> bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const Bytes all(bytes.data(), length);
    const std::uint32_t whole = crc32c_by_table(all);
    CHECK(crc32c(all) == whole);
    CHECK(crc32c(all.subspan(length / 3), crc32c(all.first(length / 3))) == whole);
  }
}
