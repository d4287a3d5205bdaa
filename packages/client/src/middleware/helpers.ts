import type { Receipt, Session } from '../api.gen.ts';
import type { Cookie } from './cookies.ts';
import type { AnyRequest } from './request.ts';
import type { Sessions, SignIn } from './sessions.ts';

/** What changes a browser's session. `At` is where the framework sets the headers of an answer. */
export type Helpers<At> = {
  /**
   * Opens a session for a user who has just proven who they are, sets its cookies, and ends the session that the browser
   * had.
   * @throws `CurfewApiError`: `cross_site_refused` if another site's page sent the request, or the server's error
   */
  signIn(at: At, input: SignIn): Promise<Session>;
  /**
   * Replaces the tokens of the browser at once, for instance after something that required a second factor.
   * @throws `CurfewApiError`: `authentication_required`, `cross_site_refused`, or the server's error
   */
  refresh(at: At): Promise<Session>;
  /**
   * Ends the browser's session and removes its cookies. Once it has returned, no verifier treats the session as active.
   * @returns the receipt; `undefined` if there was no session
   * @throws `CurfewApiError`: `cross_site_refused`, or the server's error; then session and cookies remain
   */
  logOut(at: At): Promise<Receipt | undefined>;
};

/** The helpers of an adapter: `requestOf` finds the request, and `set` sets the cookies of its answer. */
export function helpersOf<At>(
  sessions: Sessions,
  requestOf: (at: At) => AnyRequest | Promise<AnyRequest>,
  set: (at: At, cookies: readonly Cookie[]) => unknown,
): Helpers<At> {
  return {
    async signIn(at, input) {
      const { session, cookies } = await sessions.signIn(await requestOf(at), input);
      await set(at, cookies);
      return session;
    },
    async refresh(at) {
      const { session, cookies } = await sessions.refresh(await requestOf(at));
      await set(at, cookies);
      return session;
    },
    async logOut(at) {
      const { receipt, cookies } = await sessions.logOut(await requestOf(at));
      await set(at, cookies);
      return receipt;
    },
  };
}
