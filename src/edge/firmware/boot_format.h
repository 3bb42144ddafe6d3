// Purpose: what stands in the boot-state and slot partitions, for the selector (C, firmware) and
// the program (C++). Little-endian, as both machines are. Checked by CRC-32 (IEEE 802.3).
#pragma once

#include <stdint.h>

#define VEDETTE_STATE_COPIES 2 /* 4 KiB apart; the newer whole one holds, the other is written */
#define VEDETTE_BLOCK 4096
#define VEDETTE_STATE_MAGIC "VDTBOOT1"
#define VEDETTE_SLOT_MAGIC "VDTSLOT1"
#define VEDETTE_SLOTS 2
#define VEDETTE_NO_SLOT 0xFFFFFFFFu

// How the last trial ended, and what is known of each slot.
enum VedetteTrialEnd {
  VEDETTE_TRIAL_NONE = 0,       // there was none: what stands there has not run, or not well yet
  VEDETTE_TRIAL_CONFIRMED,      // it held
  VEDETTE_TRIAL_NOT_CONFIRMED,  // its starts were used up: it hung, never came up, or lost power
  VEDETTE_TRIAL_UNHEALTHY,      // its own watch gave it up; the note says why
  VEDETTE_TRIAL_DAMAGED,        // what stands in the slot is not what was written
  VEDETTE_TRIAL_REFUSED,        // the firmware refused it: no signature that it knows
  VEDETTE_TRIAL_RETURNED,       // it came back to the selector
  VEDETTE_TRIAL_WITHDRAWN,      // an operator rolled it back
  // Of slots alone:
  VEDETTE_TRIAL_GAVE_WAY,   // it ran well, and later did not come up VEDETTE_STARTS times in a row
  VEDETTE_TRIAL_FORGOTTEN,  // the boot state was lost, and with it what was known
  VEDETTE_TRIAL_ENDS
};

#define VEDETTE_STARTS 3 /* of a confirmed slot that does not come up, until the other may run */

// All zero in a state that an older version wrote.
struct VedetteSlotRecord {
  uint8_t end;     // VedetteTrialEnd; VEDETTE_TRIAL_CONFIRMED: it was confirmed and ran well
  uint8_t starts;  // since it last came up
};

struct VedetteBootState {
  uint8_t magic[8];
  uint64_t sequence;     // of writes
  uint32_t confirmed;    // the slot that holds
  uint32_t trial;        // the slot on trial, or VEDETTE_NO_SLOT
  uint32_t trials_left;  // starts it still has
  uint32_t started;      // the slot that the selector started last
  uint32_t trial_end;    // VedetteTrialEnd
  struct VedetteSlotRecord slots[VEDETTE_SLOTS];
  uint64_t trial_version;    // of the last trial
  uint64_t minimum_version;  // nothing older is installed
  uint8_t note[64];          // UTF-8, ends with zeros
  uint32_t reserved;
  uint32_t crc32;  // of all before
};

// The first block of a slot; its image begins with the second.
struct VedetteSlot {
  uint8_t magic[8];
  uint64_t version;
  uint64_t bytes;            // of the image
  uint64_t minimum_version;  // nothing older is installed once this one is confirmed
  uint32_t image_crc32;
  uint32_t reserved;
  uint8_t sha256[32];  // of the image
  uint8_t board[32];
  uint64_t never_before;  // while this one is confirmed, nobody goes back further
  uint8_t rest[12];
  uint32_t crc32;  // of all before
};
