import { registerHooks } from 'node:module';

/*
 * `@rocket.chat/rest-typings` is written for a bundler: its modules import folders, and files without their extension.
 * While it loads, such an import is also tried with the extension.
 */

type Validate = ((value: unknown) => boolean) & { errors?: unknown };
type Ajv = { addSchema(schema: object, key: string): void; compile(schema: object): Validate };
type RestTypings = {
  ajv: Ajv;
  isLoginProps: Validate;
  meSuccessResponseSchema: object;
  validateBadRequestErrorResponse: Validate;
  validateUnauthorizedErrorResponse: Validate;
  validateForbiddenErrorResponse: Validate;
  validateNotFoundErrorResponse: Validate;
};
type CoreTypings = { schemas: { components: { schemas: Record<string, object> } } };

/** Rocket.Chat's own validators of requests and responses, by name. */
export type Checks = Record<'login' | 'me' | 'session' | 'populated' | 400 | 401 | 403 | 404, Validate>;

export async function loadChecks(): Promise<Checks> {
  const { rest, core } = await load();
  const { ajv } = rest;
  // As its server does when it starts.
  for (const [name, schema] of Object.entries(core.schemas.components.schemas)) {
    ajv.addSchema(schema, `#/components/schemas/${name}`);
  }
  const answerOf = (name: string) =>
    ajv.compile({
      type: 'object',
      allOf: [{ $ref: `#/components/schemas/${name}` }],
      properties: { success: { type: 'boolean' } },
      unevaluatedProperties: false,
    });
  return {
    login: rest.isLoginProps,
    me: ajv.compile(rest.meSuccessResponseSchema),
    session: answerOf('DeviceManagementSession'),
    populated: answerOf('DeviceManagementPopulatedSession'),
    400: rest.validateBadRequestErrorResponse,
    401: rest.validateUnauthorizedErrorResponse,
    403: rest.validateForbiddenErrorResponse,
    404: rest.validateNotFoundErrorResponse,
  };
}

async function load(): Promise<{ rest: RestTypings; core: CoreTypings }> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      for (const ending of ['', '.js', '/index.js']) {
        try {
          return next(specifier + ending, context);
        } catch {
          // Try the next extension.
        }
      }
      return next(specifier, context);
    },
  });
  try {
    const [rest, core] = ['@rocket.chat/rest-typings', '@rocket.chat/core-typings'];
    return { rest: (await import(rest)) as RestTypings, core: (await import(core)) as CoreTypings };
  } finally {
    hooks.deregister();
  }
}
