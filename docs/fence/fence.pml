/*
 * The fence, as a model that `spin` checks exhaustively. README.md beside it tells the protocol in words; the rules
 * R1 to R20 are listed there. Run it with `npm run proof`, or `npm run proof -- small`.
 *
 * The promise, as it is asserted here: a verification that began after change s had returned never answers by a
 * version before s. (An end is a change like the others: a version whose session is not active.)
 *
 * One process whose loop takes any action that is possible now, each in one step: every interleaving of nodes,
 * verifiers, waiters, messages, crashes and the passing of time. Actions that take time (a read of the store, a
 * message) are two or more steps, with whatever happens between them. A pause is an action that is not taken.
 * Where a delay can only make an answer later or a lease shorter, it is left out: the worst case is that there is
 * none. So a verifier's messages arrive at once, and the watcher of rows sees a counter as soon as it is raised.
 *
 * Time is a tick that lowers every timer at once, so a lease of L ticks is over for its holder when it is over for
 * whoever waits for it; the margin is about clocks that run apart, which ticks do not: the simulation has those.
 *
 * A crashed node never comes back: whoever starts does so under a new id (the next row). Each MUTANT takes one rule
 * out, and each must fail.
 */

#ifndef IDS
#define IDS 2        /* node ids: some up from the beginning, the others may start later */
#endif
#ifndef FIRST
#define FIRST 1      /* how many are up from the beginning */
#endif
#ifndef VERIFIERS
#define VERIFIERS 1
#endif
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef MOVES
#define MOVES 1      /* how often a verifier loses its stream and attaches again */
#endif
#ifndef L
#define L 2
#endif
#ifndef QUEUE
#define QUEUE 2      /* messages that a stream holds; one more closes it */
#endif
#define NOBODY 255

/* ---- The store: each access is one step. A change's version is its place in the log. */
byte head;                       /* the log's newest entry */
byte version;                    /* what a read of the session says: always `head`, but for mutants */
bit trimmed;                     /* entries before the head are gone */
bool row[IDS];                   /* a node's row is there */
byte mark[IDS];                  /* its applied mark */

/* ---- Nodes */
bool used[IDS]; bool up[IDS];
bool started[IDS];               /* knows where its tail begins */
byte tail[IDS];                  /* applied to the own cache and queued on every stream */
byte lease[IDS];                 /* ticks left */
bool asking[IDS];                /* a renewal is written, and not yet believed */
byte since[IDS];                 /* ticks left, counted from the question */
byte barrier[IDS];               /* the head as read after the renewal was written */
byte own[IDS];                   /* the own verifier's cache: 0, or the version + 1 */

/* ---- The node's side of the streams */
bool open[VERIFIERS];            /* the node has not closed it */
bool wanted[VERIFIERS];          /* a renewal waits for its grant */
byte fill[VERIFIERS];            /* a question: 0 none, 1 came, 2 read */
byte found[VERIFIERS];           /* what was read */
typedef Owed { byte at[CHANGES + 1] };
typedef Book { Owed by[VERIFIERS] };
Book owed[IDS];                  /* ticks until the leases granted before change s are over */

/* ---- Verifiers */
byte at[VERIFIERS];              /* attached to, or NOBODY */
byte held[VERIFIERS];            /* the lease: ticks left */
bool renewing[VERIFIERS];
byte asked[VERIFIERS];           /* ticks left, counted from the question */
byte cached[VERIFIERS];          /* 0, or the version + 1 */
bool question[VERIFIERS]; bool spoiled[VERIFIERS]; bool unbroken[VERIFIERS];
byte least[VERIFIERS];           /* the version that those who wait for the answer may expect at least */
mtype = { change, grant, answer };
chan down[VERIFIERS] = [QUEUE] of { mtype, byte };

/* ---- Whoever waits for a change */
byte waiting[CHANGES + 1];       /* ticks until L has passed since the commit */
bool waits[CHANGES + 1];
byte returned;                   /* the newest change that has returned */
byte unseen[IDS];                /* the watcher: ticks until a counter that stays the same means dead */

byte crashes; byte moves;

