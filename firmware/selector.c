// Purpose: the boot loader of an image: starts the confirmed slot, or the one on trial while it has
// starts left. A power cut leaves either the old or the new boot state. A UEFI application without
// any library (UEFI 2.10; sections are named where they matter).
#include "../src/edge/firmware/boot_choice.h"

typedef uint64_t Status;
typedef uint16_t Char;
typedef void* Handle;
#define ERROR_BIT 0x8000000000000000ull
#define SECURITY_VIOLATION (ERROR_BIT | 26)
#define ACCESS_DENIED (ERROR_BIT | 15)

typedef struct {
  uint32_t a;
  uint16_t b, c;
  uint8_t d[8];
} Guid;
typedef struct {
  uint8_t type, subtype, length[2];
} DevicePath;  // 10.2

// 10.3.5.1: a partition of a GPT disk.
enum {
  kMediaPath = 4,
  kHardDrive = 1,
  kGuidSignature = 2,
  kSignatureAt = 24,
  kSignatureTypeAt = 41
};

typedef struct {  // 13.9
  uint32_t media_id;
  uint8_t removable, present, logical, read_only, write_caching;
  uint32_t block_bytes, alignment;
  uint64_t last_block;
} Media;
typedef struct BlockIo {
  uint64_t revision;
  Media* media;
  void* reset;
  Status (*read)(struct BlockIo*, uint32_t media, uint64_t block, uint64_t bytes, void*);
  Status (*write)(struct BlockIo*, uint32_t media, uint64_t block, uint64_t bytes, const void*);
  Status (*flush)(struct BlockIo*);
} BlockIo;

typedef struct PciIo {  // 14.4; Mem, Io and Pci read and write in this order
  void* poll[2];
  void* read_memory;
  Status (*write_memory)(struct PciIo*, int width, uint8_t bar, uint64_t at, uint64_t n,
                         const void*);
  void* ports[2];
  Status (*read_config)(struct PciIo*, int width, uint32_t at, uint64_t n, void*);
  Status (*write_config)(struct PciIo*, int width, uint32_t at, uint64_t n, const void*);
  void* to_attributes[7];
  Status (*attributes)(struct PciIo*, int operation, uint64_t attributes, uint64_t* result);
} PciIo;

typedef struct {
  uint32_t revision;
  Handle parent;
  void* system;
  Handle device;
  DevicePath* path;
} LoadedImage;
typedef struct Console {
  void* reset;
  Status (*print)(struct Console*, const Char*);
} Console;

typedef struct {  // 4.4; unused members are only counted
  uint64_t header[3];
  void* tpl[2];
  Status (*allocate_pages)(int how, int type, uint64_t pages, uint64_t* at);
  Status (*free_pages)(uint64_t at, uint64_t pages);
  void* to_handle[12];
  Status (*protocol)(Handle, const Guid*, void**);
  void* to_locate[5];
  Status (*load_image)(uint8_t boot_policy, Handle parent, DevicePath*, void* from, uint64_t bytes,
                       Handle*);
  Status (*start_image)(Handle, uint64_t* exit_bytes, Char** exit_text);
  void* to_stall[4];
  Status (*stall)(uint64_t us);
  Status (*watchdog)(uint64_t seconds, uint64_t code, uint64_t bytes, const Char*);
  void* to_buffer[6];
  Status (*locate_all)(int how, const Guid*, void*, uint64_t* count, Handle**);
  void* to_crc[3];
  Status (*crc32)(const void*, uint64_t bytes, uint32_t*);
} BootServices;
typedef struct {  // 4.5
  uint64_t header[3];
  void* to_reset[10];
  void (*reset)(int how, Status, uint64_t, void*);
} RuntimeServices;
typedef struct {  // 4.3
  uint64_t header[3];
  Char* vendor;
  uint64_t revision;
  void* in[2];
  Handle out_handle;
  Console* out;
  void* error[2];
  RuntimeServices* runtime;
  BootServices* boot;
} SystemTable;

