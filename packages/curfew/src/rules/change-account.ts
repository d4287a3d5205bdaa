import type { Account } from '../domain/account.ts';
import { endOf, type StoredSession } from '../domain/session.ts';
import type { Engine, Found, RowChange } from '../stores/commit.ts';
import type { AccountChange, AccountOutcome, AccountWitness, SessionSnapshot } from '../stores/contract.ts';
import { holders, takenName } from './create-account.ts';
import { type Decision, settle } from './deciding.ts';
import { stepOf } from './end-all.ts';

/** What a change of an account is decided on: the account, those with the names that it gets, and the spared session. */
type Picture = {
  account: Account | undefined;
  others: readonly Account[];
  witness: AccountWitness | undefined;
  spared: SessionSnapshot | undefined;
};

/** Compare-and-set of an account, which may end all its sessions in the same write. */
export async function changeAccount(engine: Engine, asked: AccountChange): Promise<AccountOutcome> {
  const { id, end, except, witness } = asked;
  const [account, spared] = await Promise.all([
    engine.readAccount(id),
    end && except !== undefined ? engine.readSession(except) : undefined,
  ]);
  const first: Picture = { account, others: [], witness, spared };
  return settle(
    engine,
    first,
    (picture) => decide(picture, asked),
    (found) => ({
      account: found.accounts.get(id),
      others: holders(found),
      witness: witnessIn(found, witness),
      spared: spared && found.sessions.get(spared.stored.id),
    }),
  );
}

/** The other account that a change depends on, as it was found. */
export function witnessIn({ accounts }: Found, witness: AccountWitness | undefined): AccountWitness | undefined {
  return witness && accounts.get(witness.id);
}

/** The other account, as a row that the change depends on and leaves alone. */
export function dependingOn(witness: AccountWitness | undefined): RowChange[] {
  return witness ? [{ table: 'accounts', before: witness, after: witness }] : [];
}

function decide(picture: Picture, asked: AccountChange): Decision<AccountOutcome> {
  const { id, version, set, event, end } = asked;
  const { account, others, witness } = picture;
  if (!account) return { answer: { kind: 'not_found' } };
  if (account.version !== version || witness?.version !== asked.witness?.version)
    return { answer: { kind: 'conflict' } };
  const changed: Account = { ...account, ...set, version: version + 1 };
  const taken = takenName(changed, others);
  if (taken) return { answer: { kind: taken } };
  // If the excepted session has itself just ended, all of them end.
  const step = end && stepOf(id, end, livingOf(picture.spared, id, end.at));
  return {
    change: {
      ...(step ?? { at: event?.at ?? changed.updatedAt, urgent: isCodeUsed(asked) }),
      rows: [
        { table: 'accounts', before: account, after: changed },
        ...(step?.rows ?? []),
        ...dependingOn(asked.witness),
      ],
      events: event ? [event] : [],
    },
    answered: ({ sequences, ended }) => ({ kind: 'changed', account: changed, sequence: sequences[0], ended }),
  };
}

/** Whether a change records the use of a second factor, which people need before they can end others' sessions. */
function isCodeUsed({ set, event }: AccountChange): boolean {
  return event === undefined && set.factor !== undefined;
}

function livingOf(spared: SessionSnapshot | undefined, owner: string, now: number): StoredSession | undefined {
  if (!spared || spared.stored.userId !== owner || endOf(spared.stored, spared.epochEnd, now)) return undefined;
  return spared.stored;
}
