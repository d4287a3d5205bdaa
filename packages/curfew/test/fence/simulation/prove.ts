import { mutants } from './mutants.ts';
import { isShownBy, keepSeed, replay, search, simulate } from './run.ts';

/*
 * The code part of `npm run proof`: twenty thousand schedules without a violation, and each mutant found. The tests
 * replay the schedules in `seeds.json`; a seed that no longer shows its mutant is replaced by a new one.
 */
const schedules = 20_000;
const processes = 2;
const part = 1000;

let failed = false;
const say = (good: boolean, text: string) => {
  failed ||= !good;
  console.log(`${good ? '✔' : '✖'} ${text}`);
};

/** Processes a list until it is empty, in several processes at once. */
async function share<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const worker = async () => {
    for (let item = items.shift(); item !== undefined; item = items.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: processes }, worker));
}

let done = 0;
await share(Array(schedules / part).fill(part), async (count: number) => {
  const { violated } = await simulate(count);
  done += count;
  say(!violated, violated ? JSON.stringify(violated) : `${done.toLocaleString('en')} schedules, no violation`);
});
// Searched for anew, whatever was found before; a seed that still shows its mutant stays.
await share(Object.entries(mutants), async ([name, { rule, breaks, shownBy }]) => {
  const what = `${rule} ${name} (${breaks})`;
  if (shownBy) return say(await isShownBy(shownBy, name), `${what}: shown by ${shownBy}`);
  const [known, found] = [await replay(name), await search(name)];
  if (found && !known) keepSeed(name, found.seed);
  if (found) say(true, `${what}: found in schedule ${found.schedules.toLocaleString('en')}`);
  else
    say(known !== undefined, known ? `${what}: in no new schedule; seed ${known.seed} shows it` : `${what}: NOT FOUND`);
});
if (failed) process.exitCode = 1;
