#include "platform/unpacker.hpp"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace vedette::platform {
namespace {

using Step = Unpacker::Packing::Step;

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kHeadBytes = 4;  // say how a file is packed; a pipe may deliver single ones
constexpr const char* kNoMemory = "no memory";

// RFC 1952.
class Gzip final : public Unpacker::Packing {
 public:
  static bool is(Bytes head) { return head.size() >= 2 && head[0] == 0x1F && head[1] == 0x8B; }

  Gzip() : started_(::inflateInit2(&zip_, kGzipOnly) == Z_OK) {}
  ~Gzip() override {
    if (started_) {
      ::inflateEnd(&zip_);
    }
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  const char* name() const override { return "gzip"; }
  bool begins(std::uint8_t first) const override { return first == 0x1F; }
  Step unpack(Bytes piece, std::vector<std::uint8_t>& room) override {
    if (!started_) {
      return {.damage = kNoMemory};
    }
    zip_.next_in = const_cast<std::uint8_t*>(piece.data());
    zip_.avail_in = static_cast<unsigned>(piece.size());
    zip_.next_out = room.data();
    zip_.avail_out = static_cast<unsigned>(room.size());
    const int result = ::inflate(&zip_, Z_NO_FLUSH);
    Step step{piece.size() - zip_.avail_in, room.size() - zip_.avail_out, result == Z_STREAM_END};
    if (step.ended) {
      ::inflateReset(&zip_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      step.damage = zip_.msg != nullptr ? zip_.msg : kNoMemory;
    }
    return step;
  }

 private:
  static constexpr int kGzipOnly = 16 + MAX_WBITS;

  z_stream zip_{};
  bool started_;
};

// RFC 8878; a file may begin with a frame to be skipped.
class Zstd final : public Unpacker::Packing {
 public:
  static bool is(Bytes head) {
    if (head.size() < kHeadBytes) {
      return false;
    }
    const auto mark = load_le<std::uint32_t>(head.data());
    return mark == ZSTD_MAGICNUMBER || (mark & ZSTD_MAGIC_SKIPPABLE_MASK) == kSkipped;
  }

  Zstd() : stream_(::ZSTD_createDStream()) {
    if (stream_ != nullptr) {
      ::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kWindowBits);
    }
  }
  ~Zstd() override { ::ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  const char* name() const override { return "zstd"; }
  bool begins(std::uint8_t first) const override {
    return first == (ZSTD_MAGICNUMBER & 0xFF) || (first & 0xF0) == (kSkipped & 0xF0);
  }
  Step unpack(Bytes piece, std::vector<std::uint8_t>& room) override {
    if (stream_ == nullptr) {
      return {.damage = kNoMemory};
    }
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const std::size_t result = ::ZSTD_decompressStream(stream_, &out, &in);
    Step step{in.pos, out.pos, result == 0};
    step.looks_far = ::ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
    if (::ZSTD_isError(result) != 0) {
      step.damage = ::ZSTD_getErrorName(result);
    }
    return step;
  }

 private:
  static constexpr std::uint32_t kSkipped = ZSTD_MAGIC_SKIPPABLE_START;

  ZSTD_DStream* stream_;
};

}  // namespace

Unfit Unpacker::put(Bytes piece) {
  read_ += piece.size();
  if (known_) {
    return put_known(piece);
  }
  head_.insert(head_.end(), piece.begin(), piece.end());
  if (head_.size() < kHeadBytes) {
    return std::nullopt;
  }
  begin();
  return put_known(head_);
}

Unfit Unpacker::end() {
  if (!known_) {
    begin();
    if (const Unfit unfit = put_known(head_)) {
      return unfit;
    }
  }
  if (packing_ == nullptr || between_) {
    return std::nullopt;
  }
  return "its " + std::string(packing_->name()) + " data ends too soon: " + std::to_string(read_) +
         " bytes unpack to " + std::to_string(out_.size()) + ", the rest is missing";
}

void Unpacker::begin() {
  known_ = true;
  if (Gzip::is(head_)) {
    packing_ = std::make_unique<Gzip>();
  } else if (Zstd::is(head_)) {
    packing_ = std::make_unique<Zstd>();
  }
  room_.resize(packing_ != nullptr ? kPiece : 0);
}

Unfit Unpacker::put_known(Bytes piece) {
  if (packing_ != nullptr) {
    return unpack(piece);
  }
  out_.insert(out_.end(), piece.begin(), piece.end());
  return too_large();
}

Unfit Unpacker::too_large() const {
  if (out_.size() > bounds_.bytes) {
    return "it holds more than " + std::to_string(bounds_.bytes >> 20) + " MiB";
  }
  return std::nullopt;
}

// A packed file may hold several members and trailing zeros.
bool Unpacker::next_member(Bytes& piece) {
  while (!piece.empty() && piece[0] == 0) {
    padding_ = true;
    piece = piece.subspan(1);
  }
  return !piece.empty() && !padding_ && packing_->begins(piece[0]);
}

Unfit Unpacker::unpack(Bytes piece) {
  const std::string data = "its " + std::string(packing_->name()) + " data";
  // Both libraries take their last byte once all content is out.
  while (!piece.empty()) {
    if (between_) {
      if (!next_member(piece)) {
        return piece.empty() ? Unfit{}
                             : "something else follows " + data + " at byte " +
                                   std::to_string(read_ - piece.size());
      }
      between_ = false;
    }
    const Step step = packing_->unpack(piece, room_);
    out_.insert(out_.end(), room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(step.made));
    piece = piece.subspan(step.taken);
    if (step.looks_far) {
      return data + " looks back more than " + std::to_string((1 << kWindowBits) >> 20) +
             " MiB: unpack it, or pack it with --long=" + std::to_string(kWindowBits) + " at most";
    }
    if (step.damage != nullptr) {
      return data + " is damaged before byte " + std::to_string(read_ - piece.size()) + " (" +
             step.damage + "), after " + std::to_string(out_.size()) + " unpacked bytes";
    }
    between_ = step.ended;
    if (out_.size() > bounds_.free_bytes &&
        (out_.size() - bounds_.free_bytes) / bounds_.ratio > read_) {
      return data + " unpacks to more than " + std::to_string(bounds_.ratio) +
             " times its size: " + std::to_string(out_.size()) + " bytes from " +
             std::to_string(read_) + " so far";
    }
    if (const Unfit unfit = too_large()) {
      return unfit;
    }
  }
  return std::nullopt;
}

}  // namespace vedette::platform
