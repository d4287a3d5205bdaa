export {
  type ActiveVerification,
  Attachment,
  type AttachmentSettings,
  type Parting,
  type Stream,
  StreamLost,
} from './attachment.ts';
export { type CacheStatistics, ExactCache, type Found, type Verdict } from './exact-cache.ts';
export { frozen } from './frozen.ts';
export { Lease } from './lease.ts';
export { CautiousClock, systemTiming, type Timing, withMargin } from './timing.ts';
export {
  type StreamEvents,
  type Verification,
  Verifier,
  type VerifierLimits,
  type VerifierPorts,
  type VerifierStatistics,
} from './verifier.ts';