enum { kAnyPages = 0, kLoaderData = 2, kByProtocol = 2, kCold = 0, kPage = 4096 };
enum { kHangSeconds = 120, kRestUs = 5000000 };
enum { kWidth8 = 0, kWidth16 = 1, kWidth32 = 2, kEnable = 2, kDecodeMemory = 0x200 };  // 14.4
// With VEDETTE_6300ESB, Intel 6300ESB data sheet (300641), watchdog timer. Two 20-bit timers count
// down in turn, at about 1 kHz; after the second the machine is reset.
enum { kConfigAt = 0x60, kLockAt = 0x68, kTimer1At = 0, kTimer2At = 4, kReloadAt = 0x0C };

static const Guid kBlockIo = {
    0x964e5b21, 0x6459, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid kDevicePath = {
    0x09576e91, 0x6d3f, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const Guid kLoadedImage = {
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
// As in firmware/build-image.
static const Guid kPartitions[1 + VEDETTE_SLOTS] = {
    {0x6d5f1a0e, 0x3c8b, 0x4b0e, {0x9a, 0x51, 0x7a, 0x6f, 0x2f, 0x0d, 0x1c, 0x06}},
    {0x6d5f1a0e, 0x3c8b, 0x4b0e, {0x9a, 0x51, 0x7a, 0x6f, 0x2f, 0x0d, 0x1c, 0x07}},
    {0x6d5f1a0e, 0x3c8b, 0x4b0e, {0x9a, 0x51, 0x7a, 0x6f, 0x2f, 0x0d, 0x1c, 0x08}}};

static Handle self;
static SystemTable* efi;
static BlockIo* disk[1 + VEDETTE_SLOTS];
static DevicePath* path_of[1 + VEDETTE_SLOTS];
static uint8_t block[VEDETTE_BLOCK] __attribute__((aligned(4096)));

// The compiler emits calls to these.
void* memcpy(void* to, const void* from, unsigned long long n) {
  for (unsigned long long i = 0; i < n; ++i) ((uint8_t*)to)[i] = ((const volatile uint8_t*)from)[i];
  return to;
}
void* memset(void* at, int value, unsigned long long n) {
  for (unsigned long long i = 0; i < n; ++i) ((volatile uint8_t*)at)[i] = (uint8_t)value;
  return at;
}
static int same(const void* a, const void* b, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i)
    if (((const uint8_t*)a)[i] != ((const uint8_t*)b)[i]) return 0;
  return 1;
}

static void print(const char* text) {
  Char wide[128];
  uint64_t n = 0;
  for (; text[n] != 0 && n < 127; ++n) wide[n] = (Char)(unsigned char)text[n];
  wide[n] = 0;
  efi->out->print(efi->out, wide);
}
static void print_number(uint64_t value) {
  char text[21];
  int at = 20;
  for (text[at] = 0; at == 20 || value != 0; value /= 10) text[--at] = (char)('0' + value % 10);
  print(text + at);
}

static uint32_t crc32(const void* bytes, uint64_t n) {
  uint32_t value = 0;
  efi->boot->crc32(bytes, n, &value);
  return value;
}

static uint64_t length_of(const DevicePath* node) {
  return node->length[0] | (uint64_t)node->length[1] << 8;
}

// The partition's node in a path, or null; `before`: bytes of the path to its disk.
static const uint8_t* partition_of(const DevicePath* path, uint64_t* before) {
  const uint8_t* at = (const uint8_t*)path;
  for (const DevicePath* node = path; node->type != 0x7F;
       at += length_of(node), node = (const DevicePath*)at) {
    if (length_of(node) < sizeof *node) return 0;
    if (node->type == kMediaPath && node->subtype == kHardDrive &&
        at[kSignatureTypeAt] == kGuidSignature) {
      *before = (uint64_t)(at - (const uint8_t*)path);
      return at;
    }
  }
  return 0;
}

// Only on the selector's own disk, because the machine may hold another image too.
static void find_partitions(void) {
  LoadedImage* image = 0;
  DevicePath* own = 0;
  uint64_t own_before = 0, count = 0;
  Handle* handles = 0;
  if (efi->boot->protocol(self, &kLoadedImage, (void**)&image) != 0 ||
      efi->boot->protocol(image->device, &kDevicePath, (void**)&own) != 0 ||
      !partition_of(own, &own_before) ||
      efi->boot->locate_all(kByProtocol, &kBlockIo, 0, &count, &handles) != 0)
    return;
  for (uint64_t i = 0; i < count; ++i) {
    DevicePath* path = 0;
    uint64_t before = 0;
    if (efi->boot->protocol(handles[i], &kDevicePath, (void**)&path) != 0) continue;
    const uint8_t* partition = partition_of(path, &before);
    if (!partition || before != own_before || !same(path, own, before)) continue;
    for (int p = 0; p < 1 + VEDETTE_SLOTS; ++p) {
      if (same(partition + kSignatureAt, &kPartitions[p], sizeof(Guid))) {
        efi->boot->protocol(handles[i], &kBlockIo, (void**)&disk[p]);
        path_of[p] = path;
      }
    }
  }
}

static int read_at(BlockIo* from, uint64_t offset, uint64_t bytes, void* to) {
  return from->read(from, from->media->media_id, offset / from->media->block_bytes, bytes, to) == 0;
}

static int read_state(struct VedetteBootState* state) {
  int found = 0;
  for (uint64_t copy = 0; disk[0] && copy < VEDETTE_STATE_COPIES; ++copy) {
    const struct VedetteBootState* s = (const struct VedetteBootState*)block;
    if (read_at(disk[0], copy * VEDETTE_BLOCK, VEDETTE_BLOCK, block) &&
        same(s->magic, VEDETTE_STATE_MAGIC, 8) && s->crc32 == crc32(block, sizeof *s - 4) &&
        (!found || s->sequence > state->sequence)) {
      *state = *s;
      found = 1;
    }
  }
  return found;
}

static int write_state(struct VedetteBootState* state) {
  ++state->sequence;
  state->crc32 = crc32(state, sizeof *state - 4);
  memset(block, 0, sizeof block);
  memcpy(block, state, sizeof *state);
  BlockIo* to = disk[0];
  const uint64_t at = state->sequence % VEDETTE_STATE_COPIES * VEDETTE_BLOCK;
  return to &&
         to->write(to, to->media->media_id, at / to->media->block_bytes, VEDETTE_BLOCK, block) ==
             0 &&
         to->flush(to) == 0;
}

// Loads and checks the slot's image; returns its handle, or the reason.
static uint32_t load(uint32_t slot, Handle* image, uint64_t* version) {
  BlockIo* from = slot < VEDETTE_SLOTS ? disk[1 + slot] : 0;
  struct VedetteSlot head;
  if (!from || !read_at(from, 0, VEDETTE_BLOCK, block)) return VEDETTE_TRIAL_DAMAGED;
  memcpy(&head, block, sizeof head);
  const uint64_t room = (from->media->last_block + 1) * from->media->block_bytes - VEDETTE_BLOCK;
  if (!same(head.magic, VEDETTE_SLOT_MAGIC, 8) || head.crc32 != crc32(block, sizeof head - 4) ||
      head.bytes == 0 || head.bytes > room)
    return VEDETTE_TRIAL_DAMAGED;
  *version = head.version;
  const uint64_t pages = (head.bytes + kPage - 1) / kPage;
  uint64_t at = 0;
  if (efi->boot->allocate_pages(kAnyPages, kLoaderData, pages, &at) != 0)
    return VEDETTE_TRIAL_DAMAGED;
  uint32_t why = VEDETTE_TRIAL_DAMAGED;
  if (read_at(from, VEDETTE_BLOCK, pages * kPage, (void*)at) &&
      crc32((void*)at, head.bytes) == head.image_crc32) {
    const Status loaded =
        efi->boot->load_image(0, self, path_of[1 + slot], (void*)at, head.bytes, image);
    why = loaded == 0                                               ? VEDETTE_TRIAL_NONE
          : loaded == SECURITY_VIOLATION || loaded == ACCESS_DENIED ? VEDETTE_TRIAL_REFUSED
                                                                    : VEDETTE_TRIAL_DAMAGED;
  }
  efi->boot->free_pages(at, pages);
  return why;
}

#ifdef VEDETTE_6300ESB
static const uint32_t kIntel6300Esb = 0x25AB8086;  // device, vendor
static const Guid kPciIo = {
    0x4cf5b200, 0x68b8, 0x4ca5, {0x9e, 0xec, 0xb2, 0x3e, 0x3f, 0x50, 0x02, 0x9a}};

static void write_6300esb(PciIo* timer, uint64_t at, int width, uint32_t value) {
  const uint16_t unlock[] = {0x80, 0x86};
  timer->write_memory(timer, kWidth16, 0, kReloadAt, 1, &unlock[0]);
  timer->write_memory(timer, kWidth16, 0, kReloadAt, 1, &unlock[1]);
  timer->write_memory(timer, width, 0, at, 1, &value);
}

// The firmware's watchdog ends when the kernel takes over. A known watchdog of the board also
// guards the kernel, until the first process owns it.
static void arm_watchdog(void) {
  uint64_t count = 0;
  Handle* handles = 0;
  if (efi->boot->locate_all(kByProtocol, &kPciIo, 0, &count, &handles) != 0) return;
  for (uint64_t i = 0; i < count; ++i) {
    PciIo* timer = 0;
    uint32_t id = 0;
    if (efi->boot->protocol(handles[i], &kPciIo, (void**)&timer) != 0 ||
        timer->read_config(timer, kWidth32, 0, 1, &id) != 0 || id != kIntel6300Esb ||
        timer->attributes(timer, kEnable, kDecodeMemory, 0) != 0)
      continue;
    const uint16_t no_interrupt = 3;
    const uint8_t off = 0, on = 2;
    timer->write_config(timer, kWidth8, kLockAt, 1, &off);
    timer->write_config(timer, kWidth16, kConfigAt, 1, &no_interrupt);
    write_6300esb(timer, kTimer1At, kWidth32, kHangSeconds << 9);  // half the time in each
    write_6300esb(timer, kTimer2At, kWidth32, kHangSeconds << 9);
    write_6300esb(timer, kReloadAt, kWidth16, 1 << 8);
    timer->write_config(timer, kWidth8, kLockAt, 1, &on);
  }
}
#else
static void arm_watchdog(void) {}
#endif

// Starts a slot; returns only on failure, with the reason.
static uint32_t start(void* nothing, struct VedetteBootState* state, uint32_t slot) {
  (void)nothing;
  Handle image = 0;
  uint64_t version = 0;
  const uint32_t why = load(slot, &image, &version);
  const int trial = slot == state->trial;
  if (why != VEDETTE_TRIAL_NONE) {
    print(why == VEDETTE_TRIAL_REFUSED ? "vedette: the firmware refuses slot "
                                       : "vedette: no intact version in slot ");
    print_number(slot);
    print("\r\n");
    return why;
  }
  vedette_count_start(state, slot);
  // A trial whose start is not counted could repeat for ever.
  if (!write_state(state) && trial) return VEDETTE_TRIAL_DAMAGED;
  print("vedette: starting slot ");
  print_number(slot);
  print(", version ");
  print_number(version);
  print(trial ? ", on trial\r\n" : "\r\n");
  efi->boot->watchdog(kHangSeconds, 0x10000, 0, 0);  // until the kernel takes over
  arm_watchdog();
  efi->boot->start_image(image, 0, 0);
  return VEDETTE_TRIAL_RETURNED;
}

Status efi_main(Handle handle, SystemTable* table) {
  self = handle;
  efi = table;
  find_partitions();
  struct VedetteBootState state;
  if (!read_state(&state)) {
    vedette_forget(&state);
    print("vedette: no boot state; slot 0 is taken as confirmed\r\n");
  }
  const uint32_t confirmed = state.confirmed;
  vedette_choose(&state);
  if (state.confirmed != confirmed) {
    print("vedette: slot ");
    print_number(confirmed);
    print(" did not come up and gives way\r\n");
  }
  vedette_boot(&state, start, 0);
  print("vedette: no slot can be started; trying again\r\n");
  efi->boot->stall(kRestUs);
  efi->runtime->reset(kCold, 0, 0, 0);
  return ERROR_BIT | 1;
}
