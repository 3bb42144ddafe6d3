// What the trust room reads of others: the first byte says what it is; DER is given as a chain, or
// in PEM.
#include <string>

#include "edge/trust/trust.hpp"

using namespace vedette;

namespace {

std::string in_pem(const char* label, Bytes der) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = std::string("-----BEGIN ") + label + "-----\n";
  for (std::size_t i = 0; i + 2 < der.size(); i += 3) {
    const unsigned bits = unsigned{der[i]} << 16 | unsigned{der[i + 1]} << 8 | unsigned{der[i + 2]};
    for (const unsigned shift : {18U, 12U, 6U, 0U}) {
      text += kDigits[bits >> shift & 63];
    }
    text += i % 48 == 45 ? "\n" : "";
  }
  return text + "\n-----END " + label + "-----\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  const Bytes rest(data + 1, size - 1);
  const std::string text(rest.begin(), rest.end());
  static const std::string root = [] {
    const auto key = trust::new_key();
    return *trust::certify({{}, *key}, trust::Kind::root, {"fleet", "root", {}, {}},
                           *trust::public_key(*key), {0, 2'000'000'000});
  }();
  switch (data[0] % 6) {
    case 0:
      (void)trust::judge(std::span(&rest, 1), {root, {}, {}, {}, 0, true});
      break;
    case 1:
      (void)trust::read_certificate(in_pem("CERTIFICATE", rest));
      break;
    case 2:
      (void)trust::read_request(in_pem("CERTIFICATE REQUEST", rest));
      break;
    case 3:
      (void)trust::read_list(in_pem("X509 CRL", rest));
      break;
    case 4:
      (void)trust::parse_uri(text);
      break;
    default:
      (void)trust::judge(text, {root, text, {}, {}, 0, true});
      (void)trust::judge_list(text, text, {root, {}, {}, {}, 0, true});
      break;
  }
  return 0;
}
