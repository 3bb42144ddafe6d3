// Every codec on any bytes, as a stream and as a datagram; the first byte selects.
#include <array>
#include <optional>

#include "edge/codec/codec.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  static std::array<std::optional<codec::OwnDecoder>, kCodecKinds> decoders;
  const std::size_t kind = (data[0] & 3U) | (data[0] >> 1 & 0x7CU);  // all bits except the third
  auto& own = decoders[kind % kCodecKinds];
  if (!own) {
    own.emplace(static_cast<CodecKind>(kind % kCodecKinds));
  }
  codec::Decoder& decoder = own->get();
  const codec::Output out{nullptr,
                          [](void*, const codec::Message& message, Bytes) {
                            Observation observation;
                            codec::to_observation(message, observation);
                            std::string text;
                            JsonWriter<std::string> json(text);
                            json.begin_object();
                            codec::describe(message, json);
                            json.end_object();
                          },
                          [](void*, RefusalCause, Bytes) {}};
  const Bytes bytes(data + 1, size - 1);
  if ((data[0] & 4) != 0) {
    decoder.stream(bytes.first(bytes.size() / 2), 1, out);
    decoder.stream(bytes.subspan(bytes.size() / 2), 2, out);
    decoder.end_stream(3, out);
  } else {
    decoder.datagram(bytes, 1, out);
  }
  return 0;
}
