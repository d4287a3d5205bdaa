import type { Alias } from './alias.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from './brand.ts';
import { deviceOf } from './device.ts';
import { networkOfRequest } from './factor-shown.ts';
import { newId } from './ids.ts';
import type { Permission } from './permissions.ts';
import type { Random } from './ports.ts';
import type { Epochs, Metadata, StoredSession } from './session.ts';
import { formatToken, hashSecret, newSecret } from './tokens.ts';

/** The checked values of a new session. Durations are in milliseconds. */
export type Opening = {
  userId: UserId;
  name?: SessionName | undefined;
  accessGroups: readonly AccessGroup[];
  userAgent?: string | undefined;
  ip?: string | undefined;
  metadata: Metadata;
  absolute: number;
  idle: number;
  epochs: Epochs;
  /** Whether a second factor was confirmed by the sign-in itself. */
  withFactor?: boolean;
  /** The permissions of the caller that opens it for the user; absent if the user signs in. */
  openedWith?: readonly Permission[] | undefined;
  aliases?: readonly Alias[] | undefined;
  data?: string | undefined;
};

export type Tokens = { token: string; refreshToken: string };

/** A new session and the only copy of its tokens. Nothing that a client chose before signing in is part of them. */
export function openSession(opening: Opening, now: number, random: Random): { stored: StoredSession } & Tokens {
  const id = newId(opening.userId, now, random) as SessionId;
  const tokenSecret = newSecret(random);
  const refreshSecret = newSecret(random);
  return {
    token: formatToken('session', id, tokenSecret),
    refreshToken: formatToken('refresh', id, refreshSecret),
    stored: {
      id,
      userId: opening.userId,
      name: opening.name,
      suspended: false,
      accessGroups: opening.accessGroups,
      device: deviceOf(opening.userAgent),
      userAgent: opening.userAgent,
      ip: opening.ip,
      createdAt: now,
      authenticatedAt: now,
      lastSeenAt: now,
      expiresAt: now + opening.absolute,
      idle: opening.idle,
      metadata: opening.metadata,
      epochs: opening.epochs,
      tokenHash: hashSecret(tokenSecret),
      refresh: { hash: hashSecret(refreshSecret), previousHash: undefined, rotatedAt: undefined, rotations: 0 },
      factorShown: opening.withFactor ? { at: now, area: 'any', network: networkOfRequest(opening.ip) } : undefined,
      openedWith: opening.openedWith,
      aliases: opening.aliases ?? [],
      data: opening.data,
      end: undefined,
      version: 1,
    },
  };
}
