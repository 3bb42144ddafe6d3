// Purpose: the layout of the boot-state and slot partitions, shared by the selector (C, firmware)
// and the program (C++). Little-endian, as both machines are. Checked by CRC-32 (IEEE 802.3).
#pragma once

#include <stdint.h>

#define VEDETTE_STATE_COPIES 2 /* 4 KiB apart; the newer valid one counts */
#define VEDETTE_BLOCK 4096
#define VEDETTE_STATE_MAGIC "VDTBOOT1"
#define VEDETTE_SLOT_MAGIC "VDTSLOT1"
#define VEDETTE_SLOTS 2
#define VEDETTE_NO_SLOT 0xFFFFFFFFu

// How the last trial ended; also the history of each slot.
enum VedetteTrialEnd {
  VEDETTE_TRIAL_NONE = 0,       // no trial: the content has not run, or not well yet
  VEDETTE_TRIAL_CONFIRMED,      // confirmed
  VEDETTE_TRIAL_NOT_CONFIRMED,  // no starts left: it hung, never came up, or lost power
  VEDETTE_TRIAL_UNHEALTHY,      // its own watch rolled back; the note says why
  VEDETTE_TRIAL_DAMAGED,        // the slot's content differs from what was written
  VEDETTE_TRIAL_REFUSED,        // the firmware rejected its signature
  VEDETTE_TRIAL_RETURNED,       // it came back to the selector
  VEDETTE_TRIAL_WITHDRAWN,      // an operator rolled it back
  // For slots only:
  VEDETTE_TRIAL_GAVE_WAY,   // ran well, later failed to come up VEDETTE_STARTS times in a row
  VEDETTE_TRIAL_FORGOTTEN,  // the boot state was lost
  VEDETTE_TRIAL_ENDS
};

#define VEDETTE_STARTS 3 /* failed starts of a confirmed slot before the other runs */

// All zero in a state written by an older version.
struct VedetteSlotRecord {
  uint8_t end;     // VedetteTrialEnd; VEDETTE_TRIAL_CONFIRMED: confirmed and ran well
  uint8_t starts;  // since it last came up
};

struct VedetteBootState {
  uint8_t magic[8];
  uint64_t sequence;     // of writes
  uint32_t confirmed;    // the confirmed slot
  uint32_t trial;        // the slot on trial, or VEDETTE_NO_SLOT
  uint32_t trials_left;  // starts left
  uint32_t started;      // the slot that the selector started last
  uint32_t trial_end;    // VedetteTrialEnd
  struct VedetteSlotRecord slots[VEDETTE_SLOTS];
  uint64_t trial_version;    // of the last trial
  uint64_t minimum_version;  // no older version may be installed
  uint8_t note[64];          // UTF-8, ends with zeros
  uint32_t reserved;
  uint32_t crc32;  // of all before
};

// The first block of a slot; its image begins with the second.
struct VedetteSlot {
  uint8_t magic[8];
  uint64_t version;
  uint64_t bytes;            // of the image
  uint64_t minimum_version;  // becomes the state's minimum when confirmed
  uint32_t image_crc32;
  uint32_t reserved;
  uint8_t sha256[32];  // of the image
  uint8_t board[32];
  uint64_t never_before;  // while confirmed, no rollback to an older version
  uint8_t rest[12];
  uint32_t crc32;  // of all before
};