#ifdef TRIM
/* The log is trimmed, and its second change is of another session: whoever hears of that alone drops nothing. */
#define touches(s) (s != 2)
#else
#define touches(s) true
#endif
#ifdef R1_HOLDER_FROM_ANSWER
#define nodeLease(i) L
#define verifierLease(v, d) d
#else
#define nodeLease(i) since[i]
#define verifierLease(v, d) (asked[v] + d > L -> asked[v] + d - L : 0)
#endif
#ifdef R1_WAITER_TOO_SHORT
#define WAIT (L - 1)
#else
#define WAIT L
#endif
#ifdef R1_GRANTER_TOO_SHORT
#define OWED(d) (d - 1)
#else
#define OWED(d) d
#endif
#ifdef R2_DEAD_TOO_SOON
#define UNSEEN (L - 1)
#else
#define UNSEEN L
#endif
#ifdef R1_FLAG
bool flag[VERIFIERS];
#define leased(v) flag[v]
#else
#define leased(v) (held[v] > 0)
#endif
#ifdef R4_NO_BARRIER
#define passed(i) true
#elif defined(R5_LEASE_BEFORE_TAIL)
#define passed(i) (!started[i] || tail[i] >= barrier[i])
#else
#define passed(i) (tail[i] >= barrier[i])
#endif
#ifdef R5_LEASE_BEFORE_TAIL
#define mayAsk(i) true
#define accepts(i) (started[i] || lease[i] > 0)
#else
#define mayAsk(i) started[i]
#define accepts(i) started[i]
#endif
#ifdef R14_JOINS_SPOILED
#define mayJoin(v) (unbroken[v] && leased(v))
#elif defined(R14_JOINS_AFTER_A_BREAK)
#define mayJoin(v) (!spoiled[v])
#else
#define mayJoin(v) (unbroken[v] && leased(v) && !spoiled[v])
#endif
#ifdef R2_REMOVES_WITHOUT_LOOKING
bool doomed[IDS];
#endif
#ifdef R6_ACK_BEFORE_DROP
bool undropped[VERIFIERS];
#endif
#ifdef R6_MARK_BEFORE_OWN_DROP
bool ownUndropped[IDS];
#endif
#ifdef R7_GRANT_OVERTAKES
byte unsent[VERIFIERS];
#endif
#ifdef R11_LOOKUP_BEFORE_LEASE
byte looked[VERIFIERS]; byte expects[VERIFIERS];
#endif
#ifdef R14_EARLIER_READ
byte early[IDS];
#endif
#ifdef R16_LIST_BEFORE_COMMIT
bool listed[IDS]; bool taken;
#define mustWait(i) (row[i] && listed[i])
#else
#define mustWait(i) row[i]
#endif
#ifdef R20_WRITES_BACK
byte touch;
#endif

byte k; byte n; byte m; byte w; /* scratch, zero between steps */

inline minimumMark(i, s) {
  /* the newest change that every lease granted before it no longer needs */
  s = tail[i];
  k = 1;
  do
  :: k <= tail[i] ->
     n = 0;
     do
     :: n < VERIFIERS -> if :: owed[i].by[n].at[k] > 0 && s >= k -> s = k - 1 :: else fi; n++
     :: else -> break
     od;
     k++
  :: else -> break
  od;
  k = 0; n = 0
}

inline closeAtNode(v) {
  open[v] = false; wanted[v] = false; fill[v] = 0; found[v] = 0;
#ifdef R7_GRANT_OVERTAKES
  unsent[v] = 0;
#endif
#ifdef R8_CLOSED_IS_ACK
  k = 1; do :: k <= CHANGES -> owed[at[v]].by[v].at[k] = 0; k++ :: else -> break od; k = 0
#endif
}

inline sendChange(v, s) {
  if
#ifdef R7_ONLY_LEASED
  :: owed[at[v]].by[v].at[s] == 0 -> skip
#endif
  :: nfull(down[v]) -> down[v]!change, s
#ifdef R7_FULL_QUEUE_SKIPS
  :: full(down[v]) -> skip
#else
  :: full(down[v]) -> closeAtNode(v)
#endif
  fi
}

inline apply(i) {
  tail[i]++;
#ifdef R6_MARK_BEFORE_OWN_DROP
  ownUndropped[i] = true;
#else
  if :: touches(tail[i]) -> own[i] = 0 :: else fi;
#endif
  m = 0;
  do
  :: m < VERIFIERS ->
     if
     :: open[m] && at[m] == i ->
#ifdef R7_GRANT_OVERTAKES
        unsent[m] = tail[i]
#else
        sendChange(m, tail[i])
#endif
     :: else
     fi;
     m++
  :: else -> break
  od;
  m = 0
}

inline stop(i) {
  up[i] = false; started[i] = false; tail[i] = 0; lease[i] = 0; asking[i] = false; since[i] = 0; barrier[i] = 0; own[i] = 0;
#ifdef R6_MARK_BEFORE_OWN_DROP
  ownUndropped[i] = false;
#endif
#ifdef R14_EARLIER_READ
  early[i] = 0;
#endif
  m = 0;
  do
  :: m < VERIFIERS ->
     if :: open[m] && at[m] == i -> open[m] = false; wanted[m] = false; fill[m] = 0; found[m] = 0 :: else fi;
     k = 1; do :: k <= CHANGES -> owed[i].by[m].at[k] = 0; k++ :: else -> break od;
     m++
  :: else -> break
  od;
  m = 0; k = 0
}

