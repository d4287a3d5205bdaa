/** A rule that is broken, in the one place where it is written. */
export type RuleMutant = { name: string; file: string; from: string; to: string };

export const ruleMutants: readonly RuleMutant[] = [
  {
    name: 'a limit allows one more',
    file: 'create-session.ts',
    from: 'active.length + 1 - limit.max',
    to: 'active.length - limit.max',
  },
  {
    name: 'a limit that refuses replaces instead',
    file: 'create-session.ts',
    from: `limit?.excess === 'refuse'`,
    to: 'false',
  },
  {
    name: 'a sign-in survives an end of all sessions',
    file: 'create-session.ts',
    from: 'epochs.user !== on.user || epochs.everyone !== on.everyone',
    to: 'false',
  },
  {
    name: 'a name is given to two sessions',
    file: 'create-session.ts',
    from: 'held && !endOf(held.stored, held.epochEnd, now)',
    to: 'false',
  },
  { name: 'a stopped slot accepts a session', file: 'create-session.ts', from: 'slot && !slot.started', to: 'false' },
  {
    name: 'a session ends twice',
    file: 'end-session.ts',
    from: 'if (earlier?.sequence !== undefined) {',
    to: 'if (false) {',
  },
  {
    name: 'another user’s session is found',
    file: 'end-session.ts',
    from: 'stored.userId !== userId)',
    to: 'false)',
  },
  { name: 'a kept slot is removed with its session', file: 'end-session.ts', from: ' && !slot.kept', to: '' },
  {
    name: 'the spared session ends with the others',
    file: 'end-all.ts',
    from: 'spared.epochs.user + 1',
    to: 'spared.epochs.user',
  },
  {
    name: 'groups of a session change after its deadline',
    file: 'change-groups.ts',
    from: 'sessions.filter((stored) => !deadlineEnd(stored, asked.now))',
    to: 'sessions',
  },
  {
    name: 'a session changes although somebody else has changed it',
    file: 'change-session.ts',
    from: 'stored.version !== version',
    to: 'false',
  },
  {
    name: 'an ended session changes',
    file: 'change-session.ts',
    from: 'if (endOf(stored, epochEnd, now))',
    to: 'if (false)',
  },
  {
    name: 'an account changes although somebody else has changed it',
    file: 'change-account.ts',
    from: 'account.version !== version || ',
    to: '',
  },
  {
    name: 'a key is revoked twice',
    file: 'keys.ts',
    from: 'key.revokedAt === undefined',
    to: 'true',
  },
  {
    name: 'a slot changes although somebody else has changed it',
    file: 'named.ts',
    from: 'if (slot.version !== version)',
    to: 'if (false)',
  },
  {
    name: 'a slot is removed although somebody else has changed it',
    file: 'named.ts',
    from: 'isHeld || slot.version !== version',
    to: 'isHeld',
  },
  {
    name: 'a slot is removed under the session in it',
    file: 'named.ts',
    from: 'isHeld || slot.version !== version',
    to: 'slot.version !== version',
  },
  {
    name: 'a sweep records an end that is recorded',
    file: 'record-ends.ts',
    from: 'stored.end ? undefined : endOf(stored, epochEnd, now, ',
    to: 'endOf({ ...stored, end: undefined }, epochEnd, now, ',
  },
  {
    name: 'a sweep ends a session whose latest use is not written',
    file: 'record-ends.ts',
    from: 'lastSeen?.(stored)',
    to: 'undefined',
  },
  {
    name: 'a sweep counts off what an epoch has counted off',
    file: 'record-ends.ts',
    from: 'counted: !epochEnd',
    to: 'counted: true',
  },
  {
    name: 'a sweep stops while there is more',
    file: 'record-ends.ts',
    from: 'more: scan.more &&',
    to: 'more: false &&',
  },
  {
    name: 'a sweep forgets too early',
    file: 'sweep.ts',
    from: 'engine.forget(task)',
    to: 'engine.forget({ ...task, keepEnded: task.keepEnded / 2 })',
  },
];
