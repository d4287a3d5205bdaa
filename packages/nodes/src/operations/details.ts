import type { Parameter } from '../parameter.ts';

const tenYears = 10 * 365 * 86_400;

/** The optional details of a new session; the fields are the API's. */
export const sessionDetails: readonly Parameter[] = [
  {
    name: 'sessionIdle',
    field: 'idle',
    label: 'Idle Limit (Seconds)',
    help: 'How many seconds it lasts without activity; the policy sets the maximum',
    kind: 'integer',
    min: 1,
    max: tenYears,
    extra: true,
    placeholder: '3600',
  },
  {
    name: 'sessionIp',
    field: 'ip',
    label: 'IP Address',
    help: 'The address of the device',
    kind: 'text',
    max: 64,
    extra: true,
  },
  {
    name: 'sessionLifetime',
    field: 'lifetime',
    label: 'Lifetime (Seconds)',
    help: 'How many seconds it lives at most; the policy sets the maximum',
    kind: 'integer',
    min: 1,
    max: tenYears,
    extra: true,
    placeholder: '86400',
  },
  {
    name: 'sessionMetadata',
    field: 'metadata',
    label: 'Metadata',
    help: 'Your own JSON: an object of at most 4,096 bytes',
    kind: 'json',
    extra: true,
  },
  {
    name: 'sessionName',
    field: 'name',
    label: 'Name',
    help: 'A unique name, by which it can be ended',
    kind: 'text',
    max: 100,
    extra: true,
  },
  {
    name: 'sessionUserAgent',
    field: 'userAgent',
    label: 'User Agent',
    help: 'The User-Agent of the device, from which its kind is derived',
    kind: 'text',
    max: 8192,
    extra: true,
  },
];
