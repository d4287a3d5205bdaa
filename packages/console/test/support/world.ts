import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';
import { totpCode } from '../../../curfew/src/domain/second-factor.ts';
import { type Authenticator, adminPassword, TestServer } from '../../../curfew/test/support/server.ts';
import { userAgents } from './people.ts';

/*
 * What all tests of the console share: the built console, one browser, and one server with an account for each role.
 * A test that ends everybody's sessions starts a server of its own (`newServer`).
 */

const hour = 3_600_000;
const executablePath = '/usr/bin/chromium';

/** Why the tests of the console are skipped, if they are. */
export const skip: string | false = existsSync(executablePath) ? false : 'chromium is not installed';

export const roles = ['admin', 'support', 'auditor', 'member'] as const;
export type Role = (typeof roles)[number];

export type World = {
  server: TestServer;
  /** The server's clock: it runs like the machine's, an hour and more behind it, and is set ahead for each new code. */
  clock: { now(): number; advance(milliseconds: number): void };
  /** The account of each role; each has a second factor. */
  people: Readonly<Record<Role, Person>>;
};

export type Person = { id: string; username: string; password: string; authenticator: Authenticator };

export const axeSource: string = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Promise<Browser> | undefined;
let shared: Promise<World> | undefined;
let built: Promise<unknown> | undefined;
const closing: (() => Promise<void>)[] = [];

/** Once, from the sources, unless the whole workspace has just been built. */
const buildConsole = () => {
  const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));
  built ??= process.env['CURFEW_TEST_BUILT'] ? Promise.resolve() : build({ configFile });
  return built;
};

export function theBrowser(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return browser;
}

export function theWorld(): Promise<World> {
  shared ??= newWorld();
  return shared;
}

/** A server with an account for each role; its clock begins `begun` milliseconds ago. It is closed after all tests. */
export async function newWorld(env: Record<string, string> = {}, begun = 2 * hour): Promise<World> {
  await buildConsole();
  let ahead = -begun;
  const clock = {
    now: () => Date.now() + ahead,
    advance: (milliseconds: number) => {
      ahead += milliseconds;
    },
  };
  const server = await TestServer.start({ CURFEW_ADDRESS_ATTEMPTS: '100000/15m', ...env }, clock);
  const people = {} as Record<Role, Person>;
  const world = { server, clock, people };
  // Not `server`: a test may have put another one in its place.
  closing.push(() => world.server.close());
  const { id } = (await server.call('GET', '/v1/accounts?login=admin')).body.accounts[0];
  people.admin = { id, username: 'admin', password: adminPassword, authenticator: await server.enrol(id) };
  for (const role of roles) people[role] ??= await newPerson(world, role, role);
  return world;
}

/** One more person, with a second factor. */
export async function newPerson({ server }: World, username: string, role: Role): Promise<Person> {
  const password = `${username} password`;
  const { id } = await server.createAccount(username, { password, roles: [role] });
  return { id, username, password, authenticator: await server.enrol(id) };
}

export const personAs = ({ people }: World, who: Role | Person): Person =>
  typeof who === 'string' ? people[who] : who;

/** A code that was not used yet: the next one, for which nobody waits. */
export function codeOf(world: World, who: Role | Person): string {
  world.clock.advance(30_000);
  return totpCode(personAs(world, who).authenticator.secret, world.clock.now());
}

/** A token for a browser of this person, as a sign-in with a code gives it. */
export async function tokenOf(
  world: World,
  who: Role | Person,
  userAgent: string = userAgents.firefoxOnLinux,
): Promise<string> {
  const { username, password } = personAs(world, who);
  const headers = { 'user-agent': userAgent };
  const given = { username, password, totp: codeOf(world, who) };
  const { status, body } = await world.server.call('POST', '/v1/login', given, { as: '', headers });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body.token;
}

after(async () => {
  await (await browser)?.close();
  for (const close of closing) await close();
});
