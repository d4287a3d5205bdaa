/*
 * The fence, as a model that `spin` checks exhaustively. README.md beside it describes the protocol and lists the
 * rules R1 to R22. Run it with `npm run proof`, or `npm run proof -- small`.
 *
 * The promise that is asserted here: a verification that began after change s had returned never answers from a
 * version before s. (An end is a change like any other: a version whose session is not active.) And a node starts
 * over only for a reason: the log was trimmed, or the store failed over.
 *
 * The model is one process whose loop takes any action that is possible now, each in one step. This covers every
 * interleaving of nodes, verifiers, waiters, messages, crashes and the passing of time. Actions that take time (a read
 * of the store, a message) are two or more steps, and anything may happen between them. A pause is an action that is
 * not taken. Delays that can only make an answer later or a lease shorter are left out, because having none is the
 * worst case. So a verifier's messages arrive at once, and the watcher of rows sees a counter as soon as it is raised.
 *
 * Time is a tick that lowers every timer at once, so a lease of L ticks expires at the same moment for its holder and
 * for those who wait for it. The margin is for clocks that drift apart, which ticks cannot; the simulation has those.
 *
 * A crashed node never comes back: a node always starts under a new id (the next row). Each MUTANT removes one rule,
 * and each must fail.
 *
 * Switches add what not every configuration can afford:
 *   FAILOVERS   how often the store fails over to a prefix of its log, at once and for everybody, and then uses the
 *               same numbers again. ROWS_LOST: the nodes' rows are lost with the tail; otherwise they stay as they
 *               were. SILENT: the store does not report its new incarnation. UNMARKED: entries have no marks.
 *   REPLIES     a read of the log, and the first read of its head, are two steps: something may come between them.
 *   CONCERN     each change is of the session that is followed here, or of another one that no stream holds, and only
 *               the streams that it concerns are told and waited for. (A change of all sessions of a user, or of
 *               everyone, counts as a change of this one.) A node may lose a stream before its verifier does.
 *   TRIM        the log is trimmed.
 *   OTHER       the change with this number is of another session.
 *   NO_STREAMS  nobody attaches: there are only the nodes' own verifiers.
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
#ifndef FAILOVERS
#define FAILOVERS 0
#endif
#define NOBODY 255

/* ---- The store: each access is one step. */
byte head;                       /* the log's newest entry */
byte version;                    /* what a read of the session returns: its newest change, except in mutants */
bit trimmed;                     /* entries before the head are gone */
bool row[IDS];                   /* the node has a row */
byte mark[IDS];                  /* its applied mark */
#if FAILOVERS > 0
byte history;                    /* how often the store has failed over */
byte written[CHANGES + 1];       /* the history in which an entry was written: its mark */
byte confirmed;                  /* the history that was recorded as confirmed */
byte rowTail[IDS]; byte rowMark[IDS];
byte recent;                     /* ticks left until L has passed since the failover */
#endif

/* ---- Nodes */
bool used[IDS]; bool up[IDS];
bool started[IDS];               /* knows where its tail begins */
byte tail[IDS];                  /* applied to the own cache and queued on every stream */
byte lease[IDS];                 /* ticks left */
bool asking[IDS];                /* a renewal is written, but not yet trusted */
byte since[IDS];                 /* ticks left, counted from the question */
byte barrier[IDS];               /* the head as read after the renewal was written */
byte own[IDS];                   /* the own verifier's cache: 0, or the version + 1 */
#if FAILOVERS > 0
typedef Marks { byte entry[CHANGES + 1] };
Marks heard[IDS];                /* the marks of the entries that it has read */
byte barrierMark[IDS];
byte born[IDS];                  /* the history that the store had when it started */
byte living[IDS];                /* ticks left until it has run in that for L */
bool foreign[IDS];               /* the renewal's answer, still on its way, is not of the log that it follows */
#endif
#ifdef REPLIES
byte beginning[IDS];             /* the head that it starts from, still on its way: 0, or the entry + 1 */
byte pulled[IDS];                /* a part of the log, still on its way: 0, or its newest entry + 1 */
#if FAILOVERS > 0
Marks pulledMarks[IDS]; bool pulledForeign[IDS];
byte beginningMark[IDS];
#endif
#endif

