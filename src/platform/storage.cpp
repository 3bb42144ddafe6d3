#include "platform/storage.hpp"

#include <cerrno>

namespace vedette::platform {

Result<StorageFile, int> Folder::open(const std::string& name, OpenFor purpose) const {
  const auto file = storage_.calls->open(storage_.disk, path_of(name), purpose);
  if (!file) {
    return Failure{file.error()};
  }
  return StorageFile(storage_, file.value());
}

bool Folder::read_at(const std::string& name, std::uint64_t at,
                     std::span<std::uint8_t> into) const {
  const auto file = open(name, OpenFor::reading);
  return file && file.value().read_whole(at, into);
}

Result<std::vector<std::uint8_t>, int> Folder::read(const std::string& name,
                                                    std::size_t limit) const {
  const auto file = open(name, OpenFor::reading);
  const auto size = file ? file.value().size() : Failure{file.error()};
  if (!size) {
    return Failure{size.error()};
  }
  if (size.value() > limit) {
    return Failure{EFBIG};
  }
  std::vector<std::uint8_t> content(static_cast<std::size_t>(size.value()));
  const auto got = file.value().read_at(0, content);
  if (!got) {
    return Failure{got.error()};
  }
  content.resize(got.value());
  return content;
}

Result<std::uint64_t, int> Folder::size(const std::string& name) const {
  const auto file = open(name, OpenFor::reading);
  return file ? file.value().size() : Failure{file.error()};
}

Result<StorageFile, int> Folder::lock(std::string& holder) const {
  const auto file = storage_.calls->lock(storage_.disk, path_, holder);
  if (!file) {
    return Failure{file.error()};
  }
  return StorageFile(storage_, file.value());
}

}  // namespace vedette::platform
