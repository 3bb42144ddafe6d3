#include "edge/firmware/install.hpp"

#include <algorithm>
#include <cstring>

#include "base/json.hpp"

namespace vedette::firmware {
namespace {

// Compares the slot's content, read past every cache, with the manifest.
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

using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

// Whether this machine accepts that version now.
Installed may_install(const Manifest& m, const VedetteBootState& state, const SlotDisk& disk,
                      std::string_view board) {
  if (state.trial != VEDETTE_NO_SLOT) {
    return {Refusal::trial_under_way,
            "version " + std::to_string(state.trial_version) + " is still on trial"};
  }
  if (needs_restart(state)) {
    return {Refusal::restart_first, "you went back, and the version before that still runs"};
  }
  if (m.board != board) {
    return {Refusal::wrong_board, "it is for board " + m.board + ", this is " + std::string(board)};
  }
  if (const std::uint64_t least = least_version(state, disk.read_heads()); m.version < least) {
    return {Refusal::too_old, "it is version " + std::to_string(m.version) +
                                  ", this post takes nothing older than " + std::to_string(least)};
  }
  return {};
}

// Writes the image, reads it back and compares.
Installed write_chunks(const Bundle& bundle, const SlotDisk& disk, const Area& slot,
                       platform::BlockBuffer& buffer, const Progress& progress) {
  Bytes chunk;
  platform::BlockStream stream;
  int error = stream.start(disk.device(), slot.offset + VEDETTE_BLOCK);
  for (std::size_t i = 0; error == 0 && i < bundle.manifest().chunks.size(); ++i) {
    const Refusal read = bundle.read_chunk(i, buffer.span(), chunk);
    if (read != Refusal::none) {
      return {read, "chunk " + std::to_string(i)};
    }
    error = stream.put(chunk);
    progress(std::min(bundle.manifest().bytes, (std::uint64_t{i} + 1) * platform::kChunkBytes),
             bundle.manifest().bytes);
  }
  error = error != 0 ? error : stream.finish();
  if (error != 0) {
    return {Refusal::write_failed, platform::error_text(error)};
  }
  if (const Refusal read = verify(bundle, disk, slot); read != Refusal::none) {
    return {read, "the slot reads back differently from what was written"};
  }
  return {};
}

VedetteSlot head_of(const Manifest& m) {
  VedetteSlot head{};
  std::memcpy(head.magic, VEDETTE_SLOT_MAGIC, sizeof head.magic);
  head.version = m.version;
  head.bytes = m.bytes;
  head.minimum_version = m.minimum_version;
  head.never_before = m.never_before;
  head.image_crc32 = m.image_crc32;
  std::memcpy(head.sha256, m.image.data(), sizeof head.sha256);
  std::memcpy(head.board, m.board.data(), m.board.size());
  return head;
}

}  // namespace

Installed install(const Bundle& bundle, const SlotDisk& disk, std::string_view board,
                  std::uint32_t starts,
                  const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const Manifest& m = bundle.manifest();
  auto state = disk.read_state();
  if (!state) {
    return {Refusal::no_slots, "the boot state is damaged"};
  }
  if (Installed refused = may_install(m, *state, disk, board); refused.refusal != Refusal::none) {
    return refused;
  }
  // Clears the idle slot's record first: a power cut must not leave a version that never ran with a
  // record that calls it good.
  VedetteBootState cleared = *state;
  const std::uint32_t idle = clear_for_install(cleared);
  const Area slot = disk.slot(idle);
  if (m.bytes > slot.bytes - VEDETTE_BLOCK) {
    return {Refusal::too_large, std::to_string(m.bytes) + " bytes do not fit into a slot of " +
                                    std::to_string(slot.bytes)};
  }
  platform::BlockBuffer buffer;
  Bytes chunk;
  if (const Refusal read = bundle.read_chunk(0, buffer.span(), chunk); read != Refusal::none) {
    return {read, "chunk 0"};
  }
  const SlotFacts own = disk.read_facts(vedette_other(idle)), next = read_facts(chunk);
  if (std::string lost = lost_key(own, next); !lost.empty()) {
    return {Refusal::drops_update_key, lost};
  }
  if (std::string lost = lost_interfaces(own, next); !lost.empty()) {
    return {Refusal::drops_addresses, lost};
  }
  *state = cleared;
  std::string problem = disk.write_state(*state);
  // Empties the slot first, because half an image must never look whole.
  problem = problem.empty() ? disk.write_head(idle, VedetteSlot{}) : problem;
  if (!problem.empty()) {
    return {Refusal::write_failed, problem};
  }
  if (Installed failed = write_chunks(bundle, disk, slot, buffer, progress);
      failed.refusal != Refusal::none) {
    return failed;
  }
  problem = disk.write_head(idle, head_of(m));
  put_on_trial(*state, idle, m.version, starts);
  problem = problem.empty() ? disk.write_state(*state) : problem;
  return {problem.empty() ? Refusal::none : Refusal::write_failed, problem, idle};
}

std::string confirm(const SlotDisk& disk) {
  auto state = disk.read_state();
  if (!state) {
    return "the boot state is damaged";
  }
  const std::string problem = confirm(*state, disk.read_heads());
  return problem.empty() ? disk.write_state(*state) : problem;
}

std::string roll_back(const SlotDisk& disk, std::uint32_t end, std::string_view note, bool force) {
  auto state = disk.read_state();
  if (!state) {
    return "the boot state is damaged";
  }
  SlotHeads heads = disk.read_heads();
  if (state->trial == VEDETTE_NO_SLOT && state->confirmed < VEDETTE_SLOTS) {
    auto& other = heads[vedette_other(state->confirmed)];
    if (other && !disk.is_whole(vedette_other(state->confirmed), *other)) {
      other.reset();
    }
  }
  const std::string problem = roll_back(*state, heads, end, note, force);
  return problem.empty() ? disk.write_state(*state) : problem;
}

std::string came_up(const SlotDisk& disk, bool well) {
  auto state = disk.read_state();
  if (!state) {
    return "the boot state is damaged";
  }
  return came_up(*state, well) ? disk.write_state(*state) : std::string();
}

std::string status_json(const SlotDisk& disk, std::string_view refused) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  if (const auto state = disk.read_state()) {
    const SlotHeads heads = disk.read_heads();
    const auto version_in = [&](std::uint32_t slot) {
      return slot < VEDETTE_SLOTS && heads[slot] ? heads[slot]->version : 0;
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
    json.member("minimum_version", least_version(*state, heads));
    json.key("slots").begin_array();
    for (std::uint32_t slot = 0; slot < VEDETTE_SLOTS; ++slot) {
      json.begin_object().member("version", version_in(slot));
      json.member("ended", text_of_end(state->slots[slot].end));
      json.member("starts", std::uint64_t{state->slots[slot].starts}).end_object();
    }
    json.end_array().key("words").begin_array();
    for (const std::string& sentence : in_words(*state, heads)) {
      json.value(std::string_view(sentence));
    }
    if (!refused.empty()) {
      json.value(refused);
    }
    json.end_array();
  } else {
    json.member("error", std::string_view("the boot state is damaged"));
  }
  json.end_object();
  return text;
}

}  // namespace vedette::firmware