/* ---- The node's side of the streams */
bool open[VERIFIERS];            /* the node has not closed it */
bool wanted[VERIFIERS];          /* a renewal waits for its grant */
byte fill[VERIFIERS];            /* a question: 0 none, 1 came, 2 read */
byte found[VERIFIERS];           /* what was read */
typedef Owed { byte at[CHANGES + 1] };
typedef Book { Owed by[VERIFIERS] };
Book owed[IDS];                  /* ticks until the leases granted before change s are over */
#ifdef CONCERN
typedef Holds { bool by[VERIFIERS] };
Holds holds[IDS];                /* the stream got an answer about the session, and no change of it since */
bool concerned;                  /* while a change is applied: whether the stream is told of it */
#endif

/* ---- Verifiers */
byte at[VERIFIERS];              /* attached to, or NOBODY */
byte held[VERIFIERS];            /* the lease: ticks left */
bool renewing[VERIFIERS];
byte asked[VERIFIERS];           /* ticks left, counted from the question */
byte cached[VERIFIERS];          /* 0, or the version + 1 */
bool question[VERIFIERS]; bool spoiled[VERIFIERS]; bool unbroken[VERIFIERS];
byte least[VERIFIERS];           /* the oldest version that those who wait for the answer may accept */
mtype = { change, grant, answer };
chan down[VERIFIERS] = [QUEUE] of { mtype, byte };

/* ---- The processes that wait for a change */
byte waiting[CHANGES + 1];       /* ticks until L has passed since the commit */
bool waits[CHANGES + 1];
byte returned;                   /* the newest change that has returned */
byte unseen[IDS];                /* the watcher: ticks until an unchanged counter means dead */
#if FAILOVERS > 0
byte known;                      /* the history that the waiting process knows, or NOBODY: it has just started */
byte doubts;                     /* ticks left during which it trusts no row */
#endif

byte crashes; byte moves;

#ifdef CONCERN
bool another[CHANGES + 1];       /* a change is of another session */
#define touches(s) (!another[s])
#elif defined(OTHER)
/* A verifier that hears only of that one drops nothing. */
#define touches(s) (s != OTHER)
#else
#define touches(s) true
#endif
#if FAILOVERS > 0
#ifdef R10_NEITHER
#define SILENT
#define UNMARKED
#endif
/* Versions grow with each change that is written, across failovers as well. */
#define versionOf(s) (s == 0 -> 0 : written[s] * (CHANGES + 1) + s)
#define remains(x) (x == 0 || (x % (CHANGES + 1) <= head && written[x % (CHANGES + 1)] == x / (CHANGES + 1)))
#ifdef SILENT
#define incarnation(h) 0
#else
#define incarnation(h) h
#endif
#ifdef UNMARKED
#define markOf(s) 0
#else
#define markOf(s) written[s]
#endif
#define onThisLog(s, m) (s == 0 || (s <= head && markOf(s) == m))
#define explained(i) (trimmed || history != born[i])
#ifdef R10_ROWS_BELIEVED
#define isCurrent(i) true
#else
#define isCurrent(i) onThisLog(rowTail[i], rowMark[i])
#endif
#ifdef R10_PULL_IGNORES_MARKS
#define followsOn(i) (tail[i] <= head)
#else
#define followsOn(i) onThisLog(tail[i], heard[i].entry[tail[i]])
#endif
#ifdef R10_MARK_OF_THE_TAIL_ALONE
#define headIsForeign(i) (head < tail[i] || (head == tail[i] && !onThisLog(tail[i], heard[i].entry[tail[i]])))
#else
#define headIsForeign(i) (head < tail[i])
#endif
#ifdef R10_RENEWAL_IGNORES_INCARNATION
#define storeIsForeign(i) false
#else
#define storeIsForeign(i) (incarnation(history) != incarnation(born[i]))
#endif
#if defined(R10_RENEWAL_IGNORES_MARKS) || defined(R10_MARK_OF_THE_TAIL_ALONE)
#define isForeign(i) foreign[i]
#else
/* The entries read up to the barrier, perhaps requested earlier, must be of the log whose head the renewal found. */
#define isForeign(i) (foreign[i] || (barrier[i] > 0 && tail[i] >= barrier[i] && heard[i].entry[barrier[i]] != barrierMark[i]))
#endif
#else
#define versionOf(s) s
#define explained(i) trimmed
#define isCurrent(i) true
#define followsOn(i) true
#define isForeign(i) false
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
#ifdef R21_PULLS_BEFORE_THE_START
bool blind[IDS];
#define mayPull(i) up[i]
#else
#define mayPull(i) (up[i] && started[i])
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

