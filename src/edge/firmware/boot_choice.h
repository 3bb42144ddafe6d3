// Purpose: chooses the slot that a machine starts, for the selector (C, firmware) and its tests:
// the one on trial while it has starts left, else the confirmed one; the other instead if the
// confirmed one does not come up and the other was ever good; last, whatever starts. In and out:
// the boot state. Pure. Runs on: the firmware, before any operating system.
#pragma once

#include "boot_format.h"

static inline uint32_t vedette_other(uint32_t slot) {
  return VEDETTE_SLOTS - 1 - slot;
}

// An unknown slot may have been good.
static inline int vedette_ever_good(uint32_t end) {
  return end == VEDETTE_TRIAL_CONFIRMED || end == VEDETTE_TRIAL_GAVE_WAY ||
         end == VEDETTE_TRIAL_FORGOTTEN;
}

// The selector failed to start the slot's content.
static inline int vedette_unstartable(uint32_t end) {
  return end == VEDETTE_TRIAL_DAMAGED || end == VEDETTE_TRIAL_REFUSED ||
         end == VEDETTE_TRIAL_RETURNED;
}

// The initial state of a disk whose boot state is lost.
static inline void vedette_forget(struct VedetteBootState* state) {
  const struct VedetteBootState empty = {};
  *state = empty;
  for (uint32_t i = 0; i < 8; ++i) {
    state->magic[i] = (uint8_t)VEDETTE_STATE_MAGIC[i];
  }
  state->trial = state->started = VEDETTE_NO_SLOT;
  for (uint32_t slot = 0; slot < VEDETTE_SLOTS; ++slot) {
    state->slots[slot].end = VEDETTE_TRIAL_FORGOTTEN;
  }
}

static inline void vedette_end_trial(struct VedetteBootState* state, uint32_t why) {
  if (state->trial < VEDETTE_SLOTS) {
    state->slots[state->trial].end = (uint8_t)why;
    state->slots[state->trial].starts = 0;
  }
  state->trial = VEDETTE_NO_SLOT;
  state->trials_left = 0;
  state->trial_end = why;
  for (uint32_t i = 0; i < sizeof state->note; ++i) {
    state->note[i] = 0;
  }
}

// Call once at each start: ends a trial without starts left, and lets a confirmed slot give way.
static inline void vedette_choose(struct VedetteBootState* state) {
  if (state->confirmed >= VEDETTE_SLOTS) {
    state->confirmed = 0;
  }
  if (state->trial != VEDETTE_NO_SLOT &&
      (state->trial >= VEDETTE_SLOTS || state->trial == state->confirmed)) {
    state->trial = VEDETTE_NO_SLOT;  // invalid state
  }
  if (state->trial != VEDETTE_NO_SLOT && state->trials_left == 0) {
    vedette_end_trial(state, VEDETTE_TRIAL_NOT_CONFIRMED);
  }
  struct VedetteSlotRecord* const own = &state->slots[state->confirmed];
  const uint32_t other = vedette_other(state->confirmed);
  if (state->trial == VEDETTE_NO_SLOT && own->starts >= VEDETTE_STARTS &&
      vedette_ever_good(state->slots[other].end)) {
    if (own->end == VEDETTE_TRIAL_CONFIRMED) {
      own->end = VEDETTE_TRIAL_GAVE_WAY;
    } else if (!vedette_ever_good(own->end)) {
      own->end = VEDETTE_TRIAL_NOT_CONFIRMED;
    }
    own->starts = 0;
    state->slots[other].starts = 0;
    state->confirmed = other;
  }
}

// The next slot; `tried`: a bit for each slot already tried in this start.
static inline uint32_t vedette_next(const struct VedetteBootState* state, uint32_t tried) {
  const uint32_t other = vedette_other(state->confirmed);
  if (state->trial != VEDETTE_NO_SLOT && state->trials_left > 0 && !(tried >> state->trial & 1u)) {
    return state->trial;
  }
  // Last resort: an older version is better than none.
  return !(tried >> state->confirmed & 1u) ? state->confirmed
         : !(tried >> other & 1u)          ? other
                                           : VEDETTE_NO_SLOT;
}

// Call before starting a slot. Writes the count first, or a trial could repeat for ever.
static inline void vedette_count_start(struct VedetteBootState* state, uint32_t slot) {
  state->started = slot;
  if (slot == state->trial) {
    --state->trials_left;
  } else if (state->slots[slot].starts < 255) {
    ++state->slots[slot].starts;
  }
}

// Tries slots in turn. `start` does not return on success (in tests it returns VEDETTE_TRIAL_NONE),
// else it returns the reason.
static inline void vedette_boot(struct VedetteBootState* state,
                                uint32_t (*start)(void*, struct VedetteBootState*, uint32_t slot),
                                void* context) {
  uint32_t tried = 0;
  for (uint32_t slot = vedette_next(state, tried); slot != VEDETTE_NO_SLOT;
       slot = vedette_next(state, tried)) {
    tried |= 1u << slot;
    const uint32_t why = start(context, state, slot);
    if (why == VEDETTE_TRIAL_NONE) {
      return;
    }
    if (slot == state->trial) {
      vedette_end_trial(state, why);
    } else {
      state->slots[slot].end = (uint8_t)why;
    }
  }
}