/* A verifier lets go of stream, lease, cache and questions together. */
inline detach(v) {
  if :: at[v] != NOBODY && open[v] -> closeAtNode(v) :: else fi;
#ifndef R13_HEARS_THE_OLDER_STREAM
  do :: down[v]?_, _ :: empty(down[v]) -> break od;
#endif
#ifndef R8_HELLO_KEEPS_LEASE
  held[v] = 0;
#endif
#ifndef R8_HELLO_KEEPS_CACHE
  cached[v] = 0;
#endif
#ifdef R1_FLAG
  flag[v] = false;
#endif
#ifdef R6_ACK_BEFORE_DROP
  undropped[v] = false;
#endif
#ifdef R11_LOOKUP_BEFORE_LEASE
  looked[v] = 0; expects[v] = 0;
#endif
  renewing[v] = false; asked[v] = 0; question[v] = false; spoiled[v] = false; unbroken[v] = false; least[v] = 0;
  at[v] = NOBODY
}

#define lower(x) x = (x > 0 -> x - 1 : 0)

inline tick() {
  k = 0;
  do
  :: k < IDS ->
     lower(lease[k]); lower(since[k]); lower(unseen[k]);
     m = 0;
     do
     :: m < VERIFIERS ->
        n = 1; do :: n <= CHANGES -> lower(owed[k].by[m].at[n]); n++ :: else -> break od;
        m++
     :: else -> break
     od;
     k++
  :: else -> break
  od;
  m = 0;
  do
  :: m < VERIFIERS ->
     lower(held[m]); lower(asked[m]);
     if :: held[m] == 0 -> unbroken[m] = false :: else fi;
     m++
  :: else -> break
  od;
  n = 1; do :: n <= CHANGES -> lower(waiting[n]); n++ :: else -> break od;
  k = 0; m = 0; n = 0
}

#define kept(x) assert((x) >= returned)

inline nodeActions(i) {
  if
  /* R5: the tail first, then verifiers (who attach to what has started), then the first lease. */
  :: d_step { !used[i] -> used[i] = true; up[i] = true }
#ifdef R5_LEASE_BEFORE_TAIL
  :: d_step { up[i] && !started[i] && lease[i] > 0 -> tail[i] = head; started[i] = true }
#else
  :: d_step { up[i] && !started[i] -> tail[i] = head; started[i] = true }
#endif
  :: d_step { up[i] && started[i] && tail[i] < head && !(trimmed && tail[i] + 1 < head) -> apply(i) }
#ifdef R10_SKIPS_A_GAP
  :: d_step { up[i] && started[i] && trimmed && tail[i] + 1 < head -> tail[i] = head - 1; apply(i) }
#else
  :: d_step { up[i] && started[i] && trimmed && tail[i] + 1 < head -> stop(i) }
#endif
#ifdef R6_MARK_BEFORE_OWN_DROP
  :: d_step { ownUndropped[i] -> ownUndropped[i] = false; own[i] = 0 }
#endif
  /* R2, R4: asks, writes and reads the head; then believes. */
  :: d_step { up[i] && mayAsk(i) && !asking[i] ->
       asking[i] = true; since[i] = L; barrier[i] = head;
#ifdef R2_COUNTER_STAYS
       if :: !row[i] -> unseen[i] = UNSEEN :: else fi;
#else
       unseen[i] = UNSEEN;
#endif
       row[i] = true; minimumMark(i, mark[i]) }
  :: d_step { up[i] && asking[i] && passed(i) ->
       asking[i] = false; barrier[i] = 0; lease[i] = (nodeLease(i) > lease[i] -> nodeLease(i) : lease[i]); since[i] = 0 }
  /* The mark: a write of its own. */
  :: d_step { up[i] && started[i] && row[i] && mark[i] < tail[i] -> minimumMark(i, mark[i]); unseen[i] = UNSEEN }
  /* The own verifier: a read and what is kept of it, here in one step; and a verification from it. */
  :: d_step { up[i] && started[i] && own[i] == 0 && lease[i] > 0 -> own[i] = version + 1 }
  :: d_step { up[i] && own[i] > 0 && lease[i] > 0 -> kept(own[i] - 1) }
  :: d_step { up[i] && crashes < CRASHES -> crashes++; stop(i) }
  /* The watcher of rows: dead is what has not changed for L. R2: it goes only if its counter is still that one. */
#ifdef R2_REMOVES_WITHOUT_LOOKING
  :: d_step { row[i] && unseen[i] == 0 && !doomed[i] -> doomed[i] = true }
  :: d_step { doomed[i] -> doomed[i] = false; row[i] = false; mark[i] = 0 }
#else
  :: d_step { row[i] && unseen[i] == 0 -> row[i] = false; mark[i] = 0 }
#endif
#ifdef R14_EARLIER_READ
  :: d_step { up[i] && early[i] == 0 -> early[i] = version + 1 }
#endif
  fi
}