#ifdef CONCERN
#ifdef R22_OPEN_QUESTIONS_DO_NOT_COUNT
#define mayHold(i, v) holds[i].by[v]
#elif defined(R22_ONLY_OPEN_QUESTIONS)
#define mayHold(i, v) (open[v] && at[v] == i && fill[v] > 0)
#elif defined(R22_CLOSED_HOLDS_NOTHING)
#define mayHold(i, v) (open[v] && at[v] == i && (holds[i].by[v] || fill[v] > 0))
#else
#define mayHold(i, v) (holds[i].by[v] || (open[v] && at[v] == i && fill[v] > 0))
#endif
/*
 * R22: decided for each stream, closed ones included, when a change is applied: a stream is not told of a change of
 * what it cannot hold, and owes no ack for it. What it holds is forgotten then; keeping it only makes more ends wait.
 */
inline decideConcern(i, v, s) {
  concerned = (touches(s) && mayHold(i, v));
#ifdef R22_TOLD_IS_ENOUGH
  holds[i].by[v] = false;
#endif
  if :: !touches(s) || !mayHold(i, v) -> owed[i].by[v].at[s] = 0 :: else fi;
  if :: touches(s) -> holds[i].by[v] = false :: else fi
}
#endif

inline apply(i) {
  tail[i]++;
#if FAILOVERS > 0
#ifdef REPLIES
  heard[i].entry[tail[i]] = pulledMarks[i].entry[tail[i]];
#else
  heard[i].entry[tail[i]] = markOf(tail[i]);
#endif
#endif
#ifdef R6_MARK_BEFORE_OWN_DROP
  ownUndropped[i] = true;
#else
  if :: touches(tail[i]) -> own[i] = 0 :: else fi;
#endif
  m = 0;
  do
  :: m < VERIFIERS ->
#ifdef CONCERN
     decideConcern(i, m, tail[i]);
#endif
     if
#ifdef CONCERN
     :: open[m] && at[m] == i && concerned ->
#else
     :: open[m] && at[m] == i ->
#endif
#ifdef R7_GRANT_OVERTAKES
        unsent[m] = tail[i]
#else
        sendChange(m, tail[i])
#endif
     :: else
     fi;
#ifdef CONCERN
     concerned = false;
#endif
     m++
  :: else -> break
  od;
  m = 0
}

inline stop(i) {
  up[i] = false; started[i] = false; tail[i] = 0; lease[i] = 0; asking[i] = false; since[i] = 0; barrier[i] = 0; own[i] = 0;
#if FAILOVERS > 0
  born[i] = 0; living[i] = 0; foreign[i] = false; barrierMark[i] = 0;
  k = 1; do :: k <= CHANGES -> heard[i].entry[k] = 0; k++ :: else -> break od; k = 0;
#endif
#ifdef REPLIES
  beginning[i] = 0; pulled[i] = 0;
#if FAILOVERS > 0
  beginningMark[i] = 0; pulledForeign[i] = false;
  k = 1; do :: k <= CHANGES -> pulledMarks[i].entry[k] = 0; k++ :: else -> break od; k = 0;
#endif
#endif
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
#ifdef CONCERN
     holds[i].by[m] = false;
#endif
     m++
  :: else -> break
  od;
  m = 0; k = 0
}

/* R10: the node starts over. R21: never without a reason. */
inline lose(i) {
  assert(explained(i));
  stop(i)
}

/* Writes the node's row (R2), with how far it has come on which log. */
inline writeRow(i) {
  unseen[i] = UNSEEN; row[i] = true; minimumMark(i, mark[i]);
#if FAILOVERS > 0
  rowTail[i] = tail[i]; rowMark[i] = heard[i].entry[tail[i]];
#endif
}

inline removeRow(i) {
  row[i] = false; mark[i] = 0;
#if FAILOVERS > 0
  rowTail[i] = 0; rowMark[i] = 0;
#endif
}

/* A verifier drops its stream, lease, cache and questions together. */
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
#if FAILOVERS > 0
     lower(living[k]);
#endif
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
#if FAILOVERS > 0
  lower(recent); lower(doubts);
#endif
  k = 0; m = 0; n = 0
}

#if FAILOVERS > 0 && !defined(SILENT)
/* R10: what only the lost tail contained is trusted for a lease at most. */
#define kept(x) assert((x) >= returned && (recent > 0 || remains((x))))
#else
#define kept(x) assert((x) >= returned)
#endif

