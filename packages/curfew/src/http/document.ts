import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { openApiOptions, schemaOf } from './openapi.ts';
import { operations } from './routes/index.ts';
import { components } from './schemas.ts';

/** The OpenAPI 3.1 document of the native API, made without a server. */
export async function openApiDocument(): Promise<Record<string, unknown>> {
  const app = Fastify();
  // Nothing is sent here, so nothing is validated.
  app.setValidatorCompiler(() => () => true);
  for (const component of components) app.addSchema(component);
  await app.register(swagger, openApiOptions);
  await app.register(async (api) => {
    for (const operation of operations) {
      const { method, path } = operation;
      api.route({ method, url: path, schema: schemaOf(operation), handler: async () => undefined });
    }
  });
  await app.ready();
  const document = app.swagger() as unknown as Record<string, unknown>;
  await app.close();
  return document;
}
