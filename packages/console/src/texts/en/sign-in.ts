import { name } from '../forms.ts';

export const signIn = {
  title: 'Sign in to Curfew',
  login: 'User name or e-mail address',
  password: 'Password',
  submit: 'Sign in',
  next: 'Continue',
  code: 'Code',
  codeHint: 'The six digits that your authenticator app shows, or one of your backup codes.',
  codeTitle: 'Enter your code',
  codeFor: (who: string) => `for ${name(who)}`,
  otherAccount: 'Use another account',
  missing: 'Fill in both fields.',
  missingCode: 'Enter the code.',
  insecure:
    'This page came over an unencrypted connection, so the browser will not keep you signed in. Open it with https, or on the machine that the server runs on.',
  noCookie:
    'The password is right, but the browser has not kept the session. It may block cookies, or need https for this address.',
  endedWhy: {
    byOneself: 'You are signed out.',
    ended: (reason: string) => `Your session has ended: ${reason}. Sign in again to continue where you left off.`,
    otherwise: 'Your session is no longer valid. Sign in again to continue where you left off.',
  },
};
