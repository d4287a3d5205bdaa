import { library } from '../../../curfew/src/authority/caller.ts';
import type { AuthorityContext } from '../../../curfew/src/authority/context.ts';
import { createSession } from '../../../curfew/src/authority/create-session.ts';

/*
 * Believable people with believable devices, the same in every run.
 */

/** Names in five scripts: ten given names and ten surnames of each. */
const scripts: readonly { given: string[]; surnames: string[]; between: string }[] = [
  {
    given: ['ada', 'grace', 'linus', 'maría', 'søren', 'chinwe', 'amélie', 'jürgen', 'zoë', 'þórunn'],
    surnames: [
      'okafor',
      'müller',
      'smith',
      'nguyễn',
      'kowalski',
      'de.la.cruz',
      'ó.briain',
      'çelik',
      'novák',
      'lindqvist',
    ],
    between: '.',
  },
  {
    given: ['ольга', 'дмитрий', 'наталья', 'иван', 'софия', 'богдан', 'елена', 'мирослав', 'ґалина', 'юрий'],
    surnames: [
      'иванова',
      'шевченко',
      'петров',
      'ђорђевић',
      'коваль',
      'морозов',
      'димитров',
      'лысенко',
      'жук',
      'яковлева',
    ],
    between: ' ',
  },
  {
    given: ['فاطمة', 'أحمد', 'ليلى', 'يوسف', 'نور', 'عمر', 'مريم', 'خالد', 'سارة', 'حسن'],
    surnames: ['العمري', 'الحسيني', 'المصري', 'الخطيب', 'حداد', 'منصور', 'الشامي', 'بن سعيد', 'قاسم', 'الزهراني'],
    between: ' ',
  },
  {
    given: ['प्रिया', 'अर्जुन', 'मीरा', 'रोहन', 'अनन्या', 'विक्रम', 'दीपिका', 'संजय', 'कविता', 'निखिल'],
    surnames: ['शर्मा', 'पटेल', 'वर्मा', 'सिंह', 'गुप्ता', 'जोशी', 'राव', 'मिश्रा', 'देशमुख', 'चौधरी'],
    between: ' ',
  },
  {
    given: ['小明', '美玲', '健太', 'さくら', '志强', '雅婷', '大輔', '秀英', '葵', '浩然'],
    surnames: ['王', '李', '佐藤', '鈴木', '張', '陳', '高橋', '林', '欧阳', '渡辺'],
    between: '',
  },
];

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

/** The id of one of 500 people. */
export function nameOf(index: number): string {
  const { given, surnames, between } = scripts[index % scripts.length]!;
  const pair = Math.floor(index / scripts.length);
  const [first, surname] = [given[pair % given.length]!, surnames[Math.floor(pair / given.length) % surnames.length]!];
  // Chinese and Japanese put the surname first.
  return between === '' ? surname + first : `${first}${between}${surname}`;
}

/** Where sessions are opened, and the clock that is set ahead meanwhile. */
type Place = {
  server: { context: AuthorityContext };
  clock: { advance(milliseconds: number): void };
};

/**
 * Opens `sessions` sessions of at most 500 people over the last day: each has a few devices, at home, at work or on the
 * way; and those of Ada, whose laptop was stolen.
 */
export async function populate(place: Place, people: number, sessions: number): Promise<void> {
  const agents = Object.values(userAgents);
  const batch = 200;
  for (let from = 0; from < sessions; from += batch) {
    const size = Math.min(batch, sessions - from);
    await Promise.all(
      Array.from({ length: size }, (_, i) => {
        const n = from + i;
        const person = (n * 7919) % people;
        const device = Math.floor(n / people) % 3;
        const group = person % groups.length;
        const from4 = [`203.0.113.${person % 250}`, `192.0.2.${10 + group}`, `198.18.${person % 256}.${n % 256}`];
        const home6 = `2001:db8:${(person % 100).toString(16)}::${person % 9}`;
        return createSession(place.server.context, library, {
          userId: nameOf(person),
          accessGroups: person % 7 === 0 ? [groups[group]!, 'on-call'] : [groups[group]!],
          userAgent: agents[(person + device * 3) % agents.length],
          ip: device === 0 && person % 4 === 0 ? home6 : from4[device],
          metadata: n % 3 === 0 ? { plan: 'team', build: n } : {},
        });
      }),
    );
    // Fewer by night.
    const pace = 1 + 0.8 * Math.sin((2 * Math.PI * from) / sessions);
    place.clock.advance(Math.floor((pace * 24 * 3_600_000 * size) / sessions));
  }
  await openForAda(place);
}

/** The three devices of Ada; `stolen`: the address of her laptop. */
export async function openForAda(
  { server }: Pick<Place, 'server'>,
  stolen = '198.51.100.23',
): Promise<{ laptop: string; phone: string; desk: string }> {
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
    laptop: await open(userAgents.chromeOnWindows, stolen),
    phone: await open(userAgents.safariOnIphone, '203.0.113.7'),
    desk: await open(userAgents.firefoxOnLinux, '203.0.113.8'),
  };
}
