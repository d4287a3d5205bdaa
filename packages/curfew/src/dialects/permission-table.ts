import { fencePath } from 'curfew-client/protocol';
import { type Permission, permissions, roleNames, roles } from '../domain/permissions.ts';
import type { Operation } from '../http/operation.ts';
import { operations } from '../http/routes/index.ts';
import { type Call, callsOf } from './calls.ts';

/* Who may do what, according to the declarations of the API and the dialects: for docs/permissions.md and its test. */

/**
 * The owner of the target, compared with the caller: another with equal permissions, a stronger one, or a weaker one.
 */
export const targets = ['own', 'other', 'stronger', 'weaker'] as const;
export type Target = (typeof targets)[number];

export type CallerKind = {
  name: string;
  kind: 'person' | 'key' | 'nobody';
  granted: readonly Permission[];
  /** A session of an administrator that was opened by somebody with fewer permissions. */
  openedByOther?: boolean;
};

export const callers: readonly CallerKind[] = [
  { name: 'nobody', kind: 'nobody', granted: [] },
  ...roleNames.map((role): CallerKind => ({ name: role, kind: 'person', granted: roles[role] })),
  { name: 'opened', kind: 'person', granted: [], openedByOther: true },
  { name: 'root key', kind: 'key', granted: permissions },
  { name: 'for browsers', kind: 'key', granted: [] },
  ...permissions.map((scope): CallerKind => ({ name: scope, kind: 'key', granted: [scope] })),
];

export type Row = { surface: string; call: string; operation?: Operation; dialect?: Call };

/** A verifier's stream is not an HTTP operation: its key comes with its first message. */
export const attaching: Row = {
  surface: 'native',
  call: `WebSocket ${fencePath}`,
  dialect: { credential: 'key', permission: 'fence.attach' },
};

export const rows: readonly Row[] = [
  ...operations.map((operation) => ({ surface: 'native', call: `${operation.method} ${operation.path}`, operation })),
  attaching,
  ...Object.entries(callsOf).flatMap(([surface, calls]) =>
    Object.entries(calls).map(([call, dialect]) => ({ surface, call, dialect })),
  ),
];

/** The targets of a row; `undefined` if it concerns nobody in particular. */
export function targetsOf({ operation, dialect }: Row): readonly (Target | undefined)[] {
  if (dialect) return targetsOfDialect(dialect);
  const { access, guards } = operation!;
  if (guards === 'key') return ['other', 'stronger', 'weaker'];
  return guards || (typeof access === 'object' && 'owner' in access) ? targets : [undefined];
}

function targetsOfDialect({ credential, permission, names }: Call): readonly (Target | undefined)[] {
  if (credential === 'none') return [undefined];
  // A key has no sessions of its own.
  if (names) return credential === 'key' ? targets.filter((target) => target !== 'own') : targets;
  return [permission || credential === 'key' ? undefined : 'own'];
}

/** Whether there is such a target: nobody has more than all permissions, or fewer than none. */
export function hasTarget({ kind, granted, openedByOther }: CallerKind, target: Target | undefined): boolean {
  if (target === 'own') return kind === 'person';
  if (target === 'stronger') return granted.length < permissions.length;
  if (target === 'weaker') return granted.length > 0;
  return target === undefined || !openedByOther;
}

/**
 * Whether the declarations allow a call, if the caller has presented everything else: a fresh sign-in, a second factor.
 */
export function isAllowed(row: Row, caller: CallerKind, target: Target | undefined): boolean {
  if (row.dialect) return dialectAllows(row.dialect, caller, target);
  const { access, guards } = row.operation!;
  if (access === 'open') return true;
  if (caller.kind === 'nobody' || (caller.kind === 'key' && caller.granted.length === 0)) return false;
  if (access === 'signed-in') return true;
  // None of them has a widget token.
  if (access === 'widget') return false;
  if (target === 'own' && 'owner' in access && caller.kind === 'person') return !caller.openedByOther || !access.own;
  if ('and' in access && access.and && !caller.granted.includes(access.and)) return false;
  return caller.granted.includes(access.permission) && passesGuard(guards !== undefined, caller, target);
}

function dialectAllows(call: Call, caller: CallerKind, target: Target | undefined): boolean {
  const { credential, permission, guards, names, ownIsFree } = call;
  if (credential === 'none') return true;
  if (caller.kind !== (credential === 'key' ? 'key' : 'person')) return false;
  const isOwn = target === 'own' && (ownIsFree || !permission);
  if (names && !permission && !isOwn) return false;
  if (permission && !isOwn && !caller.granted.includes(permission)) return false;
  return passesGuard(guards !== undefined, caller, target);
}

function passesGuard(guarded: boolean, caller: CallerKind, target: Target | undefined): boolean {
  return !guarded || (target !== 'stronger' && !(target === 'own' && caller.openedByOther));
}

/** A cell: for each target of the row, `✓` allowed, `–` refused, or `·` if there is no such target. */
export function cellOf(row: Row, caller: CallerKind): string {
  return targetsOf(row)
    .map((target) => (hasTarget(caller, target) ? (isAllowed(row, caller, target) ? '✓' : '–') : '·'))
    .join('');
}

/** The table as lines of text. */
export function permissionTable(): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['call', 'of', ...callers.map(({ name, kind }) => (kind === 'key' ? `key: ${name}` : name))];
  const body = rows.map((row) => {
    const of = targetsOf(row)
      .map((target) => (target === 'other' ? 'e' : (target?.[0] ?? '')))
      .join('');
    return line([
      `${row.surface === 'native' ? '' : `${row.surface}: `}\`${row.call}\``,
      of,
      ...callers.map((caller) => cellOf(row, caller)),
    ]);
  });
  return [line(head), line(head.map(() => '---')), ...body];
}