inline streamActions(v) {
  if
  /* The verifier loses its stream, or gives it up. */
  :: d_step { at[v] != NOBODY && moves < MOVES -> moves++; detach(v) }
  /* R1, R3: a lease runs from the question, and is no longer than what is left of the node's. */
  :: d_step { at[v] != NOBODY && !renewing[v] && open[v] -> renewing[v] = true; asked[v] = L; wanted[v] = true }
  :: d_step { at[v] != NOBODY && open[v] && wanted[v] && lease[at[v]] > 0 && nfull(down[v]) ->
       wanted[v] = false;
#ifdef R3_NOT_CAPPED
       w = L;
#else
       w = lease[at[v]];
#endif
       down[v]!grant, w;
       /* R9: owed to the changes after it on this stream. */
       k = tail[at[v]] + 1;
       do
       :: k <= CHANGES -> owed[at[v]].by[v].at[k] = (OWED(w) > owed[at[v]].by[v].at[k] -> OWED(w) : owed[at[v]].by[v].at[k]); k++
       :: else -> break
       od;
       k = 0; w = 0 }
#ifdef R7_GRANT_OVERTAKES
  :: d_step { at[v] != NOBODY && open[v] && unsent[v] > 0 -> w = unsent[v]; unsent[v] = 0; sendChange(v, w); w = 0 }
#endif
  :: d_step { at[v] != NOBODY && down[v]?[grant, _] ->
       down[v]?grant, w; renewing[v] = false;
       w = verifierLease(v, w);
       if :: w > held[v] -> held[v] = w :: else fi;
#ifdef R1_FLAG
       if :: held[v] > 0 -> flag[v] = true :: else fi;
#endif
       asked[v] = 0; w = 0 }
#ifdef R1_FLAG
  :: d_step { flag[v] && held[v] == 0 -> flag[v] = false }
#endif
  /* R6: a change drops, then it is acknowledged. R13: and spoils the open question. */
  :: d_step { at[v] != NOBODY && down[v]?[change, _] ->
       down[v]?change, w;
#ifdef R6_ACK_BEFORE_DROP
       undropped[v] = true;
#else
       if :: touches(w) -> cached[v] = 0 :: else fi;
#endif
#ifndef R13_NOT_SPOILED
       if :: question[v] -> spoiled[v] = true :: else fi;
#endif
       if
       :: open[v] -> k = 1; do :: k <= w -> owed[at[v]].by[v].at[k] = 0; k++ :: else -> break od; k = 0
       :: else
       fi;
       w = 0 }
#ifdef R6_ACK_BEFORE_DROP
  :: d_step { undropped[v] -> undropped[v] = false; cached[v] = 0 }
#endif
  /* R11: a verification from the cache. */
  :: d_step { at[v] != NOBODY && leased(v) && cached[v] > 0 -> kept(cached[v] - 1) }
#ifdef R11_LOOKUP_BEFORE_LEASE
  :: d_step { cached[v] > 0 && looked[v] == 0 -> looked[v] = cached[v]; expects[v] = returned }
  :: d_step { looked[v] > 0 ->
       if :: held[v] > 0 -> assert(looked[v] - 1 >= expects[v]) :: else fi; looked[v] = 0; expects[v] = 0 }
#endif
  /* R12: a question; R14: another verification joins it. */
  :: d_step { at[v] != NOBODY && !question[v] && open[v] && fill[v] == 0 ->
       question[v] = true; unbroken[v] = (held[v] > 0); least[v] = returned; fill[v] = 1 }
  :: d_step { question[v] && least[v] < returned && mayJoin(v) -> least[v] = returned }
#ifdef R12_FROM_THE_NODES_CACHE
  :: d_step { at[v] != NOBODY && fill[v] == 1 ->
       found[v] = (own[at[v]] > 0 -> own[at[v]] - 1 : version); fill[v] = 2 }
#else
#ifdef R14_EARLIER_READ
  :: d_step { at[v] != NOBODY && fill[v] == 1 && early[at[v]] > 0 ->
       found[v] = early[at[v]] - 1; early[at[v]] = 0; fill[v] = 2 }
#else
  :: d_step { at[v] != NOBODY && fill[v] == 1 -> found[v] = version; fill[v] = 2 }
#endif
#endif
  :: d_step { at[v] != NOBODY && open[v] && fill[v] == 2 && lease[at[v]] > 0 && nfull(down[v]) ->
       down[v]!answer, found[v]; fill[v] = 0; found[v] = 0 }
  :: d_step { at[v] != NOBODY && down[v]?[answer, _] ->
       down[v]?answer, w;
       if
       :: question[v] ->
          assert(w >= least[v]);
          if :: !spoiled[v] -> cached[v] = w + 1 :: else fi
       :: else
       fi;
       question[v] = false; spoiled[v] = false; unbroken[v] = false; least[v] = 0; w = 0 }
  fi
}

