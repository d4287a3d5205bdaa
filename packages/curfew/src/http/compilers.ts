import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/**
 * Bodies are validated as they are; values in a path or a query are text and are converted to the type of their shape.
 */
export function createValidators(): { strict: Ajv; coercing: Ajv } {
  const options = { removeAdditional: false, useDefaults: false, verbose: true, strict: false } as const;
  const [strict, coercing] = [new Ajv(options), new Ajv({ ...options, coerceTypes: true })];
  for (const ajv of [strict, coercing]) addFormats.default(ajv);
  return { strict, coercing };
}

/** Compiles a validator at its first use: compiling all of them takes a good part of a server's start. */
export function whenNeeded(compile: () => ValidateFunction): (data: unknown) => boolean {
  let compiled: ValidateFunction | undefined;
  const validate = (data: unknown): boolean => {
    compiled ??= compile();
    const valid = compiled(data);
    validate.errors = compiled.errors;
    return valid;
  };
  validate.errors = undefined as ValidateFunction['errors'];
  return validate;
}

/** Fastify's serializers, each compiled at its first use for the same reason. */
export const createSerializers: ReturnType<typeof SerializerSelector> = (externalSchemas, options) => {
  const compile = SerializerSelector()(externalSchemas, options);
  return (route) => {
    let serialize: ReturnType<typeof compile> | undefined;
    return (data) => {
      serialize ??= compile(route);
      return serialize(data);
    };
  };
};
