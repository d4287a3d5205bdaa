import './supported-node.ts';

export type { OpenedSession, SessionRequest } from './authority/create-session.ts';
export type { EndedSession, EndTarget } from './authority/end-session.ts';
export type { EndedSessions } from './authority/end-user-sessions.ts';
export type { ListRequest, SessionList } from './authority/list-sessions.ts';
export type { Receipt, Wait } from './authority/receipt.ts';
export type { InactiveReason, Verification } from './authority/verification.ts';
export { type Curfew, createCurfew } from './curfew.ts';
export type { Session, SessionStatus } from './domain/session.ts';
export { CurfewError, type ErrorCode, errors, isCurfewError } from './errors.ts';
export type { CurfewOptions } from './start/compose.ts';
export type { Store } from './stores/contract.ts';