/* It attaches, maybe to the same node. R8: it is empty by then, so what was owed to it there is not. */
inline attachActions(v, i) {
  d_step { at[v] == NOBODY && up[i] && accepts(i) ->
    at[v] = i; open[v] = true;
    k = 1; do :: k <= CHANGES -> owed[i].by[v].at[k] = 0; k++ :: else -> break od; k = 0 }
}

inline everyNodeHas(s, yes) {
  yes = 1; m = 0;
  do :: m < IDS -> if :: mustWait(m) && mark[m] < s -> yes = 0 :: else fi; m++ :: else -> break od;
  m = 0
}

inline finish(s) {
  waits[s] = false; waiting[s] = 0;
  if :: touches(s) && s > returned -> returned = s :: else fi
}

inline changeActions() {
  if
  /* R15: one write. R16: then the rows, or the time. */
#ifdef R16_LIST_BEFORE_COMMIT
  :: d_step { !taken && head < CHANGES -> taken = true;
       m = 0; do :: m < IDS -> listed[m] = row[m]; m++ :: else -> break od; m = 0 }
  :: d_step { taken && head < CHANGES ->
#else
  :: d_step { head < CHANGES ->
#endif
       head++;
#ifndef R15_LOG_BEFORE_STATE
#ifdef R20_WRITES_BACK
       version = head;
#else
       if :: touches(head) -> version++ :: else fi;
#endif
#endif
#ifndef R15_LOG_BEFORE_STATE
       waits[head] = true; waiting[head] = WAIT;
#endif
#ifdef R17_STORED_IS_EVERYWHERE
       finish(head);
#endif
       skip }
#ifdef R15_LOG_BEFORE_STATE
  :: d_step { version < head -> version++; waits[version] = true; waiting[version] = WAIT }
#endif
  :: d_step { waits[1] -> everyNodeHas(1, w); if :: w == 1 || waiting[1] == 0 -> finish(1) :: else fi; w = 0 }
#if CHANGES > 1
  :: d_step { waits[2] -> everyNodeHas(2, w); if :: w == 1 || waiting[2] == 0 -> finish(2) :: else fi; w = 0 }
#endif
#ifdef R18_AGAIN_RETURNS_AT_ONCE
  :: d_step { head > 0 && returned < head -> returned = head }
#endif
#ifdef R20_WRITES_BACK
  :: d_step { touch == 0 && version < CHANGES -> touch = version + 1 }
  :: d_step { touch > 0 && touch != NOBODY -> version = touch - 1; touch = NOBODY }
#endif
#ifdef TRIM
  :: d_step { head > 1 && !trimmed -> trimmed = 1 }
#endif
  fi
}

init {
  d_step {
    k = 0;
    do :: k < FIRST -> used[k] = true; up[k] = true; started[k] = true; k++ :: else -> break od;
    k = 0;
    do :: k < VERIFIERS -> at[k] = NOBODY; k++ :: else -> break od;
    k = 0
  }
  do
  :: d_step { tick() }
  :: changeActions()
  :: nodeActions(0)
#if IDS > 1
  :: nodeActions(1)
#endif
#if IDS > 2
  :: nodeActions(2)
#endif
  :: streamActions(0)
  :: attachActions(0, 0)
#if IDS > 1
  :: attachActions(0, 1)
#endif
#if IDS > 2
  :: attachActions(0, 2)
#endif
#if VERIFIERS > 1
  :: streamActions(1)
  :: attachActions(1, 0)
#if IDS > 1
  :: attachActions(1, 1)
#endif
#if IDS > 2
  :: attachActions(1, 2)
#endif
#endif
  od
}
