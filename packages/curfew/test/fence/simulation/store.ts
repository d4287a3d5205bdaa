import type { VerifiedToken } from '../../../src/authority/verify-session.ts';
import type { SessionId, UserId } from '../../../src/domain/brand.ts';
import type { StoredSession } from '../../../src/domain/session.ts';
import type { FenceStore } from '../../../src/fence/ports.ts';
import type { LogEntry, NodeRow } from '../../../src/stores/contract.ts';
import type { Dice, Machine, Universe } from './machine.ts';

export type Row = { id: SessionId; userId: UserId; version: number; ended: boolean; secret: string };
/** `touched`: the sessions as the change left them. */
export type Written = { sequence: number; touched: readonly Readonly<Row>[] };

const day = 86_400_000;

/**
 * A linearizable store in memory: each call happens at one moment between its question and its answer. Either can
 * take long; a call can fail before that moment, or after it, when nobody knows.
 */
export class SimulatedStore {
  readonly #universe: Universe;
  readonly #dice: Dice;
  readonly rows: Map<string, Row> = new Map();
  #log: LogEntry[] = [];
  #head = 0;
  readonly #nodes: Map<string, NodeRow> = new Map();
  #incarnation = 1;
  down = false;
  /** How likely a call is to fail, or to take long. */
  trouble = 0;
  /** Until then every other call takes long, whatever the trouble. */
  slowUntil = 0;

  constructor(universe: Universe, dice: Dice) {
    this.#universe = universe;
    this.#dice = dice;
  }

  create(row: Row): void {
    this.rows.set(row.id, row);
  }

  /** Forgets the older part of its log. */
  trim(share: number): void {
    this.#log = this.#log.slice(Math.ceil(this.#log.length * share));
  }

  /** A failover that loses what nobody was promised: who the nodes are. */
  failOver(): void {
    this.#incarnation += 1;
    this.#nodes.clear();
  }

  /** Writes a change to the sessions that it touches, and its entry in the log, in one step. */
  change(machine: Machine, scope: { row: Row } | { userId: UserId } | 'all', end: boolean): Promise<Written> {
    return this.#call(machine, () => {
      const touched = [...this.rows.values()].filter((row) =>
        scope === 'all' ? true : 'row' in scope ? row === scope.row : row.userId === scope.userId,
      );
      const first = touched[0];
      // Found ended: the first end counts, and is waited for (R18).
      if (scope !== 'all' && 'row' in scope && first?.ended)
        return { sequence: this.#endedBy.get(first.id)!, touched: [{ ...first, version: 1 }] };
      this.#head += 1;
      const at = this.#universe.now;
      const sequence = this.#head;
      if (scope === 'all') this.#log.push({ sequence, at, all: true });
      else if ('row' in scope) this.#log.push({ sequence, at, sessionId: scope.row.id });
      else this.#log.push({ sequence, at, userId: scope.userId });
      for (const row of touched) {
        if (row.ended) continue;
        row.version += 1;
        if (!end) continue;
        row.ended = true;
        this.#endedBy.set(row.id, sequence);
      }
      return { sequence, touched: touched.map((row) => ({ ...row })) };
    });
  }

  readonly #endedBy: Map<string, number> = new Map();

  judge(machine: Machine, token: string): Promise<VerifiedToken> {
    return this.#call(machine, () => {
      const row = this.rows.get(token.slice(4, 26));
      if (!row || row.secret !== token.slice(26)) return { active: false, reason: 'unknown' };
      if (row.ended) return { active: false, reason: 'logout' };
      return { active: true, stored: storedOf(row, machine.date()) };
    });
  }

  /** The store as a node's process sees it. */
  seenFrom(machine: Machine): FenceStore {
    return {
      readLog: (after, limit) =>
        this.#call(machine, () => this.#log.filter(({ sequence }) => sequence > after).slice(0, limit)),
      logHead: () => this.#call(machine, () => this.#head),
      renewNode: (row) =>
        this.#call(machine, () => {
          this.#nodes.set(row.id, { ...row });
          return this.#head;
        }),
      listNodes: () => this.#call(machine, () => [...this.#nodes.values()].map((row) => ({ ...row }))),
      removeNode: (id, counter) =>
        this.#call(machine, () => {
          if (counter === undefined || this.#nodes.get(id)?.counter === counter) this.#nodes.delete(id);
        }),
      incarnation: () => this.#call(machine, () => String(this.#incarnation)),
    };
  }

  #call<T>(machine: Machine, work: () => T): Promise<T> {
    const dice = this.#dice;
    const delay = () => {
      const slow = this.#universe.now < this.slowUntil ? 0.5 : this.trouble;
      return dice.chance(slow) ? dice.between(10, slow === this.trouble ? 1500 : 400) : dice.between(0.1, 3);
    };
    return new Promise((resolve, reject) => {
      this.#universe.in(delay(), undefined, () => {
        if (this.down || dice.chance(this.trouble / 4)) {
          this.#universe.in(delay(), machine, () => reject(new Error('the store is down')));
          return;
        }
        const result = work();
        const lost = dice.chance(this.trouble / 4);
        this.#universe.in(delay(), machine, () => (lost ? reject(new Error('the answer was lost')) : resolve(result)));
      });
    });
  }
}

function storedOf({ id, userId, version }: Row, now: number): StoredSession {
  return {
    id,
    userId,
    name: undefined,
    suspended: false,
    accessGroups: [`v${version}` as never],
    device: {} as never,
    userAgent: undefined,
    ip: undefined,
    createdAt: now,
    authenticatedAt: now,
    lastSeenAt: now,
    expiresAt: now + day,
    idle: day,
    metadata: {},
    epochs: { user: 0, everyone: 0 },
    tokenHash: new Uint8Array(32),
    refresh: { hash: new Uint8Array(32), previousHash: undefined, rotatedAt: undefined, rotations: 0 },
    factorAt: undefined,
    end: undefined,
    version,
  };
}
