import type { Connection } from '../connection.ts';
import type { Parameter, Values } from '../parameter.ts';

export type Output = {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  /** What a badge says when it came out there: `ended`. */
  readonly done: string;
};

/** What one run of an operation puts out, and on which output. */
export type Outcome =
  | { readonly output: string; readonly value: object }
  /** `none`: what somebody is told who gets an empty list in words. */
  | { readonly output: string; readonly list: readonly object[]; readonly none: string }
  /** The object that came in goes on as it was; `told`: what happened, in words, for whoever sent none. */
  | { readonly output: string; readonly passes: true; readonly told: string };

export type ResourceName = 'userSession' | 'session';

/** Something that the Curfew node does: everything that engines, editors and pages tell of it derives from here. */
export type Operation = {
  /** As workflows save it. */
  readonly name: string;
  readonly label: string;
  /** What it does, for a list of actions; n8n makes it the title of the node's panel, where long ones are cut off. */
  readonly action: string;
  readonly resource: ResourceName;
  /** One sentence or more; the first stands alone. */
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

/** On every operation while its errors are managed by the flow. */
export const errorsOutput: Output = {
  name: 'errors',
  label: 'Errors',
  done: 'failed',
  help: 'What went wrong: a list of code, message and origin (client: what was sent has to change; server: try again later)',
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
  help: 'Fires when it is done, with the receipt',
  done: 'ended',
};
export const objectOutput: Output = {
  name: 'outputObject',
  label: 'Output Object',
  help: 'The object that came in',
  done: 'done',
};
export const notFoundOutput: Output = {
  name: 'notFound',
  label: 'Not Found',
  help: 'The object that came in, when the user has no such session or it has ended',
  done: 'not found',
};
