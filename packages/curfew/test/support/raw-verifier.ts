import { once } from 'node:events';
import { fencePath, protocolVersion } from 'curfew-client/protocol';
import { WebSocket } from 'ws';
import type { Json } from './server.ts';

export type RawVerifier = { say(message: unknown): void; hear(type: string): Promise<Json>; socket: WebSocket };

/** A verifier whose messages the test determines. */
export async function rawVerifier(url: string): Promise<RawVerifier> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${fencePath}`);
  const heard: Json[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    heard.push(JSON.parse(String(data)));
    for (const wake of waiting) wake();
  });
  await once(socket, 'open');
  return {
    socket,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async hear(type) {
      for (;;) {
        const at = heard.findIndex((message) => message.type === type);
        if (at >= 0) return heard.splice(at, 1)[0];
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
  };
}

/** One that has said hello and was welcomed. */
export async function attachRaw(url: string, key: string, more: object = {}): Promise<RawVerifier> {
  const verifier = await rawVerifier(url);
  verifier.say({ type: 'hello', version: protocolVersion, key, holder: crypto.randomUUID(), ...more });
  await verifier.hear('welcome');
  return verifier;
}

/** One that holds a lease, and acknowledges nothing. */
export async function muteVerifier(url: string, key: string): Promise<RawVerifier> {
  const verifier = await attachRaw(url, key);
  verifier.say({ type: 'renew', ask: 1, seen: [] });
  await verifier.hear('grant');
  return verifier;
}
