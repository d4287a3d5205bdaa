import type { FastifyRequest } from 'fastify';

/** How whoever asks is let in, and when they were last, in milliseconds of the process's own clock. */
export type Admission = { letIn(): Promise<void>; at: number };

/** Milliseconds that having been let in is good for: a request that comes whole has begun by then. */
const goodFor = 100;

/** Lets whoever asks in, before their body is read: nobody else can make a server read one. */
export async function admit(request: FastifyRequest, letIn: () => Promise<void>): Promise<void> {
  request.admission = { letIn, at: performance.now() };
  await letIn();
}

/**
 * Lets them in again, where that was some time ago: a body may take half a minute to arrive, and a password has to wait to
 * be looked at. Whoever was signed out meanwhile, or has lost a permission, is not served as who they were.
 */
export async function admitAgain({ admission }: FastifyRequest): Promise<void> {
  if (!admission || performance.now() - admission.at < goodFor) return;
  admission.at = performance.now();
  await admission.letIn();
}
