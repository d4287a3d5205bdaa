import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { Route as Registered } from '../support/routes.ts';
import type { Request } from './requests.ts';
import type { Schema } from './schemas.ts';

type Route = Registered<Schema>;
/** `sent`: the headers of the request, as they were sent. */
export type Received = { status: number; type: string; text: string; cookies: string; sent: string };

/** Checks answers against the schemas that their routes declare. */
export class AnswerChecks {
  readonly #compiled = new Map<Schema, ValidateFunction>();
  validated = 0;
  undeclared = 0;

  /** How an answer violates its route's schema; `undefined` if it does not, or none is declared. */
  fault({ route }: Request, { status, type, text }: Received): string | undefined {
    const schema = declared(route, status, type);
    if (!schema || type.startsWith('text/event-stream')) {
      this.undeclared += 1;
      return undefined;
    }
    this.validated += 1;
    if (schema.type === 'null') return text === '' ? undefined : 'a body, although none is declared';
    const validate = this.#validatorOf(route, schema);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'no JSON';
    }
    return validate(value) ? undefined : JSON.stringify(validate.errors);
  }

  #validatorOf({ shapes }: Route, schema: Schema): ValidateFunction {
    const known = this.#compiled.get(schema);
    if (known) return known;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    for (const shape of Object.values(shapes)) ajv.addSchema(shape);
    const validate = ajv.compile(schema);
    this.#compiled.set(schema, validate);
    return validate;
  }
}

type Declared = Schema & { content?: Record<string, { schema: Schema }> };

function declared({ schema: { response = {} } }: Route, status: number, type: string): Schema | undefined {
  const found = (response[status] ?? response[`${Math.floor(status / 100)}xx`] ?? response['default']) as Declared;
  if (!found?.content) return found;
  return found.content[type.split(';')[0]!]?.schema;
}
