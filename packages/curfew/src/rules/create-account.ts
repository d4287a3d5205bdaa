import type { Account } from '../domain/account.ts';
import type { NewEvent } from '../domain/events.ts';
import type { Engine, Found } from '../stores/commit.ts';
import { type Decision, settle } from './deciding.ts';

type Answer = 'created' | 'username_taken' | 'email_taken';

/** Creates an account, on the assumption that neither its id nor its names are in use. */
export function createAccount(engine: Engine, account: Account, event: NewEvent): Promise<Answer> {
  return settle(engine, [], (others) => decide(account, event, others), holders);
}

function decide(account: Account, event: NewEvent, others: readonly Account[]): Decision<Answer> {
  if (others.some(({ id }) => id === account.id)) return { answer: 'created' };
  const taken = takenName(account, others);
  if (taken) return { answer: taken };
  const rows = [{ table: 'accounts', after: account }] as const;
  return { change: { at: event.at, rows, events: [event] }, answered: () => 'created' };
}

/** The accounts that a conflict found, by id or because they have one of the names. */
export const holders = ({ accounts }: Found): Account[] => [...accounts.values()];

/** Which of an account's unique names another one has. */
export function takenName(
  { id, username, email }: Account,
  others: readonly Account[],
): 'username_taken' | 'email_taken' | undefined {
  const rest = others.filter((other) => other.id !== id);
  if (rest.some((other) => other.username === username)) return 'username_taken';
  if (email !== undefined && rest.some((other) => other.email === email)) return 'email_taken';
  return undefined;
}
