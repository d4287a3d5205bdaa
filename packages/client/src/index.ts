export type {
  Account,
  ApiKey,
  Device,
  Event,
  NamedSession,
  Operations,
  Problem,
  Receipt,
  Session,
} from './api.gen.ts';
export { type CallOptions, type Client, type ClientOptions, createClient, pages } from './client.ts';
export { type ApiErrorCode, CurfewApiError } from './errors.ts';
export type { ActiveVerification } from './fence/attachment.ts';
export type { VerifiedSession } from './fence/messages.ts';
export type { Verification, Verifier, VerifierStatistics } from './fence/verifier.ts';
export { createVerifier, type VerifierOptions } from './fence/websocket.ts';
export type { Requirement, SessionOptions, SessionVerifier } from './middleware/sessions.ts';
