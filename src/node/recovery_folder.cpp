// What recovery does to a data folder: takes it, and begins its next segment.
#include <cerrno>
#include <cstring>

#include "node/kept_plans.hpp"
#include "node/recovery.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"

namespace vedette::node {
namespace {

Failure io(std::string message) {
  return {74, std::move(message)};
}

}  // namespace

Failure Recovery::open_folder() {
  if (const std::string why = journal::why_other_layout(data_); !why.empty()) {
    return unfit(why);
  }
  for (const std::string& folder : {journal_folder(data_), data_ + "/plans"}) {
    if (const int error = platform::make_folders(folder); error != 0) {
      return io(folder + ": " + platform::error_text(error));
    }
  }
  std::string holder;
  auto lock = platform::Folder(data_).lock(holder);
  if (!lock) {
    return lock.error() == EWOULDBLOCK
               ? Failure{75, "another node is using " + data_ +
                                 (holder.empty() ? "" : ": " + holder + " holds its lock")}
               : io("cannot lock " + data_ + ": " + platform::error_text(lock.error()));
  }
  lock_ = std::move(lock).value();
  if (const int error = platform::unwritable(data_); error != 0) {
    return io(data_ + ": " + platform::error_text(error));
  }
  const platform::Sha256 hash = platform::sha256(plan_bytes_);
  std::memcpy(header_.plan_hash, hash.data(), hash.size());
  identity_ = identity_of_folder(data_);
  if (!identity_.problem.empty()) {
    return io(identity_.problem);
  }
  if (!identity_.told.empty()) {
    report_.without.push_back(identity_.told);
  }
  header_.node = identity_.node;
  return {};
}

// Renames foreign segments and keeps their bytes.
Failure Recovery::set_aside() {
  const std::string folder = journal_folder(data_) + "/";
  for (const journal::ReadResult::Strange& strange : strange_) {
    std::string name = strange.name + ".aside";
    for (int n = 2; platform::exists(folder + name); ++n) {
      name = strange.name + ".aside-" + std::to_string(n);
    }
    if (const int error = platform::rename_durably(folder + strange.name, folder + name);
        error != 0) {
      return {74, folder + strange.name + ": " + platform::error_text(error)};
    }
  }
  return {};
}

// Changes the data folder, after everything else is open; the segment comes last.
Failure Recovery::begin_history() {
  std::string problem = keep_identity(data_, identity_);
  if (!problem.empty()) {
    return io(problem);
  }
  if (const Failure failed = set_aside(); failed.exit_code != 0) {
    return failed;
  }
  if (tail_.segment != 0) {
    const int error = journal::cut_tail(journal_folder(data_), tail_.segment, tail_.valid_bytes);
    if (error != 0) {
      return io("cannot remove the unfinished block at the journal's end: " +
                platform::error_text(error));
    }
  }
  KeptPlan kept;  // replaces a damaged copy too
  if (!load_kept_plan(data_, header_.plan_hash, kept).empty()) {
    const std::string path = plan_path(data_, header_.plan_hash);
    const int error = platform::write_file_durably(path, plan_bytes_);
    if (error != 0) {
      return io(path + ": " + platform::error_text(error));
    }
  }
  // Before the segment: without it, the next start finds states that it distrusts, and recomputes.
  if (recomputed_) {
    if (const int error = mismatches_.keep(data_); error != 0) {
      return io(shard_folder(data_) + "/mismatches: " + platform::error_text(error));
    }
  }
  problem = rooms_.writer.begin();
  if (!problem.empty()) {
    return io(problem);
  }
  const int error = keep_history(
      data_, {header_.epoch, rooms_.writer.segment(), rooms_.shard.progress().batch_number,
              rooms_.shard.progress().last_sequence});
  return error == 0 ? Failure{}
                    : io(shard_folder(data_) + "/history: " + platform::error_text(error));
}

}  // namespace vedette::node
