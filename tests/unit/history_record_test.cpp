#include "node/history_record.hpp"

#include <string>

#include "test.hpp"

using namespace vedette;

TEST_CASE("a history record of which any byte is changed, or that ends early, is not believed") {
  const node::HistoryRecord record{7, 12, 34567, 89012};
  const std::string text = node::history_text(record);
  const auto read = node::parse_history(text);
  REQUIRE(read.has_value());
  CHECK(read->epoch == 7);
  CHECK(read->segment == 12);
  CHECK(read->batch == 34567);
  CHECK(read->sequence == 89012);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string spoilt = text;
    spoilt[i] = static_cast<char>(spoilt[i] ^ 1);
    CHECK_FALSE(node::parse_history(spoilt).has_value());
    CHECK_FALSE(node::parse_history(text.substr(0, i)).has_value());
  }
  CHECK_FALSE(node::parse_history(text + " ").has_value());
}
