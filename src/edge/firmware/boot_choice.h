// Purpose: which slot a machine starts, for the selector (C, firmware) and for tests of it: the one
// on trial while it has starts left, then the confirmed one, which gives way to the other when it
// does not come up and the other was ever good, and at last whatever can be started.
// In and out: the boot state. Pure. Runs on: the firmware, before any operating system.
#pragma once

#include "boot_format.h"

static inline uint32_t vedette_other(uint32_t slot) {
  return VEDETTE_SLOTS - 1 - slot;
}

// What is not known may have been good.
static inline int vedette_ever_good(uint32_t end) {
  return end == VEDETTE_TRIAL_CONFIRMED || end == VEDETTE_TRIAL_GAVE_WAY ||
         end == VEDETTE_TRIAL_FORGOTTEN;
}

// The selector could not start what stands there.
static inline int vedette_unstartable(uint32_t end) {
  return end == VEDETTE_TRIAL_DAMAGED || end == VEDETTE_TRIAL_REFUSED ||
         end == VEDETTE_TRIAL_RETURNED;
}

// The state of a disk whose boot state is lost.
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

// Once at each start: ends a trial whose starts are used up, and lets a confirmed slot give way.
static inline void vedette_choose(struct VedetteBootState* state) {
  if (state->confirmed >= VEDETTE_SLOTS) {
    state->confirmed = 0;
  }
  if (state->trial != VEDETTE_NO_SLOT &&
      (state->trial >= VEDETTE_SLOTS || state->trial == state->confirmed)) {
    state->trial = VEDETTE_NO_SLOT;  // never written so
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

// Which slot is next; `tried` has a bit for each that this start has tried already.
static inline uint32_t vedette_next(const struct VedetteBootState* state, uint32_t tried) {
  const uint32_t other = vedette_other(state->confirmed);
  if (state->trial != VEDETTE_NO_SLOT && state->trials_left > 0 && !(tried >> state->trial & 1u)) {
    return state->trial;
  }
  // The last resort is whatever stands in the other: better an older watch than none.
  return !(tried >> state->confirmed & 1u) ? state->confirmed
         : !(tried >> other & 1u)          ? other
                                           : VEDETTE_NO_SLOT;
}

// Before a slot is given the machine. Written to the disk first, or a trial could go on for ever.
static inline void vedette_count_start(struct VedetteBootState* state, uint32_t slot) {
  state->started = slot;
  if (slot == state->trial) {
    --state->trials_left;
  } else if (state->slots[slot].starts < 255) {
    ++state->slots[slot].starts;
  }
}

// Tries one slot after another. `start` does not return when it succeeds; where it does (in tests),
// it answers VEDETTE_TRIAL_NONE. Else it answers why it failed.
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
