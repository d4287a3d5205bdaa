import { createHmac } from 'node:crypto';
import {
  type Account,
  type AccountView,
  accountView,
  canonicalLogin,
  factorMethods,
  hasFactor,
} from '../domain/account.ts';
import { networkOf } from '../domain/address-bytes.ts';
import { limits } from '../domain/limits.ts';
import { grantedBy } from '../domain/permissions.ts';
import type { Actor } from '../domain/reasons.ts';
import type { Epochs, StoredSession } from '../domain/session.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import { bucketOf, guess, takeAttempt } from './attempts.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { type OpenedSession, openChecked, parseParts } from './create-session.ts';
import { endStored, findTarget } from './end-session.ts';
import { guardAccount } from './guard.ts';
import { useFactor } from './second-factor.ts';

export type SignInRequest = {
  login: { username: string } | { email: string };
  password: string;
  /** The second factor, if the account has one. */
  code?: string | undefined;
  userAgent?: string | undefined;
  ip?: string | undefined;
  /** The named session to sign in to; like every session with a name, it requires `sessions.create`. */
  name?: string | undefined;
  /** Tokens of earlier sessions, which the caller presents: these sessions end, no matter whose they are. */
  previousTokens?: readonly string[] | undefined;
  /** The same, for sessions that were verified already. */
  previousSessions?: readonly Pick<StoredSession, 'id' | 'userId'>[] | undefined;
  lifetime?: number | undefined;
  idle?: number | undefined;
};

export type SignedIn = OpenedSession & { account: AccountView };

/**
 * Signs an account in: checks the password, then the second factor if one is enrolled, and opens a new session. An
 * unknown account, a disabled one and a wrong password give the same answer. There is no session before the factor is
 * confirmed.
 * @throws `invalid_credentials`, `second_factor_required`, `second_factor_invalid`, `too_many_attempts`, `server_busy`,
 *   `signed_out_meanwhile`, `too_many_sessions`, `invalid_value`; with a name also `permission_missing`, `name_taken`,
 *   `named_session_stopped`
 */
export async function signIn(context: AuthorityContext, request: SignInRequest): Promise<SignedIn> {
  const { attempts, store, passwords, policy } = context;
  const by = canonical(request.login);
  const name = Object.values(by)[0]!;
  // What can be refused is refused before a code is used up and earlier sessions end.
  const { ip } = parseParts(request, policy);
  passwords.admit();
  await takeAttempt(context, bucketOf('address', networkOf(ip ?? '')), attempts.loginFromAddress);
  const credential = await store.findAccount(by);
  // All names of an account share one limit; a name that nobody has is limited like any other.
  const subject = credential?.account.id ?? bucketOf('name', name);
  const from = {
    bucket: bucketOf('login', subject),
    spare: () => bucketOfDevice(context, subject, ip),
  };
  const told = { loginHash: hashOfName(context, name), ip };
  const { account: known, epochs } = await guess(context, from, attempts.loginOfAccount, () =>
    checkPassword(context, credential, request.password, told),
  );
  // The password was right, so whatever becomes of the code counts against the limits of codes only.
  const account = await confirmFactor(context, known, request.code, told);
  if (request.name !== undefined) mayTakeName(account);
  await endPrevious(context, request);
  const opened = await open(context, account, epochs, request);
  return { ...opened, account: accountView(await noteLogin(context, account)) };
}

type Credential = { account: Account; epochs: Epochs };

async function checkPassword(
  context: AuthorityContext,
  credential: Credential | undefined,
  password: string,
  told: object,
): Promise<Credential> {
  const right = await context.passwords.matches(password, credential?.account.passwordHash);
  if (!right || !credential || credential.account.disabled) {
    await noteRefusal(context, credential?.account, told);
    throw new CurfewError('invalid_credentials');
  }
  return credential;
}

/** Milliseconds that may be spent finding out whether an account knows a device. */
const deviceBudget = 50;

/**
 * A separate bucket for networks from which the account has signed in before, according to its stored sessions: so
 * strangers who use up all attempts do not lock out the owner there. The search is made for unknown names too, so that
 * the answer takes as long.
 */
async function bucketOfDevice(
  context: AuthorityContext,
  subject: string,
  ip: string | undefined,
): Promise<string | undefined> {
  if (ip === undefined) return undefined;
  const network = networkOf(ip);
  const { sessions } = await context.store.listSessions({
    filter: { userId: subject as Account['id'] },
    after: undefined,
    limit: limits.pageMax,
    now: context.clock.nowForEnd(),
    budget: deviceBudget,
  });
  // A session that somebody else opened for the account is not a sign-in.
  const isKnown = sessions.some(
    ({ stored: { ip: from, openedWith } }) =>
      from !== undefined && openedWith === undefined && networkOf(from) === network,
  );
  return isKnown ? bucketOf('device', `${subject} ${network}`) : undefined;
}

