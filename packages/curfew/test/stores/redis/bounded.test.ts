import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { batch } from '../../../src/authority/upkeep.ts';
import type { SessionId } from '../../../src/domain/brand.ts';
import { limits } from '../../../src/domain/limits.ts';
import {
  allOfUser,
  forever,
  group,
  hour,
  ids,
  logout,
  StoreFixture,
  start,
  user,
} from '../../../src/stores/conformance/harness.ts';
import { cell, separator } from '../../../src/stores/redis/codec.ts';
import { openRedisStore, type RedisStore } from '../../../src/stores/redis/index.ts';
import { Link } from '../../../src/stores/redis/link.ts';
import type { Script } from '../../../src/stores/redis/scripts/script.ts';
import { leaveBehind } from '../../support/behind.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { type ScriptRun, scriptsDuring } from '../../support/redis-monitor.ts';

const modules = ['accounts', 'commit', 'lists', 'sessions', 'slots', 'streams', 'sweep'];
const scripts = new Map<string, string>();
for (const name of modules) {
  const all = (await import(`../../../src/stores/redis/scripts/${name}.ts`)) as Record<string, Script>;
  for (const one of Object.values(all)) scripts.set(one.sha1, one.name);
}

/** The most entries that a command may look at, by its arguments: a limit, a count, or a range by numbers. */
function entriesOf([name, ...args]: readonly string[]): number {
  const after = (word: string, place: number) => Number(args[args.indexOf(word) + place]);
  switch (name) {
    case 'XRANGE':
    case 'XREVRANGE': {
      if (args.includes('COUNT')) return after('COUNT', 1);
      const [from, to] = args.slice(1).map((id) => Number(id.split('-')[1]));
      return Number.isNaN(to! - from!) ? Number.POSITIVE_INFINITY : to! - from! + 1;
    }
    case 'ZRANGE': {
      if (args.includes('LIMIT')) return after('LIMIT', 2);
      const [from, to] = args.slice(1).map(Number);
      // By score there is one entry for each block of events.
      return from! >= 0 && to! >= from! ? to! - from! + 1 : Number.POSITIVE_INFINITY;
    }
    case 'HGETALL':
      // There are as many as servers, or as ends of everyone within a day.
      return /^curfew:(nodes|everyone)$/.test(args[0]!) ? 1 : Number.POSITIVE_INFINITY;
    default:
      return 1;
  }
}

/** The most rows that are decoded in one turn of the event loop. */
const mostDecoded = 128;

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const entriesOfRun = ({ commands }: ScriptRun) => sum(commands.map(entriesOf));

