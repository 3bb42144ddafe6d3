#include "edge/firmware/boot_steps.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/text.hpp"

namespace vedette::firmware {
namespace {

// Continues "version N".
constexpr std::array<std::string_view, VEDETTE_TRIAL_ENDS> kFates = {
    "has not yet run well here",
    "was confirmed and ran well",
    "was tried and hung, did not come up, or lost power at each of its starts",
    "was tried and was not healthy in time",
    "could not be started: its slot is damaged",
    "could not be started: the firmware does not accept its signature (Secure Boot)",
    "was started and returned to the boot loader",
    "was on trial until an operator ended the trial",
    "ran well, but later did not come up 3 times in a row",
    "has an unknown past: the boot state was lost"};
static_assert(VEDETTE_STARTS == 3);

std::string_view fate_of(std::uint32_t end) {
  return end < kFates.size() ? kFates[end] : "has an unknown past";
}

std::string version_in(const SlotHeads& heads, std::uint32_t slot) {
  return slot < VEDETTE_SLOTS && heads[slot] ? "version " + std::to_string(heads[slot]->version)
                                             : std::string("no intact version");
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

// Empty, or why a rollback to that slot is refused.
std::string why_not_back_to(const VedetteBootState& state, const SlotHeads& heads,
                            std::uint32_t slot) {
  if (!heads[slot]) {
    return "slot " + std::to_string(slot) + " holds no intact version";
  }
  const std::string version = version_in(heads, slot);
  if (state.slots[slot].end != VEDETTE_TRIAL_CONFIRMED) {
    return version + " in slot " + std::to_string(slot) + " " +
           std::string(fate_of(state.slots[slot].end));
  }
  const auto& own = heads[state.confirmed];
  return own && heads[slot]->version < own->never_before
             ? version + " in slot " + std::to_string(slot) + " is older than " +
                   std::to_string(own->never_before) + ", and version " +
                   std::to_string(own->version) + " forbids going back further"
             : std::string();
}

// Whether a last resort runs, because the confirmed slot cannot be started.
bool is_last_resort(const VedetteBootState& state) {
  return state.started < VEDETTE_SLOTS && state.started != state.confirmed &&
         vedette_unstartable(state.slots[state.confirmed].end) != 0;
}

}  // namespace

bool needs_restart(const VedetteBootState& state) {
  return state.started < VEDETTE_SLOTS && state.started != state.confirmed &&
         !is_last_resort(state);
}

std::uint32_t clear_for_install(VedetteBootState& state) {
  if (is_last_resort(state)) {
    state.confirmed = state.started;
  }
  const std::uint32_t idle = vedette_other(state.confirmed);
  state.slots[idle] = {VEDETTE_TRIAL_NONE, 0};
  return idle;
}

std::uint64_t least_version(const VedetteBootState& state, const SlotHeads& heads) {
  const auto& head = heads[state.confirmed < VEDETTE_SLOTS ? state.confirmed : 0];
  return std::max(state.minimum_version, head ? head->minimum_version : std::uint64_t{0});
}

void put_on_trial(VedetteBootState& state, std::uint32_t slot, std::uint64_t version,
                  std::uint32_t starts) {
  state.trial = slot;
  state.trials_left = starts;
  state.trial_version = version;
  state.trial_end = VEDETTE_TRIAL_NONE;
  state.slots[slot] = {VEDETTE_TRIAL_NONE, 0};
  set_note(state, "");
}

std::string confirm(VedetteBootState& state, const SlotHeads& heads) {
  if (state.trial >= VEDETTE_SLOTS) {
    return "no version is on trial: there is nothing to confirm";
  }
  if (state.started != state.trial) {
    return "version " + std::to_string(state.trial_version) +
           " has not been started yet; restart the machine first";
  }
  const auto& head = heads[state.trial];
  state.confirmed = state.trial;
  state.slots[state.trial] = {VEDETTE_TRIAL_CONFIRMED, 0};
  state.trial = VEDETTE_NO_SLOT;
  state.trials_left = 0;
  state.trial_end = VEDETTE_TRIAL_CONFIRMED;
  state.minimum_version =
      std::max(state.minimum_version, head ? head->minimum_version : std::uint64_t{0});
  return {};
}

std::string roll_back(VedetteBootState& state, const SlotHeads& heads, std::uint32_t end,
                      std::string_view note, bool force) {
  if (state.trial < VEDETTE_SLOTS) {
    vedette_end_trial(&state, end);
    set_note(state, note);
    return {};
  }
  const std::uint32_t other = vedette_other(state.confirmed);
  const std::string problem = why_not_back_to(state, heads, other);
  if (!problem.empty() && !(force && heads[other])) {
    return problem +
           "; `update rollback` goes only to a version that was confirmed and ran well, so " +
           version_in(heads, state.confirmed) + " stays";
  }
  state.confirmed = other;
  state.slots[other].starts = 0;
  return {};
}

bool came_up(VedetteBootState& state, bool well) {
  const std::uint32_t slot = state.started;
  if (slot >= VEDETTE_SLOTS || slot == state.trial) {
    return false;  // a trial is judged by Trial
  }
  VedetteSlotRecord& own = state.slots[slot];
  const VedetteSlotRecord before = own;
  const bool adopted = well && is_last_resort(state);
  if (adopted) {
    state.confirmed = slot;
  }
  own.starts = 0;
  if (well && slot == state.confirmed) {
    own.end = VEDETTE_TRIAL_CONFIRMED;
  }
  return adopted || own.starts != before.starts || own.end != before.end;
}

void set_note(VedetteBootState& state, std::string_view text) {
  // Cuts at a whole character.
  std::size_t bytes = std::min(text.size(), sizeof state.note - 1);
  while (bytes < text.size() && bytes > 0 &&
         (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) {
    --bytes;
  }
  std::memset(state.note, 0, sizeof state.note);
  std::memcpy(state.note, text.data(), bytes);
}

std::string_view note_of(const VedetteBootState& state) {
  std::string_view rest = as_text(Bytes(state.note, sizeof state.note));
  return next_field(rest, '\0');
}

std::string_view text_of_end(std::uint32_t end) {
  constexpr std::array<std::string_view, VEDETTE_TRIAL_ENDS> kTexts = {
      "none",    "confirmed", "not-confirmed", "unhealthy", "damaged",
      "refused", "returned",  "withdrawn",     "gave-way",  "forgotten"};
  return end < kTexts.size() ? kTexts[end] : "unknown";
}

std::vector<std::string> in_words(const VedetteBootState& state, const SlotHeads& heads) {
  std::vector<std::string> words;
  const auto in_slot = [&](std::uint32_t slot) {
    return version_in(heads, slot) + " (slot " + std::to_string(slot) + ")";
  };
  const std::uint32_t confirmed = state.confirmed < VEDETTE_SLOTS ? state.confirmed : 0;
  const std::uint32_t other = vedette_other(confirmed);
  if (state.trial < VEDETTE_SLOTS) {
    words.push_back(capital(in_slot(state.trial)) + " is on trial and may be started " +
                    std::to_string(state.trials_left) + " more times" +
                    (state.started == state.trial ? "; it runs." : "; the next start tries it.") +
                    " If it does not confirm itself, " + in_slot(confirmed) + " runs again.");
    return words;
  }
  if (is_last_resort(state)) {
    words.push_back(capital(in_slot(state.started)) +
                    " runs as a last resort: " + in_slot(confirmed) + " " +
                    std::string(fate_of(state.slots[confirmed].end)) + ". Update this post.");
  } else if (needs_restart(state)) {
    words.push_back(capital(in_slot(state.started)) + " runs; the next start runs " +
                    in_slot(confirmed) + ".");
  } else {
    words.push_back(capital(in_slot(confirmed)) + " runs and is confirmed.");
  }
  if (state.trial_version != 0 && state.trial_end != VEDETTE_TRIAL_NONE &&
      state.trial_end != VEDETTE_TRIAL_CONFIRMED) {
    const std::string_view note = note_of(state);
    words.push_back("Version " + std::to_string(state.trial_version) + " " +
                    std::string(fate_of(state.trial_end)) +
                    (note.empty() ? "." : ": " + std::string(note) + "."));
  }
  if (state.started != other) {
    const std::string problem = why_not_back_to(state, heads, other);
    words.push_back(problem.empty()
                        ? capital(in_slot(other)) +
                              " was confirmed and ran well: `update rollback` goes back to it."
                        : capital(problem) + ": `update rollback` does not go back to it.");
  }
  if (const std::uint64_t least = least_version(state, heads); least > 1) {
    words.push_back("This post takes no bundle older than version " + std::to_string(least) + ".");
  }
  return words;
}

}  // namespace vedette::firmware
