import type { VerifiedToken } from '../../../src/authority/verification.ts';
import type { KeyId, SessionId, UserId } from '../../../src/domain/brand.ts';
import type { StoredSession } from '../../../src/domain/session.ts';
import type { Admitted, FenceStore } from '../../../src/fence/ports.ts';
import type { LogEntry, LogHead, LogPosition, NodeRow } from '../../../src/stores/contract.ts';
import type { Dice, Machine, Universe } from './machine.ts';

/** `highest`: the newest version that it ever had; `losses`: how often one of its changes was lost. */
export type Row = {
  id: SessionId;
  userId: UserId;
  version: number;
  highest: number;
  ended: boolean;
  losses: number;
  secret: string;
};
/** `touched`: the sessions as the change left them. */
export type Written = { entry: LogPosition; touched: readonly Readonly<Row>[] };

/** A change in the log, with what is needed to undo it. */
type Logged = { entry: LogEntry; before: { row: Row; version: number; ended: boolean }[]; nodes: Map<string, NodeRow> };

type Loss = { at: number; silently: boolean };

const day = 86_400_000;
const empty: LogPosition = { sequence: 0, mark: '' };

/**
 * A linearizable store in memory: each call happens at one moment between its request and its answer. Either can take
 * long; a call can fail before that moment, or after it, so that its outcome is unknown.
 */
export class SimulatedStore {
  readonly #universe: Universe;
  readonly #dice: Dice;
  readonly rows: Map<string, Row> = new Map();
  /** Revoked keys, and the entries that record it. */
  readonly #revoked: Map<string, LogPosition> = new Map();
  #log: Logged[] = [];
  /** The newest trimmed entry. */
  #trimmed: LogPosition = empty;
  #nodes: Map<string, NodeRow> = new Map();
  #marks = 0;
  readonly #lost: Map<string, Loss> = new Map();
  #incarnation = 1;
  #confirmed = '1';
  /** How often something happened that makes nodes start over. */
  readonly happened = { trims: 0, failovers: 0, replacements: 0 };
  down = false;
  /** How likely a call is to fail, or to take long. */
  trouble = 0;
  /** Until then every other call takes long, whatever the fault. */
  slowUntil = 0;

  constructor(universe: Universe, dice: Dice) {
    this.#universe = universe;
    this.#dice = dice;
  }

  create(row: Row): void {
    this.rows.set(row.id, row);
  }

  /** Deletes the older part of its log; the newest entry stays. */
  trim(share: number): void {
    const trimmed = this.#log.splice(0, Math.min(this.#log.length - 1, Math.ceil(this.#log.length * share)));
    this.#trimmed = trimmed.at(-1)?.entry ?? this.#trimmed;
    this.happened.trims += 1;
  }

