import { connect } from 'node:net';
import type { RedisServer } from './redis.ts';

/** A script that Redis ran, by its SHA-1, and the commands in it, each with its arguments. */
export type ScriptRun = { sha1: string; commands: string[][] };

/** A command with its arguments; `source`: the address of the client, or `lua` if a script called it. */
export type Sent = { source: string; command: string[] };

/** The scripts that Redis runs while `work` does, from whomever they come. */
export async function scriptsDuring(server: RedisServer, work: () => Promise<unknown>): Promise<ScriptRun[]> {
  const runs: ScriptRun[] = [];
  for (const { source, command } of await commandsDuring(server, work)) {
    const [name, ...args] = command;
    if (name === 'EVALSHA') runs.push({ sha1: args[0]!, commands: [] });
    else if (source === 'lua') runs.at(-1)!.commands.push([name!.toUpperCase(), ...args]);
  }
  return runs;
}

/** The commands that Redis executes while `work` runs, in their order. */
export async function commandsDuring(server: RedisServer, work: () => Promise<unknown>): Promise<Sent[]> {
  const [begun, done] = ['monitoring has begun', 'monitoring is done'];
  const socket = connect(server.port, '127.0.0.1');
  let said = '';
  let heard = (): void => {};
  const hears = (text: string) =>
    new Promise<void>((resolve) => {
      heard = () => {
        if (said.includes(text)) resolve();
      };
      heard();
    });
  socket.setEncoding('latin1').on('data', (chunk) => {
    said += chunk;
    heard();
  });
  try {
    socket.write('MONITOR\r\n');
    await hears('+OK');
    await server.tell('ECHO', begun);
    await hears(begun);
    await work();
    await server.tell('ECHO', done);
    await hears(done);
  } finally {
    socket.destroy();
  }
  return said.split('\r\n').flatMap((line) => {
    const [, source, rest] = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/.exec(line) ?? [];
    if (source === undefined) return [];
    return [{ source, command: [...rest!.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text]) => text!) }];
  });
}
