import { connect } from 'node:net';
import type { RedisServer } from './redis.ts';

/** A script that Redis ran, by its SHA-1, and the commands in it, each with its arguments. */
export type ScriptRun = { sha1: string; commands: string[][] };

/** The scripts that Redis runs while `work` does, from whomever they come. */
export async function scriptsDuring(server: RedisServer, work: () => Promise<unknown>): Promise<ScriptRun[]> {
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
  const runs: ScriptRun[] = [];
  for (const line of said.split('\r\n')) {
    const [, source, rest] = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/.exec(line) ?? [];
    if (source === undefined) continue;
    const [name, ...args] = [...rest!.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text]) => text!);
    if (name === 'EVALSHA') runs.push({ sha1: args[0]!, commands: [] });
    else if (source === 'lua') runs.at(-1)!.commands.push([name!.toUpperCase(), ...args]);
  }
  return runs;
}
