import * as accounts from './accounts.ts';
import { countCall } from './attempts.ts';
import {
  authenticate,
  authenticateKey,
  authenticateRefreshToken,
  authenticateSession,
  authenticateVouched,
} from './authenticate.ts';
import { browseSessions, namesOfUser } from './browse-sessions.ts';
import { changeAccessGroups } from './change-groups.ts';
import type { AuthorityContext } from './context.ts';
import { createSession } from './create-session.ts';
import { endEveryone } from './end-everyone.ts';
import { endPreviewed } from './end-previewed.ts';
import { endFound, endSession, findTarget, logOut } from './end-session.ts';
import { endUserSession } from './end-user-session.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { eventSeries } from './event-series.ts';
import { exchangeAlias } from './exchange-alias.ts';
import * as factors from './factors.ts';
import { findUserSession } from './find-user-session.ts';
import { getLiveSession, getSession } from './get-session.ts';
import * as keys from './keys.ts';
import { followEvents, listEvents } from './list-events.ts';
import { listSessions } from './list-sessions.ts';
import * as named from './named-sessions.ts';
import { previewSessions } from './preview-sessions.ts';
import { refreshSession } from './refresh-session.ts';
import { confirmSecondFactor, factorIsRemembered, showSecondFactor, signInIsFresh } from './second-factor.ts';
import { keepSessionData, listSessionData } from './session-data.ts';
import { confirmPassword, signIn } from './sign-in.ts';
import { checkSession, verifySession } from './verify-session.ts';
import * as widget from './widget.ts';

/** Every use case, by name; nothing else writes. {@link createAuthority} binds their first parameter, the context. */
const useCases = {
  countCall,
  authenticate,
  authenticateKey,
  authenticateSession,
  authenticateRefreshToken,
  authenticateVouched,
  signIn,
  confirmPassword,
  confirmSecondFactor,
  showSecondFactor,
  factorIsRemembered,
  signInIsFresh,
  createSession,
  verifySession,
  checkSession,
  refreshSession,
  exchangeAlias,
  keepSessionData,
  listSessionData,
  getSession,
  getLiveSession,
  findUserSession,
  listSessions,
  browseSessions,
  namesOfUser,
  endSession,
  endFound,
  logOut,
  findTarget,
  endUserSession,
  endUserSessions,
  endEveryone,
  previewSessions,
  endPreviewed,
  changeAccessGroups,
  createAccount: accounts.createAccount,
  getAccount: accounts.getAccount,
  listAccounts: accounts.listAccounts,
  updateAccount: accounts.updateAccount,
  confirmEmail: accounts.confirmEmail,
  deleteAccount: accounts.deleteAccount,
  startTotp: factors.startTotp,
  confirmTotp: factors.confirmTotp,
  removeTotp: factors.removeTotp,
  renewBackupCodes: factors.renewBackupCodes,
  createKey: keys.createKey,
  getKey: keys.getKey,
  listKeys: keys.listKeys,
  revokeKey: keys.revokeKey,
  createNamedSession: named.createNamedSession,
  openNamedSession: named.openNamedSession,
  getNamedSession: named.getNamedSession,
  listNamedSessions: named.listNamedSessions,
  updateNamedSession: named.updateNamedSession,
  removeNamedSession: named.removeNamedSession,
  startNamedSession: named.startNamedSession,
  stopNamedSession: named.stopNamedSession,
  restartNamedSession: named.restartNamedSession,
  logoutNamedSession: named.logoutNamedSession,
  listEvents,
  followEvents,
  eventSeries,
  createWidgetToken: widget.createWidgetToken,
  readWidgetToken: widget.readWidgetToken,
  checkWidget: widget.checkWidget,
  listWidgetSessions: widget.listWidgetSessions,
  endWidgetSession: widget.endWidgetSession,
  endOtherWidgetSessions: widget.endOtherWidgetSessions,
} as const;

type UseCases = typeof useCases;
type Bound<Use> = Use extends (context: AuthorityContext, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

/** The use cases over one context. */
export type Authority = { readonly [Name in keyof UseCases]: Bound<UseCases[Name]> };

export function createAuthority(context: AuthorityContext): Authority {
  const bound = Object.entries(useCases).map(([name, use]) => [
    name,
    (use as (...all: unknown[]) => unknown).bind(undefined, context),
  ]);
  return Object.fromEntries(bound) as Authority;
}
