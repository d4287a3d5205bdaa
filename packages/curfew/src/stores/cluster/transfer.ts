import { CurfewError } from '../../errors.ts';
import type { ExportOptions } from '../contract.ts';
import type { RecordKind, StoreRecord } from '../records.ts';
import { aliasKey } from '../redis/keys.ts';
import type { Part } from '../redis/part.ts';
import { beginImport, refuseUsedStore } from '../redis/transfer.ts';
import { aliasesFor } from './group-engine.ts';
import type { Groups } from './groups.ts';
import type { Outbox } from './outbox.ts';
import { keepTaken, readEndings, reserveAliases } from './scripts.ts';

type Epoch = Extract<StoreRecord, { kind: 'epoch' }>;

/** The records of one part of the store, kind by kind. */
class Reader {
  readonly #records: AsyncIterator<StoreRecord>;
  #next: StoreRecord | undefined;
  #done = false;

  constructor(records: AsyncIterable<StoreRecord>) {
    this.#records = records[Symbol.asyncIterator]();
  }

  take<Kind extends RecordKind>(...kinds: readonly Kind[]): AsyncGenerator<Extract<StoreRecord, { kind: Kind }>> {
    return this.#takeWhile((record): record is Extract<StoreRecord, { kind: Kind }> =>
      kinds.includes(record.kind as Kind),
    );
  }

  takeEveryones(): AsyncGenerator<Epoch> {
    return this.#takeWhile((record): record is Epoch => record.kind === 'epoch' && record.userId === null);
  }

  async *#takeWhile<Taken extends StoreRecord>(fits: (record: StoreRecord) => record is Taken): AsyncGenerator<Taken> {
    for (let record = await this.#peek(); record && fits(record); record = await this.#peek()) {
      this.#next = undefined;
      yield record;
    }
  }

  async #peek(): Promise<StoreRecord | undefined> {
    if (this.#next || this.#done) return this.#next;
    const { value, done } = await this.#records.next();
    this.#done = done === true;
    this.#next = done ? undefined : value;
    return this.#next;
  }
}

const unfinished = 'A change of an account, or an end of everybody, is not complete in all groups yet.';

/** Everything, in order, with the numbers of the home's log. */
export async function* exportAll(
  home: Part,
  groups: readonly Part[],
  outbox: Outbox,
  options?: ExportOptions,
): AsyncGenerator<StoreRecord> {
  await Promise.all(groups.map((_, group) => outbox.takeOver(group)));
  const open = (await home.link.run(readEndings, ['0'])) as unknown[];
  if (open.length > 0) throw new CurfewError('changed_meanwhile', { detail: unfinished });
  const numbered = async (group: number, record: Epoch): Promise<Epoch> => ({
    ...record,
    end: { ...record.end, sequence: await outbox.numberOf(group, record.end.sequence) },
  });
  const ofHome = new Reader(home.store.exportRecords(options));
  yield* ofHome.take('counters');
  const ofGroups = groups.map(({ store }) => new Reader(store.exportRecords(options)));
  // Each group has the steps of everyone's epoch, first. After a failover one may lack the last of them.
  const steps: Epoch[][] = groups.map(() => []);
  for (const [group, reader] of ofGroups.entries()) {
    for await (const _ of reader.take('counters'));
    for await (const record of reader.takeEveryones()) steps[group]!.push(await numbered(group, record));
  }
  const reached = steps.map((some) => some.at(-1)?.number ?? 0);
  const most = Math.max(...reached);
  const isSettled = ({ number }: Epoch) =>
    steps.every((some, group) => some.find((own) => own.number + most - reached[group]! === number)?.settled ?? true);
  // In some groups, ends by it may still be to be recorded.
  for (const step of steps[reached.indexOf(most)]!) yield { ...step, settled: isSettled(step) };
  for (const [group, reader] of ofGroups.entries()) {
    for await (const record of reader.take('epoch')) yield numbered(group, record);
  }
  yield* ofHome.take('account', 'key');
  for (const [group, reader] of ofGroups.entries()) {
    for await (const record of reader.take('session')) {
      const { end, epochs } = record.session;
      // Those that an end of everybody has not ended in their group, it has not ended elsewhere.
      const stamp = { ...epochs, everyone: epochs.everyone + most - reached[group]! };
      const numberedEnd = end && { ...end, sequence: await outbox.numberOf(group, end.sequence) };
      yield { ...record, session: { ...record.session, epochs: stamp, end: numberedEnd } };
    }
    // Its own log and events are in the home's; at its end it says whether anything has changed meanwhile.
    for await (const _ of reader.take('account', 'key', 'slot', 'log', 'event'));
  }
  yield* ofHome.take('slot', 'log', 'event');
}

/** Records on their way to one part of the store. */
class Pipe {
  readonly #waiting: StoreRecord[] = [];
  #wake: (() => void) | undefined;
  #taken: (() => void) | undefined;
  #ended = false;

  /** Resolves when the part has taken most of what it got. */
  async push(record: StoreRecord): Promise<void> {
    this.#waiting.push(record);
    this.#wake?.();
    if (this.#waiting.length < mostWaiting) return;
    await new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StoreRecord> {
    for (;;) {
      const record = this.#waiting.shift();
      if (record) {
        if (this.#waiting.length === 0) this.#taken?.();
        yield record;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

const mostWaiting = 200;

/** Imports everything; the home, without which the store does not open, comes last. */
export async function importAll(
  home: Part,
  groups: Groups,
  records: AsyncIterable<StoreRecord>,
  fingerprint: string | undefined,
): Promise<void> {
  const parts = [home, ...groups.all];
  // Before any of them writes.
  await Promise.all(parts.map(({ link }) => refuseUsedStore(link, link === home.link ? fingerprint : undefined)));
  await beginImport(home.link);
  const pipes = parts.map(() => new Pipe());
  const [toHome, ...toGroups] = pipes as [Pipe, ...Pipe[]];
  const imports = groups.all.map(({ store }, i) => store.importRecords(toGroups[i]!));
  const ofHome = home.store.importRecords(toHome, fingerprint);
  // The first fault ends it.
  const all = [ofHome, ...imports];
  const failed = Promise.all(all).then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  const orFault = <T>(work: Promise<T>): Promise<T> => Promise.race([work, failed]);
  let [head, lastEvent, time] = [0, 0, 0];
  for await (const record of records) {
    await orFault(Promise.all(await pipesFor(record)));
  }
  for (const pipe of toGroups) pipe.end();
  await orFault(Promise.all(imports));
  await home.writes.run(keepTaken, [String(groups.all.length), String(head), String(lastEvent)]);
  toHome.end();
  await ofHome;

  async function pipesFor(record: StoreRecord): Promise<Promise<void>[]> {
    switch (record.kind) {
      case 'counters':
        ({ head, lastEvent, time } = record);
        return pipes.map((pipe) => pipe.push(record));
      case 'epoch':
        if (record.userId === null) return toGroups.map((pipe) => pipe.push(record));
        return [toGroups[groups.ofUser(record.userId)]!.push(record)];
      case 'session': {
        const { id, userId, aliases } = record.session;
        if (aliases.length > 0)
          await home.writes.run(reserveAliases, [
            id,
            String(aliasesFor(record.session, time)),
            ...aliases.map(aliasKey),
          ]);
        return [toGroups[groups.ofUser(userId)]!.push(record)];
      }
      default:
        return [toHome.push(record)];
    }
  }
}