inline nodeActions(i) {
  if
  /* R5: the tail first, then verifiers (they attach to nodes that have started), then the first lease. */
  :: d_step { !used[i] -> used[i] = true; up[i] = true }
#ifdef REPLIES
  :: d_step { up[i] && !started[i] && beginning[i] == 0 -> beginning[i] = head + 1;
#if FAILOVERS > 0
       beginningMark[i] = markOf(head); born[i] = history; living[i] = L;
#endif
       skip }
  :: d_step { up[i] && beginning[i] > 0 -> tail[i] = beginning[i] - 1; beginning[i] = 0; started[i] = true;
#if FAILOVERS > 0
       heard[i].entry[tail[i]] = beginningMark[i]; beginningMark[i] = 0;
#endif
       skip }
#else
#ifdef R5_LEASE_BEFORE_TAIL
  :: d_step { up[i] && !started[i] && lease[i] > 0 -> tail[i] = head; started[i] = true }
#else
  :: d_step { up[i] && !started[i] -> tail[i] = head; started[i] = true;
#if FAILOVERS > 0
       heard[i].entry[head] = markOf(head); born[i] = history; living[i] = L;
#endif
       skip }
#endif
#endif
  /* The node reads on from the entry at its tail, which must be the one that it knows (R10). */
#ifdef REPLIES
  :: d_step { mayPull(i) && pulled[i] == 0 && tail[i] <= head -> pulled[i] = head + 1;
#ifdef R21_PULLS_BEFORE_THE_START
       blind[i] = !started[i];
#endif
#if FAILOVERS > 0
       pulledForeign[i] = !followsOn(i);
       k = tail[i] + 1; do :: k <= head -> pulledMarks[i].entry[k] = markOf(k); k++ :: else -> break od; k = 0;
#endif
       skip }
  :: d_step { up[i] && started[i] && pulled[i] > 0 ->
       if
#ifdef R21_PULLS_BEFORE_THE_START
       /* It requested the log from its beginning, and looks for the entry at its tail. */
       :: blind[i] && tail[i] > 0 && (tail[i] != 1 || pulled[i] == 1) -> lose(i)
#endif
#if FAILOVERS > 0
       :: pulledForeign[i] -> lose(i)
#endif
       :: else ->
          do :: tail[i] + 1 < pulled[i] -> apply(i) :: else -> break od;
          pulled[i] = 0;
#if FAILOVERS > 0
          k = 1; do :: k <= CHANGES -> pulledMarks[i].entry[k] = 0; k++ :: else -> break od; k = 0;
#endif
          skip
       fi;
#ifdef R21_PULLS_BEFORE_THE_START
       blind[i] = false;
#endif
       skip }
#else
  :: d_step { up[i] && started[i] && followsOn(i) && tail[i] < head && !(trimmed && tail[i] + 1 < head) -> apply(i) }
#endif
#if FAILOVERS > 0
  :: d_step { up[i] && started[i] && !followsOn(i) -> lose(i) }
#endif
#ifdef R10_SKIPS_A_GAP
  :: d_step { up[i] && started[i] && trimmed && tail[i] + 1 < head -> tail[i] = head - 1; apply(i) }
#else
  :: d_step { up[i] && started[i] && trimmed && tail[i] + 1 < head -> lose(i) }
#endif
#ifdef R6_MARK_BEFORE_OWN_DROP
  :: d_step { ownUndropped[i] -> ownUndropped[i] = false; own[i] = 0 }
#endif
  /* R2, R4: the node asks, writes, and reads the head; then it trusts the renewal. */
  :: d_step { up[i] && mayAsk(i) && !asking[i] ->
       asking[i] = true; since[i] = L; barrier[i] = head;
#if FAILOVERS > 0
       foreign[i] = headIsForeign(i) || storeIsForeign(i); barrierMark[i] = markOf(head);
#endif
#ifdef R2_COUNTER_STAYS
       k = (row[i] -> unseen[i] : UNSEEN); writeRow(i); unseen[i] = k; k = 0 }
#else
       writeRow(i) }
#endif
  :: d_step { up[i] && asking[i] && !isForeign(i) && passed(i) ->
#if FAILOVERS > 0
       barrierMark[i] = 0;
#endif
       asking[i] = false; barrier[i] = 0; lease[i] = (nodeLease(i) > lease[i] -> nodeLease(i) : lease[i]); since[i] = 0 }
#if FAILOVERS > 0
  :: d_step { up[i] && asking[i] && isForeign(i) -> lose(i) }
