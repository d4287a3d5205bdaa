import { setTimeout as pause } from 'node:timers/promises';
import { CurfewApiError, type Event } from 'curfew-client';
import type { Context } from './context.ts';

/** Milliseconds after which a lost connection is reopened. */
const retry = 2000;

/**
 * Events as a server sends them: those since `since`, or else those from now on. A lost connection is reopened and
 * continues after the last event received, so that none is missing and none comes twice.
 * @throws `CurfewApiError` if the first connection fails, or the server refuses one
 */
export async function* followEvents(
  { url, token, terminal, client }: Context,
  query: { [name: string]: string | number | undefined },
): AsyncGenerator<Event> {
  const asked = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const address = `${url.replace(/\/+$/, '')}/v1/events?${new URLSearchParams(asked)}`;
  // With `since`, start from the first event that is kept: the filter leaves out the earlier ones.
  // Without it, start after the newest one by name: a connection may be lost before the first new event.
  const [newest] = query['since'] === undefined ? (await client.listEvents({ limit: 1 })).events : [];
  let last = String(newest?.sequence ?? 0);
  for (let connected = false; ; ) {
    try {
      const response = await connect(address, url, token, last);
      connected = true;
      for await (const { id, name, data } of messagesOf(response.body!)) {
        if (name === 'gap') terminal.err(gapText(JSON.parse(data)));
        else yield JSON.parse(data) as Event;
        last = id;
      }
    } catch (error) {
      // While a server restarts, it or a proxy in front of it answers with 502 or 503 for a while.
      const { code, status = 0 } = error as CurfewApiError;
      const lost = error instanceof TypeError || code === 'unreachable' || status >= 500;
      if (!lost || !connected) throw error;
    }
    terminal.err('The connection was lost; reconnecting.');
    await pause(retry);
  }
}

async function connect(address: string, url: string, token: string | undefined, last: string) {
  let response: Response;
  try {
    response = await fetch(address, {
      redirect: 'manual',
      headers: {
        accept: 'text/event-stream',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        'last-event-id': last,
      },
    });
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    throw new CurfewApiError('unreachable', `${url} cannot be reached: ${cause?.code ?? message}.`, {
      cause: error,
      remedy: 'Check the URL, and whether the server runs.',
    });
  }
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && type.startsWith('text/event-stream')) return response;
  const body: unknown = type.includes('json') ? await response.json() : undefined;
  if (typeof (body as { code?: unknown } | undefined)?.code === 'string') {
    throw CurfewApiError.of(body as Record<string, unknown>, response);
  }
  throw new CurfewApiError('not_curfew', `${url} answered ${response.status}, and not as Curfew does.`, {
    status: response.status,
    remedy: 'Check the URL: is that the Curfew server, and not a proxy or another program?',
  });
}

type Message = { id: string; name: string | undefined; data: string };

function gapText({ after, before, reason }: { after: number; before: number; reason: string }): string {
  if (reason === 'no_longer_kept') return `Events ${after + 1} to ${before - 1} are missing: they are no longer kept.`;
  return `Events after ${after} may be missing: the store was failed over or restored.`;
}

/** The messages of a stream of server-sent events as Curfew writes them: each has an id, and its data on one line. */
async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const lines = block.split('\n');
      const [id, name, data] = ['id: ', 'event: ', 'data: '].map((begin) =>
        lines.find((line) => line.startsWith(begin))?.slice(begin.length),
      );
      if (id !== undefined && data !== undefined) yield { id, name, data };
    }
  }
}
