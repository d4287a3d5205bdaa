import { createClient } from 'curfew-client';
import { nextSessions } from 'curfew-client/next';
import { createVerifier } from 'curfew-client/verifier';
import { cookies, headers } from 'next/headers';

const url = process.env['CURFEW_URL'] ?? 'http://127.0.0.1:2873';
const key = process.env['CURFEW_API_KEY'] ?? '';

/** Opens and ends sessions. */
export const curfew = createClient({ url, token: key });
/** Checks sessions from memory. Made when the first request needs it: this file is also evaluated by the build. */
const verifier = () => createVerifier({ url, key, name: 'shop' });
export const sessions = nextSessions(verifier, { client: curfew, cookies, headers });