#endif
#ifdef R21_TAIL_AS_IT_IS
  :: d_step { up[i] && asking[i] && barrier[i] < tail[i] -> lose(i) }
#endif
  /* The mark is a separate write. */
  :: d_step { up[i] && started[i] && row[i] && mark[i] < tail[i] -> writeRow(i) }
#if FAILOVERS > 0
  /* R10: the store has had this history for as long as any earlier lease could last. */
#ifdef R10_CONFIRMS_AT_ONCE
  :: d_step { up[i] && started[i] && born[i] == history && confirmed != history -> confirmed = history }
#else
  :: d_step { up[i] && started[i] && born[i] == history && living[i] == 0 && confirmed != history -> confirmed = history }
#endif
#endif
  /* The own verifier: reads and caches, here in one step; then verifies from its cache. */
  :: d_step { up[i] && started[i] && own[i] == 0 && lease[i] > 0 -> own[i] = version + 1 }
  :: d_step { up[i] && own[i] > 0 && lease[i] > 0 -> kept(own[i] - 1) }
  :: d_step { up[i] && crashes < CRASHES -> crashes++; stop(i) }
  /* The watcher of rows: a row unchanged for L is dead. R2: it is removed only if its counter is still the same. */
#ifdef R2_REMOVES_WITHOUT_LOOKING
  :: d_step { row[i] && unseen[i] == 0 && !doomed[i] -> doomed[i] = true }
  :: d_step { doomed[i] -> doomed[i] = false; removeRow(i) }
#else
  :: d_step { row[i] && unseen[i] == 0 -> removeRow(i) }
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
#ifdef CONCERN
  /* The node loses the stream first: the verifier notices with the next message. */
  :: d_step { at[v] != NOBODY && open[v] -> closeAtNode(v) }
