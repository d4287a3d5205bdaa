import type { Parameter } from '../parameter.ts';
import { altogic } from './altogic.ts';
import { curfew } from './curfew.ts';
import { directus } from './directus.ts';
import { oauth } from './oauth.ts';
import { rocketchat } from './rocketchat.ts';
import type { Service } from './service.ts';
import { waha } from './waha.ts';

/** Every system in which Log Out ends sessions, in the order of the list shown to people. */
export const services: readonly Service[] = [altogic, curfew, directus, oauth, rocketchat, waha];

/** The services of other vendors. */
export const otherServices: readonly Service[] = services.filter((service) => service !== curfew);

export const serviceParameter: Parameter = {
  name: 'service',
  label: 'Service',
  help: 'The system in which the session ends',
  kind: 'choice',
  required: true,
  fallback: 'curfew',
  choices: services.map(({ name, label }) => ({ value: name, label })),
};
