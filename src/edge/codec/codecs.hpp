// Purpose: the codec classes, one row each, in the order of model/codec_kinds.hpp. A new codec is
// its own file, a row there and a row here; plain_codec.hpp gives the interface.
#pragma once

#include <tuple>
#include <type_traits>
#include <variant>

#include "edge/codec/adsb.hpp"
#include "edge/codec/asterix.hpp"
#include "edge/codec/mavlink.hpp"
#include "edge/codec/n2k.hpp"
#include "edge/codec/nmea0183.hpp"

namespace vedette::codec {

template <typename... Codec>
struct CodecList {
  using State = std::variant<Codec...>;
  using Message = std::variant<const typename Codec::Message*...>;

  // Calls `visit` with a std::type_identity of the codec of that kind.
  template <typename Visit>
  static constexpr void with(CodecKind kind, Visit&& visit) {
    ((Codec::kKind == kind ? visit(std::type_identity<Codec>{}) : void()), ...);
  }
  static constexpr bool in_order() {
    std::size_t at = 0;
    return ((static_cast<std::size_t>(Codec::kKind) == at++) && ...) && at == kCodecKinds;
  }
};

using Codecs = CodecList<NmeaCodec,     //
                         N2kCodec,      //
                         MavlinkCodec,  //
                         AdsbCodec,     //
                         AsterixCodec>;
static_assert(Codecs::in_order(), "the rows of model/codec_kinds.hpp, in their order");

}  // namespace vedette::codec
