import { randomUUID } from 'node:crypto';
import { baseUrl } from '../base-url.ts';
import { CurfewApiError } from '../errors.ts';
import { fencePath, longestName } from '../protocol/index.ts';
import { refuseTimeout } from '../timeout.ts';
import { connectionOf } from './connection.ts';
import { systemTiming } from './timing.ts';
import { type StreamEvents, Verifier } from './verifier.ts';

export type VerifierOptions = {
  /** The URL of a server, such as `http://127.0.0.1:2873`, or several URLs, any of which may be used. */
  url: string | readonly string[];
  /** An API key (`cfk_…`) with the scope `fence.attach`, the only scope that attaching requires. */
  key: string;
  /**
   * A name for this application, such as `shop`: 1 to 64 characters. Receipts and metrics of the server show it when an
   * end had to wait for it. Several processes may have the same name.
   */
  name?: string | undefined;
  /** The maximum number of cached sessions; the least recently used are removed first. 100,000 by default. */
  capacity?: number | undefined;
  /** Milliseconds that a verification may take, from 1 to 2,147,483,647; 5,000 by default. */
  timeout?: number | undefined;
  /**
   * Called when no server can be attached to, so that sessions cannot be checked: with the reason, and once until
   * `onAvailable`.
   */
  onUnavailable?: ((error: CurfewApiError) => void) | undefined;
  /** Called when a server is attached to again after that. */
  onAvailable?: (() => void) | undefined;
  /** Gets one line for each of the two, such as `console` or a pino logger. */
  logger?: VerifierLogger | undefined;
};

export type VerifierLogger = { warn(text: string): void; info(text: string): void };

const defaultCapacity = 100_000;
const defaultTimeout = 5000;
/** Milliseconds for the server to close its side of a connection as well. */
const closeTime = 1000;

/**
 * A verifier for this application, attached to a Curfew server over a WebSocket.
 *
 *     import { createVerifier } from 'curfew-client/verifier';
 *
 *     const verifier = createVerifier({ url: 'http://127.0.0.1:2873', key: process.env['CURFEW_API_KEY'] ?? '' });
 *     const verdict = verifier.check(token) ?? (await verifier.verify(token));
 *
 * @throws `CurfewApiError` with `invalid_url` or `key_missing`; `RangeError` for another option that is out of range; an
 * `Error` on a runtime without a WebSocket
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const urls = [options.url].flat().map(streamUrl);
  if (urls.length === 0) throw new CurfewApiError('invalid_url', 'There is no URL to attach to.');
  const { key, name, capacity = defaultCapacity, timeout = defaultTimeout, logger } = options;
  // In JavaScript it may be anything, such as an environment variable that is not set.
  if (typeof key !== 'string' || key === '') {
    throw new CurfewApiError('key_missing', 'There is no API key to attach with.', {
      remedy:
        'Pass `key`: an API key with the scope `fence.attach`. An environment variable that holds it may not be set.',
    });
  }
  if (typeof WebSocket === 'undefined') {
    throw new Error('This runtime has no WebSocket, which a verifier requires. Use Node.js 22.4 or newer.');
  }
  if (!(Number.isSafeInteger(capacity) && capacity > 0))
    throw new RangeError('capacity must be a positive whole number');
  refuseTimeout(timeout);
  if (name !== undefined && !(name.length > 0 && name.length <= longestName))
    throw new RangeError(`name must have 1 to ${longestName} characters`);
  return new Verifier(
    { urls, key, name, capacity, timeout },
    {
      timing: systemTiming(),
      random: Math.random,
      holder: randomUUID(),
      connect,
      onUnavailable(error) {
        logger?.warn(`Curfew: sessions cannot be checked. ${error.message} ${error.remedy}`);
        options.onUnavailable?.(error);
      },
      onAvailable() {
        logger?.info('Curfew: sessions can be checked again.');
        options.onAvailable?.();
      },
    },
  );
}

const streamUrl = (text: string): string => `${baseUrl(text).replace(/^http/i, 'ws')}${fencePath}`;

function connect(url: string, events: StreamEvents): { send(text: string): void; close(): void } {
  const socket = new WebSocket(url);
  const connection = connectionOf(socket);
  let opened = false;
  socket.addEventListener('open', () => {
    opened = true;
    events.open();
  });
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') events.message(data);
  });
  socket.addEventListener('close', () => (opened ? events.close() : events.refused()));
  // A close event follows, and the error event carries no details.
  socket.addEventListener('error', () => {});
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close() {
      socket.close();
      // A server that is stopped, or cut off, does not close its side. The connection would keep this process alive.
      setTimeout(() => connection()?.destroy(), closeTime).unref();
    },
  };
}
