// Lines at the control socket, and answers: any bytes. A decoded request encodes to the same line;
// an encoded answer decodes to itself.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/text.hpp"
#include "model/request.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = as_text(Bytes(data, size));
  if (const auto asked = request::decode(line)) {
    CHECK(encode(asked.value()) == line, "a request has one line");
  }
  if (const auto answer = request::decode_answer(line)) {
    const std::string said = encode(*answer);
    const auto again = request::decode_answer(said);
    CHECK(again && encode(*again) == said, "an answer is read back");
  }
  return 0;
}
