import { batch } from '../../src/authority/upkeep.ts';
import { allOfUser, everyone, hour, type StoreFixture, start, user } from '../../src/stores/conformance/harness.ts';

/** Leaves more ends to a sweep than it records in one call, of each kind: by deadline, by a user's epoch, by everyone's. Returns how many. */
export async function leaveBehind(fixture: StoreFixture): Promise<number> {
  const many = batch + 200;
  await fixture.createMany(many, { userId: 'due', idle: hour });
  await fixture.createMany(many, { userId: 'ada' });
  await Promise.all(Array.from({ length: many }, (_, i) => fixture.create({ userId: `user ${i}` })));
  await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
  await fixture.store.endEveryone(everyone(start + 2));
  return 3 * many;
}
