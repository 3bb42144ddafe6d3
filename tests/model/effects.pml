/* One action of durable = "before", with one retry, across crashes at any instant: its effect takes
 * place at most once, and never before the event that sends it is on disk (edge/sink/act.cpp,
 * core/deliver/delivery.cpp, node/engine_thread.cpp).
 *
 * The log in order: 1 ordered and sent, 2 the attempt failed, 3 sent again, 4 ended.
 *
 * Twins that must fail: SENT_BEFORE_DISK, RETRY_BY_ITS_INTENT, REPEATED_AFTER_RESTART. */
#define CRASHES 3

byte memory = 0; /* the engine's log */
byte disk = 0;   /* the log that survives a crash */
byte effects = 0;
byte crashes = 0;
bool submitted = false;
bool answered = false;
bool taken = false;

#ifdef SENT_BEFORE_DISK
#define MAY_GO true
#else
#ifdef RETRY_BY_ITS_INTENT
#define MAY_GO (disk >= 1)
#else
#define MAY_GO (disk >= memory)
#endif
#endif

active proctype node() {
  do
  :: atomic { memory == 0 -> memory = 1; submitted = true }
  :: atomic { disk < memory -> disk = memory } /* group commit */
  :: atomic { submitted && MAY_GO -> submitted = false; answered = true;
      if
      :: effects++; taken = true
      :: taken = false
      fi;
      assert(effects <= 1) }
  :: atomic { answered && taken -> answered = false; memory = 4 }
  :: atomic { answered && !taken && memory == 1 -> answered = false; memory = 2 }
  :: atomic { answered && !taken && memory == 3 -> answered = false; memory = 4 }
  :: atomic { memory == 2 -> memory = 3; submitted = true }
  :: atomic { crashes < CRASHES && memory != 0 ->
      crashes++;
      memory = disk;
      submitted = false;
      answered = false;
      if
      :: memory == 1 || memory == 3 ->
#ifdef REPEATED_AFTER_RESTART
           submitted = true
#else
           memory = 4 /* unknown result: abandoned */
#endif
      :: else -> skip
      fi }
  :: memory == 4 && disk == 4 -> break
  od
}
