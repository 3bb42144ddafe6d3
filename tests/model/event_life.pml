/* The life of one event: it waits, may be dispatched, and leaves once, whether cancellation, horizon
 * or completion comes first, together, or late. Its credit is returned once. Messages reach the
 * owner in any order; only the owner changes the state (core/engine/shard_work.cpp).
 *
 * Twins that must fail: COMPLETION_UNCHECKED, CREDIT_LOST, HORIZON_FORGETS_TRANSIENT. */
mtype = { waiting, transient, resolved, cancel, horizon, done };

mtype state = waiting;
byte exits = 0;
byte credits = 0;
byte late = 0;
bool sent = false;
chan inbox = [3] of { mtype };

inline leave() {
  exits++;
  credits++;
  state = resolved
}

active proctype owner() {
  mtype message;
  bool over = false;
  do
  :: atomic { state == waiting -> state = transient; sent = true }
  :: atomic { inbox?message ->
      if
      :: message == cancel && state == resolved -> late++
      :: message == cancel && state == waiting -> leave()
      :: message == cancel && state == transient ->
#ifdef CREDIT_LOST
           exits++; state = resolved
#else
           leave()
#endif
      :: message == horizon && state == waiting -> leave()
#ifndef HORIZON_FORGETS_TRANSIENT
      :: message == horizon && state == transient -> leave()
#endif
      :: message == done && state == transient -> leave()
#ifdef COMPLETION_UNCHECKED
      :: message == done && state == resolved -> leave()
#else
      :: message == done && state == resolved -> late++
#endif
      :: else -> skip
      fi;
      over = over || message == horizon
    }
  :: over && empty(inbox) && (!sent || state == resolved || timeout) -> break
  od;
  assert(exits == 1);
  assert(credits == 1)
}

active proctype operator() {
  if
  :: inbox!cancel
  :: skip
  fi
}

active proctype clock() {
  inbox!horizon
}

active proctype sink() {
  if
  :: sent -> if :: inbox!done :: skip fi
  :: timeout -> skip
  fi
}
