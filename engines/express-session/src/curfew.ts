import { createClient } from 'curfew-client';
import { createVerifier } from 'curfew-client/verifier';

const url = process.env['CURFEW_URL'] ?? 'http://127.0.0.1:2873';
const key = process.env['CURFEW_API_KEY'] ?? '';

/** Answers from memory; one is enough for a process. */
export const verifier = createVerifier({ url, key, name: 'shop' });
/** Keeps and ends sessions. */
export const client = createClient({ url, token: key });
