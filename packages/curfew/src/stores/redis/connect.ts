import { RedisClient } from '@redis/client';
import { inTime } from '../watchers.ts';
import { withoutArguments } from './faults.ts';
import type { Location } from './location.ts';

/** The part of the client that is used. */
export type Client = {
  readonly isReady: boolean;
  on(event: 'ready' | 'error' | 'terminated' | 'end', listener: () => void): Client;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly string[]): Promise<unknown>;
};

/** A connection that was ready; `broken` resolves when it no longer is. It does not reconnect by itself. */
export type Connection = { client: Client; broken: Promise<void> };

/** `createClient` makes a class of all commands for each client whose options differ, in 50 ms; this makes it once. */
const createClient = RedisClient.factory();

/** Milliseconds. */
const connectTimeout = 3000;

/** Connects within `most` milliseconds, or gives up. @throws the client's error */
export async function connect(
  options: Partial<Location['client']>,
  most: number,
  until: AbortSignal,
): Promise<Connection> {
  const client: Client = createClient({
    ...options,
    // A command that the client queued for the next connection would be sent whenever that comes.
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The client's own timeout ends when a command is sent; see Link's #refuseLate.
    commandOptions: { timeout: undefined } as object,
    // The next connection may have to lead to another server.
    socket: { ...options.socket, connectTimeout, reconnectStrategy: false },
  });
  let over = false;
  // Every command gets its own error. After bytes that are not a reply, the next one might be taken for that of another
  // command.
  client.on('error', () => client.isReady && client.destroy());
  // A connection that was given up while connecting may still become ready.
  client.on('ready', () => over && client.destroy());
  const broken = new Promise<void>((resolve) => client.on('terminated', resolve).on('end', resolve));
  try {
    await inTime(client.connect(), most, until);
    return { client, broken };
  } catch (error) {
    over = true;
    client.destroy();
    throw withoutArguments(error);
  }
}
