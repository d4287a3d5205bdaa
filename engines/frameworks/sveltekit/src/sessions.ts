import { svelteKitSessions } from 'curfew-client/sveltekit';
import { client, verifier } from './curfew.ts';

export const sessions = svelteKitSessions(verifier, { client, refreshAfter: 15 * 60 });
