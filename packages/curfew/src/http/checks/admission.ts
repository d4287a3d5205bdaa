import type { FastifyRequest } from 'fastify';

/** How the caller is authenticated, and when that was last done (`performance.now()`). */
export type Admission = { letIn(): Promise<void>; at: number };

/** Milliseconds for which an authentication is good: a request that arrives in one piece is being handled by then. */
const goodFor = 100;

/** Authenticates the caller before the body is read, so that nobody else can make the server read one. */
export async function admit(request: FastifyRequest, letIn: () => Promise<void>): Promise<void> {
  request.admission = { letIn, at: performance.now() };
  await letIn();
}

/**
 * Authenticates the caller again if that was some time ago: a body may take half a minute to arrive. So a caller that
 * was signed out or has lost a permission meanwhile is refused.
 */
export async function admitAgain({ admission }: FastifyRequest): Promise<void> {
  if (!admission || performance.now() - admission.at < goodFor) return;
  admission.at = performance.now();
  await admission.letIn();
}
