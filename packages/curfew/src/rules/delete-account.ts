import type { Account } from '../domain/account.ts';
import type { Engine } from '../stores/commit.ts';
import type { AccountDeletion, AccountWitness, DeletionOutcome } from '../stores/contract.ts';
import { dependingOn, witnessIn } from './change-account.ts';
import { type Decision, settle } from './deciding.ts';
import { stepOf } from './end-all.ts';

type Picture = { account: Account | undefined; witness: AccountWitness | undefined };

/** Removes an account, and ends all its sessions in the same write. */
export async function deleteAccount(engine: Engine, asked: AccountDeletion): Promise<DeletionOutcome> {
  const { id, witness } = asked;
  const first: Picture = { account: await engine.readAccount(id), witness };
  return settle(
    engine,
    first,
    (picture) => decide(picture, asked),
    (found) => ({
      account: found.accounts.get(id),
      witness: witnessIn(found, witness),
    }),
  );
}

function decide(picture: Picture, { id, version, event, end, witness }: AccountDeletion): Decision<DeletionOutcome> {
  const { account } = picture;
  if (!account) return { answer: { kind: 'not_found' } };
  if (account.version !== version || picture.witness?.version !== witness?.version) {
    return { answer: { kind: 'conflict' } };
  }
  return {
    change: {
      ...stepOf(id, end, undefined),
      rows: [{ table: 'accounts', before: account }, ...dependingOn(witness)],
      events: [event],
    },
    answered: ({ sequences }) => ({ kind: 'deleted', sequence: sequences[0]! }),
  };
}