  /**
   * A failover to a server that lacks the newest changes and reuses their sequences. Rows of nodes are lost as well,
   * or revert to their earlier state. `unseen`: nothing but the log shows that the store was replaced, and the rows are
   * kept.
   */
  failOver(lost: number, rows: 'lost' | 'as then' | 'unseen'): void {
    // The older server's log was trimmed no further than what it lacks: its newest entry exists.
    const least = Math.min(this.#log.length, this.#trimmed === empty ? 0 : 1);
    const gone = this.#log.splice(Math.max(least, this.#log.length - lost));
    for (const { before } of gone.toReversed()) {
      for (const { row, version, ended } of before) {
        Object.assign(row, { version, ended });
        if (!ended) this.#endedBy.delete(row.id);
        row.losses += 1;
      }
    }
    for (const { entry } of gone) if ('keyId' in entry) this.#revoked.delete(entry.keyId);
    for (const { entry } of gone) this.#lost.set(entry.mark, { at: this.#universe.now, silently: rows === 'unseen' });
    if (gone.length > 0) this.happened.replacements += 1;
    if (rows === 'unseen') return;
    this.#incarnation += 1;
    this.happened.failovers += 1;
    if (rows === 'lost') this.#nodes.clear();
    else if (gone[0]) this.#nodes = new Map(gone[0].nodes);
  }

  /** When an entry was lost, and whether only the log shows it; `undefined` if it was not. */
  lossOf({ mark }: LogPosition): Loss | undefined {
    return this.#lost.get(mark);
  }

  /**
   * Whether the log has an entry. Of one that was trimmed nobody can say whether it was in this log or in another one, so
   * stores answer no.
   */
  has({ sequence, mark }: LogPosition): boolean {
    return sequence === 0 || this.#log.some(({ entry }) => entry.sequence === sequence && entry.mark === mark);
  }

  get changes(): number {
    return this.#log.length;
  }

  /** Writes a change to the sessions that it affects, and its entry in the log, in one step. */
  change(machine: Machine, scope: { row: Row } | { userId: UserId } | 'all', end: boolean): Promise<Written> {
    return this.#call(machine, () => {
      const touched = [...this.rows.values()].filter((row) =>
        scope !== 'all' && 'row' in scope
          ? row === scope.row
          : !row.ended && (scope === 'all' || row.userId === scope.userId),
      );
      const first = touched[0];
      // Already ended: the first end counts, and is the one to wait for (R18).
      if (scope !== 'all' && 'row' in scope && first?.ended)
        return { entry: this.#endedBy.get(first.id)!, touched: [{ ...first, version: 1 }] };
      const position = { sequence: this.#head.sequence + 1, mark: String(++this.#marks), at: this.#universe.now };
      const entry: LogEntry =
        scope === 'all'
          ? { ...position, all: true }
          : 'row' in scope
            ? { ...position, sessionId: scope.row.id }
            : { ...position, userId: scope.userId };
      const before = [];
      for (const row of touched) {
        if (row.ended) continue;
        before.push({ row, version: row.version, ended: false });
        row.version = ++row.highest;
        if (!end) continue;
        row.ended = true;
        this.#endedBy.set(row.id, entry);
      }
      this.#log.push({ entry, before, nodes: new Map(this.#nodes) });
      return { entry, touched: touched.map((row) => ({ ...row })) };
    });
  }

  /** Revokes a key, once. */
  revoke(machine: Machine, keyId: string): Promise<LogPosition> {
    return this.#call(machine, () => {
      const already = this.#revoked.get(keyId);
      if (already) return already;
      const position = { sequence: this.#head.sequence + 1, mark: String(++this.#marks), at: this.#universe.now };
      const entry: LogEntry = { ...position, keyId: keyId as KeyId };
      this.#revoked.set(keyId, entry);
      this.#log.push({ entry, before: [], nodes: new Map(this.#nodes) });
      return entry;
    });
  }

  admit(machine: Machine, keyId: string): Promise<Admitted> {
    return this.#call(machine, () => {
      if (this.#revoked.has(keyId)) throw new Error('the key is revoked');
      return { id: keyId, name: keyId };
    });
  }

  readonly #endedBy: Map<string, LogPosition> = new Map();

  get #head(): LogPosition {
    return this.#log.at(-1)?.entry ?? this.#trimmed;
  }

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
      readLog: (from, limit) =>
        this.#call(machine, () =>
          this.#log
            .map(({ entry }) => entry)
            .filter(({ sequence }) => sequence >= from)
            .slice(0, limit),
        ),
      logHead: () => this.#call(machine, () => this.#told()),
      renewNode: (row) =>
        this.#call(machine, () => {
          this.#nodes.set(row.id, { ...row });
          return this.#told();
        }),
      listNodes: (tail = empty) =>
        this.#call(machine, () => ({
          follows: this.has(tail),
          nodes: [...this.#nodes.values()].map((row) => ({ ...row, current: this.has(row.tail) })),
          incarnation: String(this.#incarnation),
          confirmed: this.#confirmed === String(this.#incarnation),
        })),
      removeNode: (id, counter) =>
        this.#call(machine, () => {
          if (counter === undefined || this.#nodes.get(id)?.counter === counter) this.#nodes.delete(id);
        }),
      confirmIncarnation: (incarnation) =>
        this.#call(machine, () => {
          if (incarnation === String(this.#incarnation)) this.#confirmed = incarnation;
        }),
    };
  }

  #told(): LogHead {
    const { sequence, mark } = this.#head;
    return { sequence, mark, incarnation: String(this.#incarnation), now: this.#universe.now };
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
        let result: T;
        try {
          result = work();
        } catch (error) {
          this.#universe.in(delay(), machine, () => reject(error));
          return;
        }
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
    factorShown: undefined,
    openedWith: undefined,
    data: undefined,
    aliases: [],
    end: undefined,
    version,
  };
}
