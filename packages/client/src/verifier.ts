/*
 * Apart from the client: a verifier keeps what it knows by hashes that are computed on the spot, for which it takes
 * Node.js, and the client runs wherever there is `fetch`.
 */
export type { ActiveVerification } from './fence/attachment.ts';
export type { VerifiedSession } from './fence/messages.ts';
export type { Verification, Verifier, VerifierStatistics } from './fence/verifier.ts';
export { createVerifier, type VerifierOptions } from './fence/websocket.ts';
export type { Requirement, SessionOptions, SessionVerifier } from './middleware/sessions.ts';
