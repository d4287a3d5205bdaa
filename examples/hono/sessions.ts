import { createClient } from 'curfew-client';
import { honoSessions } from 'curfew-client/hono';
import { createVerifier } from 'curfew-client/verifier';

const url = process.env['CURFEW_URL'] ?? 'http://127.0.0.1:2873';
const key = process.env['CURFEW_API_KEY'];
if (!key) throw new Error('Set CURFEW_API_KEY to a key of this application; README.md shows how to make one.');

/** Opens and ends sessions. */
export const curfew = createClient({ url, token: key });
/** Checks sessions from memory, without a network call. */
const verifier = createVerifier({ url, key, name: 'shop' });
export const sessions = honoSessions(verifier, { client: curfew });
