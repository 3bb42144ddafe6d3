// The MQTT client on any bytes from a broker, in two pieces; the first byte says where they part.
#include "edge/mqtt/client.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  mqtt::Client client({"fuzz", "", "", 1'000'000'000, {{"#"}, 1}});
  client.begin(0);
  const Bytes bytes(data + 1, size - 1);
  const std::size_t middle = bytes.size() * data[0] / 256;
  for (Bytes rest : {bytes.first(middle), bytes.subspan(middle)}) {
    mqtt::Publication out;
    for (std::size_t used = 1; used != 0 && !rest.empty(); rest = rest.subspan(used)) {
      used = client.feed(rest, 1, out);
      client.taken();
    }
    client.turn(2);
    client.sent(client.to_send().size());
  }
  return 0;
}
