import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { TestServer } from './server.ts';

/** A registered route: its schemas, and the shared ones that they may refer to. */
export type Route<Schema = object> = {
  method: string;
  url: string;
  schema: { body?: Schema; querystring?: Schema; params?: Schema; response?: Record<string, Schema> };
  shapes: Readonly<Record<string, Schema>>;
};

/** Starts a server, and records every route that it registers: the native API's and each dialect's. */
export async function startRecorded(env: Record<string, string>): Promise<{ server: TestServer; routes: Route[] }> {
  const routes: Route[] = [];
  const onInstance = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', function (this: FastifyInstance, { method, url, schema = {} }: RouteOptions) {
      const shapes = this.getSchemas() as Route['shapes'];
      for (const one of [method].flat()) routes.push({ method: one, url, schema: schema as Route['schema'], shapes });
    });
  };
  subscribe('fastify.initialization', onInstance);
  try {
    const server = await TestServer.start(env);
    // Files of the page that shows the API have no input. What answers every method answers these as it does others.
    const usual = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const driven = routes.filter(({ method, url }) => usual.includes(method) && !url.includes('*'));
    return { server, routes: driven };
  } finally {
    unsubscribe('fastify.initialization', onInstance);
  }
}

/** Runs the work, and returns how many requests the framework handled meanwhile. */
export async function handledByFramework(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const note = () => {
    count += 1;
  };
  const channel = 'tracing:fastify.request.handler:start';
  subscribe(channel, note);
  try {
    await work();
  } finally {
    unsubscribe(channel, note);
  }
  return count;
}
