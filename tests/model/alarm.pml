/* One action of durable = "first" across crashes at any instant, on a disk that commits when it likes.
 * Without an attempt that left unrecorded its effect takes place at most once; else every effect after
 * the first is marked as a possible duplicate (edge/sink/act.cpp, core/deliver/delivery.cpp,
 * node/engine_thread.cpp).
 *
 * The log in order: 1 ordered, 2 repeated after a restart, 4 ended. An order that a crash took is
 * ordered anew, since its condition still holds.
 *
 * Twins that must fail: REPEATED_WITHOUT_A_MARK, NEW_KEY_WITHOUT_DOUBT, RECORDED_IS_REPEATED. */
#define CRASHES 3

byte memory = 0, disk = 0;               /* the log, and what of it survives a crash */
bool left = false, disk_left = false;    /* it says that an attempt left unrecorded */
byte effects = 0, unmarked = 0, crashes = 0;
bool ever_left = false;
bool doubt = false;                      /* the run before was killed */
bool duplicate = false;                  /* the order's mark */
bool submitted = false, answered = false;

active proctype node() {
  do
  :: atomic { memory == 0 -> memory = 1; submitted = true; duplicate = doubt }
  :: atomic { disk != memory || disk_left != left -> disk = memory; disk_left = left }
  :: atomic { submitted && disk < memory && !left -> left = true; ever_left = true } /* record_within */
  :: atomic { submitted && (disk >= memory || left) -> submitted = false; answered = true;
      effects++;
      if
      :: duplicate -> skip
      :: else -> unmarked++
      fi;
      assert(unmarked <= 1);
      assert(ever_left || effects <= 1) }
  :: atomic { answered -> answered = false; memory = 4 }
  :: atomic { crashes < CRASHES && memory != 0 ->
      crashes++;
      memory = disk;
      left = disk_left;
      submitted = false;
      answered = false;
#ifndef NEW_KEY_WITHOUT_DOUBT
      doubt = true;
#endif
      if
      :: memory == 1 || memory == 2 ->
           if
#ifdef RECORDED_IS_REPEATED
           :: true -> memory = 2; submitted = true; duplicate = true
#else
           :: left -> memory = 2; submitted = true;
#ifndef REPEATED_WITHOUT_A_MARK
                duplicate = true
#endif
           :: else -> memory = 4 /* unknown result: abandoned */
#endif
           fi
      :: else -> skip
      fi }
  :: memory == 4 && disk == 4 -> break
  od
}
