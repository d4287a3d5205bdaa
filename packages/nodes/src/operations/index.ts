import type { Operation } from './operation.ts';
import { endSessionById, endSessionByName, getSessions, refreshSession, verifySession } from './sessions.ts';
import {
  addAccessGroup,
  createUserSession,
  deleteUserSession,
  deleteUserSessions,
  getUserSession,
  getUserSessions,
  removeAccessGroup,
} from './user-sessions.ts';

/** All operations of the Curfew node. */
export const operations: readonly Operation[] = [
  createUserSession,
  getUserSession,
  getUserSessions,
  deleteUserSession,
  deleteUserSessions,
  addAccessGroup,
  removeAccessGroup,
  verifySession,
  getSessions,
  endSessionById,
  endSessionByName,
  refreshSession,
];
