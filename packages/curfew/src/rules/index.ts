import type { UserId } from '../domain/brand.ts';
import type { Epochs } from '../domain/session.ts';
import type { Engine } from '../stores/commit.ts';
import type { Store } from '../stores/contract.ts';
import { changeAccount } from './change-account.ts';
import { changeGroups } from './change-groups.ts';
import { changeSession } from './change-session.ts';
import { createAccount } from './create-account.ts';
import { createSession } from './create-session.ts';
import { deleteAccount } from './delete-account.ts';
import { endEveryone, endSessionsOfUser } from './end-all.ts';
import { endSession } from './end-session.ts';
import { createKey, revokeKey } from './keys.ts';
import { changeNamed, createNamed, removeNamed } from './named.ts';
import { sweep } from './sweep.ts';
import { Turns } from './turns.ts';

/** The operations that are rules over an engine. */
export type Ruled = Pick<
  Store,
  | 'createSession'
  | 'changeSession'
  | 'endSession'
  | 'endSessionsOfUser'
  | 'endEveryone'
  | 'changeGroups'
  | 'createAccount'
  | 'changeAccount'
  | 'deleteAccount'
  | 'createKey'
  | 'revokeKey'
  | 'createNamed'
  | 'changeNamed'
  | 'removeNamed'
  | 'appendEvent'
  | 'sweep'
>;

/** How many users' epochs are remembered. */
const most = 10_000;

export function rulesOver(engine: Engine): Ruled {
  // What creations with the present epochs assume, if the engine does not know them: those that this process saw last.
  const users = new Map<UserId, number>();
  let everyone = 0;
  const likely = (userId: UserId): Epochs => ({ user: users.get(userId) ?? 0, everyone });
  const learn = (userId: UserId, epochs: Epochs) => {
    everyone = epochs.everyone;
    users.delete(userId);
    if (epochs.user === 0) return;
    users.set(userId, epochs.user);
    if (users.size > most) users.delete(users.keys().next().value!);
  };
  const turns = new Turns<UserId>();
  return {
    async createSession(creation) {
      const { userId } = creation.session;
      const create = () => createSession(engine, creation, engine.epochsOf?.(userId) ?? likely(userId));
      const outcome = await (creation.limit ? turns.take(userId, create) : create());
      if (outcome.kind === 'created') learn(userId, outcome.session.epochs);
      return outcome;
    },
    changeSession: (change) => changeSession(engine, change),
    endSession: (id, end, condition) => endSession(engine, id, end, condition),
    endSessionsOfUser: (userId, end, condition) => endSessionsOfUser(engine, userId, end, condition),
    endEveryone: (end) => endEveryone(engine, end),
    changeGroups: (change) => turns.take(change.userId, () => changeGroups(engine, change)),
    createAccount: (account, event) => createAccount(engine, account, event),
    changeAccount: (change) => changeAccount(engine, change),
    deleteAccount: (deletion) => deleteAccount(engine, deletion),
    createKey: (key, event) => createKey(engine, key, event),
    revokeKey: (id, at, event) => revokeKey(engine, id, at, event),
    createNamed: (slot, event) => createNamed(engine, slot, event),
    changeNamed: (change) => changeNamed(engine, change),
    removeNamed: (name, version, event) => removeNamed(engine, name, version, event),
    async appendEvent(event) {
      await engine.commit({ at: event.at, events: [event] });
    },
    sweep: (task) => sweep(engine, task),
  };
}
