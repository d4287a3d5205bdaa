import { nextSessions } from 'curfew-client/next';
import { cookies, headers } from 'next/headers';
import { client, verifier } from './curfew';

export const sessions = nextSessions(verifier, { client, cookies, headers, refreshAfter: 15 * 60 });
