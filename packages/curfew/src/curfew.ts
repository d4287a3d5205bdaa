import { library } from './authority/caller.ts';
import { type Authority, createAuthority } from './authority/index.ts';
import { type CurfewOptions, compose } from './start/compose.ts';

/** Use cases that need a caller: here it is always the program itself. */
type OfCaller = {
  [Name in keyof Authority]: Authority[Name] extends (caller: infer First, ...rest: infer Rest) => infer Result
    ? typeof library extends First
      ? (...rest: Rest) => Result
      : never
    : never;
};

/** Curfew as a library: the sessions of one process's store, without a server. */
export type Curfew = Pick<
  OfCaller,
  | 'createSession'
  | 'endSession'
  | 'endUserSession'
  | 'endUserSessions'
  | 'endEveryone'
  | 'previewSessions'
  | 'endPreviewed'
  | 'changeAccessGroups'
  | 'createAccount'
  | 'updateAccount'
  | 'confirmEmail'
  | 'deleteAccount'
> &
  Pick<Authority, 'signIn' | 'getSession' | 'findUserSession' | 'listSessions' | 'listEvents'> & {
    /** Whether a session token, or an alias, is valid now. */
    verify: Authority['verifySession'];
    /** The same at once, from memory; `undefined` if the store has to be asked: then call `verify`. */
    check: Authority['checkSession'];
    /** Exchanges a refresh token for new tokens. */
    refresh: Authority['refreshSession'];
    /** Exchanges an alias for new tokens of its session. */
    exchangeAlias: OfCaller['exchangeAlias'];
    /** Finishes work in progress and closes the store. */
    close(): Promise<void>;
  };

/**
 * Opens a store and returns the use cases for it. Durations are in milliseconds, times in epoch milliseconds.
 *
 *     const curfew = await createCurfew({ store: 'lmdb:./curfew-data' });
 *     const { token } = await curfew.createSession({ userId: 'ada' });
 *     const verdict = await curfew.verify(token);
 *
 * @throws `CurfewError` with `config_invalid`, or with an error of opening the store (`store_…`)
 */
export async function createCurfew(settings: CurfewOptions): Promise<Curfew> {
  const { context, keepKey, close } = await compose(settings);
  await keepKey().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const authority = createAuthority(context);
  return {
    createSession: (request) => authority.createSession(library, request),
    verify: authority.verifySession,
    check: authority.checkSession,
    refresh: authority.refreshSession,
    exchangeAlias: (credential) => authority.exchangeAlias(library, credential),
    getSession: authority.getSession,
    findUserSession: authority.findUserSession,
    listSessions: authority.listSessions,
    endSession: (...rest) => authority.endSession(library, ...rest),
    endUserSession: (...rest) => authority.endUserSession(library, ...rest),
    endUserSessions: (...rest) => authority.endUserSessions(library, ...rest),
    endEveryone: (...rest) => authority.endEveryone(library, ...rest),
    previewSessions: (...rest) => authority.previewSessions(library, ...rest),
    endPreviewed: (...rest) => authority.endPreviewed(library, ...rest),
    changeAccessGroups: (...rest) => authority.changeAccessGroups(library, ...rest),
    signIn: authority.signIn,
    createAccount: (...rest) => authority.createAccount(library, ...rest),
    updateAccount: (...rest) => authority.updateAccount(library, ...rest),
    confirmEmail: (...rest) => authority.confirmEmail(library, ...rest),
    deleteAccount: (...rest) => authority.deleteAccount(library, ...rest),
    listEvents: authority.listEvents,
    close,
  };
}