describe('scripts on Redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  let store: RedisStore;
  let fixture: StoreFixture;
  before(async () => {
    server = await RedisServer.start('--appendfsync', 'no');
  });
  beforeEach(async () => {
    await server.tell('FLUSHALL');
    store = await openRedisStore(server.url);
    fixture = new StoreFixture({ store, dispose: async () => {} });
  });
  afterEach(() => store.close());
  after(() => server.remove());

  const sweep = (batch: number, keepEnded: number = forever) =>
    store.sweep({ now: start + 2 * hour, keepEnded, keepEvents: keepEnded, batch });

  test('N3.9: no script looks at more than a few thousand entries, however far behind the sweep is', async () => {
    const used = new Set<string>();
    const most = 8 * limits.dueCounted;
    const bounded = async (work: () => Promise<unknown>) => {
      for (const run of await scriptsDuring(server, work)) {
        const name = scripts.get(run.sha1) ?? run.sha1;
        used.add(name);
        const without = run.commands.filter((command) => entriesOf(command) === Number.POSITIVE_INFINITY);
        assert.deepEqual(without, [], `${name} has commands without a bound`);
        const entries = entriesOfRun(run);
        assert.ok(entries <= most, `${name} may look at ${entries} entries`);
      }
    };
    const many = limits.dueCounted + 100;
    const plan = { groups: ['staff'], ip: '10.0.0.1' };
    const read = async () => {
      for (const place of [{}, { accessGroup: group('staff')[0] }, { ip: '10.0.0.1' }, { userId: user('ada') }]) {
        for (const status of [undefined, 'active', 'suspended', 'ended'] as const) {
          const query = { filter: { ...place, status }, limit: 10, now: start + 2 * hour, budget: 0 };
          await store.listSessions(query);
        }
      }
      await store.listSessions({ filter: { text: 'nobody' }, limit: 10, now: start + 2 * hour, budget: 0 });
      await store.countActive(start + 2 * hour);
      await store.countActive(start + 2 * hour, user('ada'));
      await store.readEvents({ limit: 100 });
      await store.readEvents({ limit: 100, type: 'login.failed', since: start, budget: 0 });
      await store.readLog(1, 100);
      await store.listNodes();
      await store.latestTime();
      await store.readUser(user('ada'));
      await store.describe();
    };
    // Sessions in no list, ends that nobody has followed, and more users with ends by epoch than a list visits.
    await fixture.createMany(many, { ...plan, userId: 'ada' });
    const ended = await fixture.createMany(many, { ...plan, userId: 'bob' });
    await Promise.all(ended.map(({ id }) => store.endSession(id, logout())));
    await Promise.all(
      Array.from({ length: many }, async (_, i) => {
        await fixture.create({ userId: `user ${i}`, idle: hour });
        if (i % 2 === 0) await store.endSessionsOfUser(user(`user ${i}`), allOfUser());
      }),
    );
    await bounded(read);
    await bounded(() => sweep(100));
    await bounded(read);
    await fixture.sweep(start + 2 * hour);
    await bounded(read);
    await bounded(() => store.endSessionsOfUser(user('ada'), allOfUser()));
    for (let more = true; more; ) await bounded(async () => ({ more } = await sweep(500, 1)));
    const looking = [
      'candidates',
      'candidatesOfUser',
      'placeCreated',
      'scanDue',
      'scanLeft',
      'buryEnded',
      'forgetEnded',
    ];
    for (const name of looking) {
      assert.ok(used.has(name), `${name} did not run`);
    }
  });

  test('a list finds a session that is in no index among very many, in pieces, and each session once', async () => {
    const [first] = await fixture.createMany(1, { groups: ['rare'], userId: 'ada' });
    const others = await fixture.createMany(700, { groups: ['common'], userId: 'bob', at: start + 1 });
    const [last] = await fixture.createMany(1, { groups: ['rare'], userId: 'carol', at: start + 1000 });
    const rare = { accessGroup: group('rare')[0] };
    let pieces = 0;
    for (let after: SessionId | undefined, seen: string[] = []; ; pieces++) {
      const page = await store.listSessions({ filter: rare, after, limit: 10, now: start + 2000, budget: 0 });
      seen.push(...page.sessions.map(({ stored }) => stored.id));
      assert.equal(page.partial, page.next !== undefined);
      // Between the pieces, the sweep moves some from there into the lists.
      await store.sweep({ now: start + 2000, keepEnded: forever, keepEvents: forever, batch: 20 });
      if (page.next === undefined) {
        assert.deepEqual(seen, ids([last!, first!]));
        break;
      }
      after = page.next;
    }
    assert.ok(pieces >= 2, `${pieces} pieces`);
    await fixture.sweep(start + 2000);
    assert.equal(await server.tell('EXISTS', 'curfew:fresh'), 0);
    assert.equal((await fixture.list({ accessGroup: group('common')[0] })).length, others.length);
  });

  test('the sessions of a user are looked for only where some can be, however often all of theirs were ended', async () => {
    const times = 400;
    for (let i = 0; i < times; i++) await store.endSessionsOfUser(user('ada'), allOfUser(start + i));
    const list = async (status?: 'active') => {
      let listed: string[] = [];
      const [run] = await scriptsDuring(server, async () => {
        listed = ids(await fixture.list({ userId: user('ada'), status }, start + 600));
      });
      assert.ok(run!.commands.length < 20, `${run!.commands.length} commands`);
      return listed;
    };
    const [left] = await fixture.createMany(1, { userId: 'ada', at: start + 500 });
    await store.endSessionsOfUser(user('ada'), allOfUser(start + 501));
    const [live] = await fixture.createMany(1, { userId: 'ada', at: start + 502 });
    assert.deepEqual(await list(), ids([live!, left!]));
    assert.deepEqual(await list('active'), ids([live!]));
    await fixture.sweep(start + 600);
    assert.deepEqual(await list(), ids([live!, left!]));
    // The steps that are old go a few at a time.
    const later = start + 10 * hour;
    const runs = await scriptsDuring(server, () => fixture.sweep(later, hour));
    const forgetting = runs.filter(({ sha1 }) => scripts.get(sha1) === 'forgetRest');
    for (const { commands } of forgetting) assert.ok(commands.length < 200, `${commands.length} commands`);
    assert.equal((await store.readUser(user('ada'))).epochs.user, times + 1);
    await store.endSessionsOfUser(user('ada'), allOfUser(later));
    for (const hours of [2, 4]) await fixture.sweep(later + hours * hour, hour);
    assert.equal((await store.readUser(user('ada'))).epochs.user, 0);
  });

  test('N10.7: no answer to a sweep has more rows than it decodes in a turn, however many sessions have ended', async (t) => {
    const left = await leaveBehind(fixture);
    const answers: number[] = [];
    const ask = Link.prototype.run;
    t.mock.method(Link.prototype, 'run', async function (this: Link, ...asked: Parameters<typeof ask>) {
      const answer = await ask.apply(this, asked);
      answers.push(rowsIn(answer));
      return answer;
    });
    let ends = 0;
    for (let more = true; more; ) {
      const outcome = await sweep(batch);
      ends += outcome.endsWritten + outcome.expired;
      ({ more } = outcome);
    }
    assert.equal(ends, left);
    assert.ok(sum(answers) >= ends, 'the rows were not counted');
    assert.ok(Math.max(...answers) <= mostDecoded, `${Math.max(...answers)} rows in an answer`);
  });
});

/** How many rows of sessions an answer has, at any depth. */
function rowsIn(answer: unknown): number {
  if (Array.isArray(answer)) return sum(answer.map(rowsIn));
  return typeof answer === 'string' && answer.split(separator).length > cell.tokenHash ? 1 : 0;
}
