// Purpose: what would make a refused frame readable. In: the codec that refused it, the cause, the
// frame or its beginning. Out: one sentence; empty when nothing is known. Runs on: cold threads; it
// allocates and tries every codec.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "model/codec_kinds.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

std::string advice(CodecKind codec, RefusalCause cause, Bytes frame);

}  // namespace vedette::codec
