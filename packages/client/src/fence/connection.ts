import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/*
 * A WebSocket does not show the connection that it uses. Node.js reports its connections on these channels; a runtime
 * that does not use them shows none.
 */
const sending = 'undici:client:sendHeaders';
const opened = 'undici:websocket:open';

type Sending = { request: { upgrade?: unknown }; socket: Socket };
type Opened = { address: { address: string; port: number } };

/** Returns what finds the connection of a WebSocket that was just created; it is known as soon as that is open. */
export function connectionOf(socket: WebSocket): () => Socket | undefined {
  const candidates = new Set<Socket>();
  let last: Opened['address'] | undefined;
  let own: Socket | undefined;
  const noteCandidate = (message: unknown) => {
    const { request, socket } = message as Sending;
    if (request.upgrade === 'websocket') candidates.add(socket);
  };
  const noteOpened = (message: unknown) => {
    last = (message as Opened).address;
  };
  const stop = () => {
    unsubscribe(sending, noteCandidate);
    unsubscribe(opened, noteOpened);
    candidates.clear();
  };
  subscribe(sending, noteCandidate);
  subscribe(opened, noteOpened);
  socket.addEventListener('open', () => {
    // Its address is reported right before this event (Node.js 22) or right after it (Node.js 24): in both cases it is the
    // last one until then.
    queueMicrotask(() => {
      own = [...candidates].find((one) => one.localAddress === last?.address && one.localPort === last?.port);
      stop();
    });
  });
  socket.addEventListener('close', stop);
  return () => own;
}
