/*
 * What a store of another kind is written against: the contract, and the rules that every store applies. See
 * `docs/engines.md`.
 */
export type { Account } from '../domain/account.ts';
export { type Alias, aliasIn } from '../domain/alias.ts';
export type { AttemptRule } from '../domain/attempts.ts';
export type { AccountId, KeyId, SessionId, SessionName, UserId } from '../domain/brand.ts';
export { type Event, type EventFilter, matchesEvent, type NewEvent, storeEvents } from '../domain/events.ts';
export { changeGroups } from '../domain/groups.ts';
export type { ApiKey } from '../domain/key.ts';
export { day, limits } from '../domain/limits.ts';
export type { NamedSession } from '../domain/named.ts';
export type { End, SequencedEnd } from '../domain/reasons.ts';
export { accountMentions, matchesText } from '../domain/search.ts';
export { deadlineEnd, type Epochs, endOf, type StoredSession, touch, viewOf } from '../domain/session.ts';
export { CurfewError } from '../errors.ts';
export type * from './contract.ts';
export { refuseUsed, type StoreRecord } from './records.ts';
