import { library } from '../../../curfew/src/authority/caller.ts';
import { createSession } from '../../../curfew/src/authority/create-session.ts';
import type { World } from './world.ts';

/*
 * Believable people with believable devices, the same in every run.
 */

/** Names in five scripts, and what people put into a field for a name. */
const given = {
  latin: ['ada', 'grace', 'linus', 'maría', 'søren', 'chinwe', 'amélie', 'jürgen', 'zoë', 'þórunn'],
  cyrillic: ['ольга', 'дмитрий', 'наталья', 'иван'],
  arabic: ['فاطمة', 'أحمد', 'ليلى', 'يوسف'],
  devanagari: ['प्रिया', 'अर्जुन', 'मीरा'],
  han: ['小明', '美玲', '健太', 'さくら'],
};
const surnames = ['okafor', 'müller', 'иванов', 'العمري', 'शर्मा', '王', 'smith', 'nguyễn', 'kowalski', 'de la cruz'];

/** What an attacker or a joker calls themselves. */
export const hostileNames: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  '</td><script>alert(1)</script>',
  '\u202egnp.exe',
  '👩‍👩‍👧‍👦'.repeat(10),
  'a'.repeat(255),
  '../../sessions',
  "'; DROP TABLE sessions; --",
  '.',
];

export const userAgents = {
  firefoxOnWindows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
  chromeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  edgeOnWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70',
  safariOnMac:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15',
  chromeOnMac:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  safariOnIphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1',
  chromeOnAndroid:
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
  safariOnIpad:
    'Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1',
  firefoxOnLinux: 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  curl: 'curl/8.5.0',
};

const groups = ['staff', 'billing', 'support', 'engineering', 'contractors'];

/** The id of one of the people. */
export function nameOf(index: number): string {
  const scripts = Object.values(given);
  const first = scripts[index % scripts.length]!;
  const name = `${first[Math.floor(index / scripts.length) % first.length]} ${surnames[index % surnames.length]}`;
  return index < 50 ? name : `${name} ${Math.floor(index / 50)}`;
}

/** Opens `sessions` sessions of `people` people over the last day, and those of Ada, whose laptop was stolen. */
export async function populate(world: World, people: number, sessions: number): Promise<void> {
  const { server, clock } = world;
  const agents = Object.values(userAgents);
  const batch = 200;
  for (let from = 0; from < sessions; from += batch) {
    const size = Math.min(batch, sessions - from);
    await Promise.all(
      Array.from({ length: size }, (_, i) => {
        const n = from + i;
        const person = (n * 7919) % people;
        return createSession(server.context, library, {
          userId: nameOf(person),
          accessGroups: [groups[person % groups.length]!],
          userAgent: agents[(n * 31) % agents.length],
          ip: person % 4 === 0 ? `2001:db8:${(person % 100).toString(16)}::${n % 9}` : `203.0.113.${person % 250}`,
          metadata: n % 3 === 0 ? { plan: 'team', build: n } : {},
        });
      }),
    );
    clock.advance(Math.floor((24 * 3_600_000 * size) / sessions));
  }
  await openForAda(world);
}

/** The three devices of Ada. */
export async function openForAda({ server }: World): Promise<{ laptop: string; phone: string; desk: string }> {
  const open = async (userAgent: string, ip: string) =>
    (
      await createSession(server.context, library, {
        userId: 'ada',
        accessGroups: ['staff', 'billing'],
        userAgent,
        ip,
        metadata: { build: 'Lagos' },
      })
    ).session.id;
  return {
    laptop: await open(userAgents.chromeOnWindows, '198.51.100.23'),
    phone: await open(userAgents.safariOnIphone, '203.0.113.7'),
    desk: await open(userAgents.firefoxOnLinux, '203.0.113.8'),
  };
}
