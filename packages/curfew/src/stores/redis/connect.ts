import { createClient } from '@redis/client';
import { inTime } from '../watchers.ts';
import type { Location } from './location.ts';

/** What is used of the client. */
export type Client = {
  readonly isReady: boolean;
  on(event: 'ready' | 'error' | 'terminated' | 'end', listener: () => void): Client;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly string[]): Promise<unknown>;
};

/** A connection that was ready; `broken` resolves when it is no more. It is not made anew by itself. */
export type Connection = { client: Client; broken: Promise<void> };

/** Milliseconds. */
const connectTimeout = 3000;

/** Connects within so many milliseconds, or lets go. @throws what the client says */
export async function connect(
  options: Partial<Location['client']>,
  most: number,
  until: AbortSignal,
): Promise<Connection> {
  const client: Client = createClient({
    ...options,
    // A command that the client kept for the next connection would be sent whenever that comes.
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The client's own counts only until a command is sent; see Link's #refuseLate.
    commandOptions: { timeout: undefined } as object,
    // The next one may have to lead to another server.
    socket: { ...options.socket, connectTimeout, reconnectStrategy: false },
  });
  let over = false;
  // Every command is told of an error by itself.
  client.on('error', () => {});
  // Whoever is let go of while connecting connects all the same.
  client.on('ready', () => over && client.destroy());
  const broken = new Promise<void>((resolve) => client.on('terminated', resolve).on('end', resolve));
  try {
    await inTime(client.connect(), most, until);
    return { client, broken };
  } catch (error) {
    over = true;
    client.destroy();
    throw error;
  }
}
