import { CurfewError } from '../../errors.ts';

/**
 * What fails once a part of a change is made may not be reported as if nothing had changed. Who repeats the call completes
 * it, and so does the next sweep.
 */
export async function uncertain<Answer>(rest: Promise<Answer>): Promise<Answer> {
  try {
    return await rest;
  } catch (error) {
    throw new CurfewError('outcome_unknown', { detail: 'A part of the change is made; the rest follows.' }, error);
  }
}