#endif
  /* R1, R3: a lease runs from the question, and never outlasts the node's. */
  :: d_step { at[v] != NOBODY && !renewing[v] && open[v] -> renewing[v] = true; asked[v] = L; wanted[v] = true }
  :: d_step { at[v] != NOBODY && open[v] && wanted[v] && lease[at[v]] > 0 && nfull(down[v]) ->
       wanted[v] = false;
#ifdef R3_NOT_CAPPED
       w = L;
#else
       w = lease[at[v]];
#endif
       down[v]!grant, w;
       /* R9: the lease is owed to the later changes on this stream. */
       k = tail[at[v]] + 1;
       do
       :: k <= CHANGES -> owed[at[v]].by[v].at[k] = (OWED(w) > owed[at[v]].by[v].at[k] -> OWED(w) : owed[at[v]].by[v].at[k]); k++
       :: else -> break
       od;
#ifdef R22_UNTIL_RENEWED
       holds[at[v]].by[v] = false;
#endif
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
  /* R6: drop on a change, then acknowledge it. R13: a change also spoils the open question. */
  :: d_step { at[v] != NOBODY && down[v]?[change, _] ->
       down[v]?change, w;
#ifdef R6_ACK_BEFORE_DROP
       undropped[v] = true;
#else
       if :: touches(w) -> cached[v] = 0 :: else fi;
#endif
#ifndef R13_NOT_SPOILED
       if :: question[v] && touches(w) -> spoiled[v] = true :: else fi;
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
       down[v]!answer, found[v]; fill[v] = 0; found[v] = 0;
#ifdef CONCERN
       holds[at[v]].by[v] = true;
#endif
       skip }
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

/* Attaches, perhaps to the same node. R8: its cache is empty by then, so nothing is owed to it there any more. */
inline attachActions(v, i) {
  d_step { at[v] == NOBODY && up[i] && accepts(i) ->
    at[v] = i; open[v] = true;
    k = 1; do :: k <= CHANGES -> owed[i].by[v].at[k] = 0; k++ :: else -> break od; k = 0;
#ifdef CONCERN
    holds[i].by[v] = false;
#endif
    skip }
}

inline everyNodeHas(s, yes) {
  yes = 1; m = 0;
  do :: m < IDS -> if :: mustWait(m) && (mark[m] < s || !isCurrent(m)) -> yes = 0 :: else fi; m++ :: else -> break od;
  m = 0
}

inline finish(s) {
  waits[s] = false; waiting[s] = 0;
  if :: touches(s) && versionOf(s) > returned -> returned = versionOf(s) :: else fi
}

/* Checks the list of nodes: all have applied the change, or L has passed since the commit. */
inline look(s) {
#if FAILOVERS > 0
#ifndef R10_WAITER_IGNORES_INCARNATION
  /* R10: on a changed or unconfirmed incarnation, rows are not trusted for L: only the time counts. */
  if
#ifdef R10_TRUSTS_AT_ONCE
  :: known == NOBODY -> skip
#else
  :: known == NOBODY && incarnation(confirmed) == incarnation(history) -> skip
#endif
  :: known != NOBODY && incarnation(known) == incarnation(history) -> skip
  :: else -> doubts = L
  fi;
#endif
  known = history;
#endif
  everyNodeHas(s, w);
  if
#if FAILOVERS > 0
  :: w == 1 && doubts > 0 && waiting[s] > 0 -> skip
#endif
  :: w == 1 || waiting[s] == 0 -> finish(s)
  :: else
  fi;
  w = 0
}

#if FAILOVERS > 0
/*
 * The store is replaced by one with the log up to `p`. What was written after that is lost, which is allowed. An end
 * among it that still waits answers with an error.
 */
inline failOver(p) {
  k = p + 1;
  do
  :: k <= head ->
#ifdef R17_LOST_IS_EVERYWHERE
     if :: waits[k] -> w = versionOf(k) :: else fi;
#endif
     waits[k] = false; waiting[k] = 0; written[k] = 0; k++
  :: else -> break
  od;
  head = p; version = 0; returned = 0;
  k = 1;
  do
  :: k <= head ->
     if :: touches(k) -> version = versionOf(k) :: else fi;
     if :: touches(k) && !waits[k] -> returned = versionOf(k) :: else fi;
     k++
  :: else -> break
  od;
#ifdef R17_LOST_IS_EVERYWHERE
  if :: w > returned -> returned = w :: else fi;
  w = 0;
#endif
  m = 0;
  do :: m < VERIFIERS -> if :: least[m] > returned -> least[m] = returned :: else fi; m++ :: else -> break od;
  m = 0; history++; recent = L;
#ifdef ROWS_LOST
  k = 0;
  do :: k < IDS -> removeRow(k); unseen[k] = 0; k++ :: else -> break od;
#endif
  k = 0
}
#endif

/* R15: one write. */
inline commit() {
  head++;
#if FAILOVERS > 0
  written[head] = history;
#endif
#ifndef R15_LOG_BEFORE_STATE
  if :: touches(head) -> version = versionOf(head) :: else fi;
  waits[head] = true; waiting[head] = WAIT;
#endif
#ifdef R17_STORED_IS_EVERYWHERE
  finish(head);
#endif
  skip
}

#if CHANGES > 2
#define nobodyWaits() (!waits[1] && !waits[2] && !waits[3])
#elif CHANGES > 1
#define nobodyWaits() (!waits[1] && !waits[2])
#else
#define nobodyWaits() (!waits[1])
#endif

inline changeActions() {
  if
  /* R16: then the rows, or the time. */
#ifdef R16_LIST_BEFORE_COMMIT
  :: d_step { !taken && head < CHANGES -> taken = true;
       m = 0; do :: m < IDS -> listed[m] = row[m]; m++ :: else -> break od; m = 0 }
  :: d_step { taken && head < CHANGES ->
#else
  :: d_step { head < CHANGES ->
#endif
       commit() }
#ifdef CONCERN
  :: d_step { head < CHANGES -> another[head + 1] = true; commit() }
#endif
#ifdef R15_LOG_BEFORE_STATE
  :: d_step { version < head -> version++; waits[version] = true; waiting[version] = WAIT }
#endif
  :: d_step { waits[1] -> look(1) }
#if CHANGES > 1
  :: d_step { waits[2] -> look(2) }
#endif
#if CHANGES > 2
  :: d_step { waits[3] -> look(3) }
#endif
#if FAILOVERS > 0
  /* Nothing is lost except perhaps rows; or the newest entry; or everything. */
  :: d_step { history < FAILOVERS -> failOver(head) }
  :: d_step { history < FAILOVERS && head > 0 -> failOver(head - 1) }
#if CHANGES > 1
  :: d_step { history < FAILOVERS && head > 1 -> failOver(0) }
#endif
  /* From now on another process waits, which has seen nothing of the store yet. */
  :: d_step { known != NOBODY && nobodyWaits() -> known = NOBODY; doubts = 0 }
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
#ifndef NO_STREAMS
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
#endif
  od
}
