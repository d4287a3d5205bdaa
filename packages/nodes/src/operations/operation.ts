import type { Connection } from '../connection.ts';
import type { Parameter, Values } from '../parameter.ts';

export type Output = {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  /** The text of the badge after a result on this output: `ended`. */
  readonly done: string;
};

/** What one run of an operation outputs, and on which output. */
export type Outcome =
  | { readonly output: string; readonly value: object }
  /** `none`: the text for an empty list, if the result is given in words. */
  | { readonly output: string; readonly list: readonly object[]; readonly none: string }
  /** Passes the input object on unchanged; `told`: what happened, in words, for a caller that sent no object. */
  | { readonly output: string; readonly passes: true; readonly told: string };

export type ResourceName = 'userSession' | 'session';

/** An operation of the Curfew node. Engines, editors and pages derive everything about it from here. */
export type Operation = {
  /** As workflows save it. */
  readonly name: string;
  readonly label: string;
  /** What it does, for a list of actions; n8n uses it as the title of the node's panel, which cuts off long ones. */
  readonly action: string;
  readonly resource: ResourceName;
  /** One sentence or more; the first must make sense alone. */
  readonly help: string;
  /** Whether it can wait for several inputs. */
  readonly inputs: 'one' | 'several';
  readonly outputs: readonly Output[];
  readonly parameters: readonly Parameter[];
  readonly run: (connection: Connection, values: Values) => Promise<Outcome>;
};

export const resources: Readonly<Record<ResourceName, { label: string; help: string }>> = {
  session: { label: 'Session', help: 'A session, by its token, ID or name' },
  userSession: { label: 'User Session', help: 'The sessions of a user' },
};

/** The errors output, which every operation has while the flow manages its errors. */
export const errorsOutput: Output = {
  name: 'errors',
  label: 'Errors',
  done: 'failed',
  help: 'What went wrong: a list of code, message and origin (client: the request has to change; server: try again later)',
};

export const maxInputs = 8;

export const sessionOutput: Output = { name: 'session', label: 'Session', help: 'The session', done: 'found' };
export const sessionsOutput: Output = {
  name: 'sessions',
  label: 'Sessions',
  help: 'The sessions',
  done: 'sessions',
};
export const triggerOutput: Output = {
  name: 'trigger',
  label: 'Trigger',
  help: 'Fires when the operation is done, with the receipt',
  done: 'ended',
};
export const objectOutput: Output = {
  name: 'outputObject',
  label: 'Output Object',
  help: 'The input object',
  done: 'done',
};
export const notFoundOutput: Output = {
  name: 'notFound',
  label: 'Not Found',
  help: 'The input object, if the user has no such session or it has ended',
  done: 'not found',
};
