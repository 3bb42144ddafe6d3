#include "firmware/install.hpp"

#include <algorithm>
#include <cstring>

#include "base/json.hpp"

namespace vedette::firmware {
namespace {

constexpr std::uint32_t other(std::uint32_t slot) {
  return VEDETTE_SLOTS - 1 - slot;
}

// What stands in the slot, read past every cache, is what the manifest says.
Refusal verify(const Bundle& bundle, const SlotDisk& disk, Area slot) {
  const Manifest& m = bundle.manifest();
  platform::BlockBuffer buffer;
  for (std::size_t i = 0; i < m.chunks.size(); ++i) {
    const std::uint64_t at = std::uint64_t{i} * platform::kChunkBytes;
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(platform::kChunkBytes, m.bytes - at));
    const std::span<std::uint8_t> into =
        buffer.span().first(align_up(bytes, platform::kBlockBytes));
    if (disk.device().read(slot.offset + VEDETTE_BLOCK + at, into) != 0 ||
        platform::sha256(into.first(bytes)) != m.chunks[i]) {
      return Refusal::write_failed;
    }
  }
  return Refusal::none;
}

}  // namespace

Installed install(const Bundle& bundle, const SlotDisk& disk, std::string_view board,
                  std::uint32_t starts,
                  const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const Manifest& m = bundle.manifest();
  auto state = disk.read_state();
  if (!state) {
    return {Refusal::no_slots, "the boot state is not whole"};
  }
  const std::uint32_t idle = other(state->confirmed);
  const Area slot = disk.slot(idle);
  if (state->trial != VEDETTE_NO_SLOT) {
    return {Refusal::trial_under_way,
            "version " + std::to_string(state->trial_version) + " is on trial"};
  }
  if (m.board != board) {
    return {Refusal::wrong_board, "it is for " + m.board + ", this is " + std::string(board)};
  }
  if (m.version < state->minimum_version) {
    return {Refusal::too_old, "it is version " + std::to_string(m.version) +
                                  ", and nothing before " + std::to_string(state->minimum_version) +
                                  " is taken"};
  }
  if (m.bytes > slot.bytes - VEDETTE_BLOCK) {
    return {Refusal::too_large,
            std::to_string(m.bytes) + " bytes do not fit a slot of " + std::to_string(slot.bytes)};
  }
  // Empty first: half an image must never look whole.
  std::string problem = disk.write_head(idle, VedetteSlot{});
  if (!problem.empty()) {
    return {Refusal::write_failed, problem};
  }
  platform::BlockStream stream;
  int error = stream.start(disk.device(), slot.offset + VEDETTE_BLOCK);
  platform::BlockBuffer buffer;
  for (std::size_t i = 0; error == 0 && i < m.chunks.size(); ++i) {
    Bytes chunk;
    const Refusal read = bundle.read_chunk(i, buffer.span(), chunk);
    if (read != Refusal::none) {
      return {read, "chunk " + std::to_string(i)};
    }
    error = stream.put(chunk);
    progress(std::min(m.bytes, (std::uint64_t{i} + 1) * platform::kChunkBytes), m.bytes);
  }
  error = error != 0 ? error : stream.finish();
  if (error != 0) {
    return {Refusal::write_failed, platform::error_text(error)};
  }
  if (const Refusal read = verify(bundle, disk, slot); read != Refusal::none) {
    return {read, "what was read back is not what was written"};
  }
  VedetteSlot head{};
  std::memcpy(head.magic, VEDETTE_SLOT_MAGIC, sizeof head.magic);
  head.version = m.version;
  head.bytes = m.bytes;
  head.minimum_version = m.minimum_version;
  head.image_crc32 = m.image_crc32;
  std::memcpy(head.sha256, m.image.data(), sizeof head.sha256);
  std::memcpy(head.board, m.board.data(), m.board.size());
  problem = disk.write_head(idle, head);
  state->trial = idle;
  state->trials_left = starts;
  state->trial_version = m.version;
  state->trial_end = VEDETTE_TRIAL_NONE;
  set_note(*state, "");
  problem = problem.empty() ? disk.write_state(*state) : problem;
  return {problem.empty() ? Refusal::none : Refusal::write_failed, problem, idle};
}

std::string confirm(const SlotDisk& disk) {
  auto state = disk.read_state();
  if (!state || state->trial == VEDETTE_NO_SLOT) {
    return "no version is on trial";
  }
  if (state->started != state->trial) {
    return "version " + std::to_string(state->trial_version) +
           " has not been started yet; restart the machine first";
  }
  const auto head = disk.read_head(state->trial);
  state->confirmed = state->trial;
  state->trial = VEDETTE_NO_SLOT;
  state->trials_left = 0;
  state->trial_end = VEDETTE_TRIAL_CONFIRMED;
  state->minimum_version =
      std::max(state->minimum_version, head ? head->minimum_version : std::uint64_t{0});
  return disk.write_state(*state);
}

std::string roll_back(const SlotDisk& disk, std::uint32_t end, std::string_view note) {
  auto state = disk.read_state();
  if (!state) {
    return "the boot state is not whole";
  }
  if (state->trial != VEDETTE_NO_SLOT) {
    state->trial = VEDETTE_NO_SLOT;
    state->trials_left = 0;
    state->trial_end = end;
    set_note(*state, note);
    return disk.write_state(*state);
  }
  const auto head = disk.read_head(other(state->confirmed));
  if (!head) {
    return "the other slot holds nothing to go back to";
  }
  if (head->version < state->minimum_version) {
    return "the other slot holds version " + std::to_string(head->version) +
           ", and nothing before " + std::to_string(state->minimum_version) + " may run";
  }
  state->confirmed = other(state->confirmed);
  return disk.write_state(*state);
}

Trial::Verdict Trial::look(double now_s, std::string_view problem) {
  began_s_ = began_s_ < 0.0 ? now_s : began_s_;
  if (problem.empty()) {
    healthy_since_s_ = healthy_since_s_ < 0.0 ? now_s : healthy_since_s_;
    if (now_s - healthy_since_s_ >= hold_s_) {
      return Verdict::confirmed;
    }
  } else {
    healthy_since_s_ = -1.0;
    problem_ = problem;
  }
  return now_s - began_s_ >= within_s_ ? Verdict::gives_up : Verdict::waits;
}

std::string status_json(const SlotDisk& disk) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  if (const auto state = disk.read_state()) {
    const auto version_in = [&](std::uint32_t slot) {
      const auto head = slot < VEDETTE_SLOTS ? disk.read_head(slot) : std::nullopt;
      return head ? head->version : 0;
    };
    json.member("running_slot", std::uint64_t{state->started});
    json.member("running_version", version_in(state->started));
    json.member("confirmed_slot", std::uint64_t{state->confirmed});
    json.member("confirmed_version", version_in(state->confirmed));
    json.member("on_trial", state->trial != VEDETTE_NO_SLOT);
    json.member("starts_left", std::uint64_t{state->trials_left});
    json.member("last_trial_version", state->trial_version);
    json.member("last_trial", text_of_end(state->trial_end));
    json.member("why", note_of(*state));
    json.member("minimum_version", state->minimum_version);
  } else {
    json.member("error", std::string_view("the boot state is not whole"));
  }
  json.end_object();
  return text;
}

}  // namespace vedette::firmware