/**
 * Checks that somebody who is signed in to an account knows its password, for operations that require more than a
 * session. Guesses count as they do at a sign-in.
 * @throws `permission_missing`, `invalid_credentials`, `too_many_attempts`, `server_busy`
 */
export async function confirmPassword(
  context: AuthorityContext,
  caller: Caller,
  account: Account,
  password: string,
): Promise<void> {
  // Checked first: callers must not guess the password of an account that they may not change.
  guardAccount(caller, account);
  const { id, username: login, passwordHash } = account;
  // A separate bucket: strangers who try to sign in must not block the owner here.
  await guess(context, { bucket: bucketOf('password', id) }, context.attempts.loginOfAccount, async () => {
    context.passwords.admit();
    if (await context.passwords.matches(password, passwordHash)) return;
    await noteRefusal(context, account, { loginHash: hashOfName(context, login) }, `user:${id}`);
    throw new CurfewError('invalid_credentials');
  });
}

async function confirmFactor(
  context: AuthorityContext,
  account: Account,
  code: string | undefined,
  told: object,
): Promise<Account> {
  if (!hasFactor(account)) return account;
  if (code === undefined || code === '') {
    // Recorded because somebody knows the password, and so that it takes as long as every other refusal.
    await noteRefusal(context, account, { ...told, factor: 'missing' });
    throw new CurfewError('second_factor_required', { methods: factorMethods(account) });
  }
  try {
    return await useFactor(context, account, code);
  } catch (error) {
    // The wrong code itself is recorded wherever one is given; here it has refused a sign-in too.
    if (isCurfewError(error, 'second_factor_invalid'))
      await noteRefusal(context, account, { ...told, factor: 'wrong' });
    throw error;
  }
}

/**
 * What the audit trail keeps of a name that failed to sign in: enough to see that two are the same, and no more,
 * because people type their password there by mistake. The hash is keyed, so that nobody can test guesses on it.
 */
function hashOfName({ secrets }: AuthorityContext, name: string): string {
  return createHmac('sha256', secrets.keyFor('names that failed to sign in'))
    .update(name)
    .digest('base64url')
    .slice(0, 22);
}

/** Applications trust the session that has a name, so taking a name requires a permission. */
function mayTakeName(account: Account): void {
  if (grantedBy(account).has('sessions.create')) return;
  throw new CurfewError('permission_missing', { detail: 'Signing in to a named session requires sessions.create.' });
}

async function noteRefusal(
  { store, clock }: AuthorityContext,
  account: Account | undefined,
  details: object,
  by: Actor = 'policy',
): Promise<void> {
  const at = clock.nowForEnd();
  await store.appendEvent({ type: 'login.failed', at, by, userId: account?.id, details: { ...details } });
}

function open(
  context: AuthorityContext,
  account: Account,
  epochs: Epochs,
  request: SignInRequest,
): Promise<OpenedSession> {
  const { userAgent, ip, name, lifetime, idle } = request;
  const session = { userId: account.id, userAgent, ip, name, lifetime, idle };
  return openChecked(context, 'self', session, epochs, hasFactor(account));
}

/** A sign-in ends the caller's earlier sessions (ASVS 7.2.4) first, so that a later failure leaves nobody signed in. */
async function endPrevious(
  context: AuthorityContext,
  { previousTokens = [], previousSessions = [] }: SignInRequest,
): Promise<void> {
  const shown = await Promise.all(previousTokens.map((token) => sessionOf(context, token)));
  for (const { id, userId } of [...shown.flat(), ...previousSessions]) {
    await endStored(context, id, { by: `user:${userId}`, reason: 'replaced' }, 'everywhere');
  }
}

/** The session of a token, also if it has ended: the call that ended it may still be waiting, and a sign-in then waits too. */
async function sessionOf(context: AuthorityContext, token: string): Promise<StoredSession[]> {
  try {
    const found = await findTarget(context, { token });
    return found.suspended ? [] : [found];
  } catch (error) {
    if (isCurfewError(error, 'session_not_found', 'token_malformed')) return [];
    throw error;
  }
}

/**
 * Records the time of the last sign-in. If it cannot be recorded, that is no reason to refuse the sign-in: by now, the
 * session is open and earlier ones have ended.
 */
async function noteLogin(context: AuthorityContext, account: Account): Promise<Account> {
  const lastLoginAt = context.clock.nowForEnd();
  const { id, version } = account;
  const change = { id, version, set: { lastLoginAt }, event: undefined };
  const outcome = await context.store.changeAccount(change).catch(() => undefined);
  return outcome?.kind === 'changed' ? outcome.account : { ...account, lastLoginAt };
}

function canonical(login: SignInRequest['login']): SignInRequest['login'] {
  return 'username' in login ? { username: canonicalLogin(login.username) } : { email: canonicalLogin(login.email) };
}
