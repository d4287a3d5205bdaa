import type { Answer, Trouble } from 'curfew-client/protocol';
import type { VerifiedToken } from '../authority/verification.ts';
import { CurfewError, errors, isCurfewError } from '../errors.ts';
import type { FencePorts } from './ports.ts';

/**
 * A verdict in the form for verifiers. By an alias, with what the application keeps with the session. It contains remaining times, so that no clocks are compared (R1). */
export function answerOf(
  verdict: VerifiedToken,
  { now, lastSeen }: Pick<FencePorts, 'now' | 'lastSeen'>,
  byAlias = false,
): Answer {
  if (!verdict.active) return verdict;
  const { stored, until = stored.expiresAt } = verdict;
  const at = now();
  return {
    active: true,
    session: {
      id: stored.id,
      userId: stored.userId,
      name: stored.name,
      accessGroups: stored.accessGroups,
      authenticatedAt: stored.authenticatedAt,
      expiresAt: stored.expiresAt,
      metadata: stored.metadata,
      ...(byAlias && { idle: stored.idle, data: stored.data }),
    },
    expiresIn: Math.min(stored.expiresAt, until) - at,
    idleIn: lastSeen(stored) + stored.idle - at,
    idle: stored.idle,
  };
}

/** The part of an error that a verifier may see. */
export function troubleOf(error: unknown): Trouble {
  const known = isCurfewError(error) ? error : new CurfewError('internal', {}, error);
  const { title, remedy, status } = errors[known.code];
  return { code: known.code, title, detail: known.facts.detail, remedy, status };
}
