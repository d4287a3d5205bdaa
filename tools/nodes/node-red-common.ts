import { ignoreTlsField, type Parameter, type Service } from 'curfew-nodes';

/** The parameters of a service, which apply only while it is chosen. */
export function parametersOf({ name, parameters }: Service): Parameter[] {
  return parameters.map((parameter) => ({ ...parameter, when: { service: [name], ...parameter.when } }));
}

/** The fields of all credentials of a service, each once. */
export function credentialFields({ credentials }: Pick<Service, 'credentials'>): Parameter[] {
  const all = [...credentials.flatMap(({ fields }) => fields), ignoreTlsField];
  return [...new Map(all.map((field) => [field.name, field])).values()];
}

/** The icon before a label, by the purpose of the field (Font Awesome 4.7, which Node-RED includes). */
export function iconOf(name: string): string {
  return icons.find(([pattern]) => pattern.test(name))?.[1] ?? 'circle-o';
}

const icons: readonly (readonly [RegExp, string])[] = [
  [/^name$/, 'tag'],
  [/server$/i, 'server'],
  [/^service$/, 'cloud'],
  [/^(way|clientAuthentication)$/, 'sign-in'],
  [/^url$/, 'globe'],
  [/^proxy$/, 'random'],
  [/code$/i, 'mobile'],
  [/password|secret|token$|key$/i, 'key'],
  [/hint$/i, 'ticket'],
  [/By$/, 'crosshairs'],
  [/userAgent/i, 'desktop'],
  [/user(Id|name)?$/i, 'user'],
  [/group/i, 'users'],
  [/ip$/i, 'map-marker'],
  [/idle|lifetime|timeout|interval/i, 'clock-o'],
  [/metadata/i, 'code'],
  [/status$/i, 'heartbeat'],
  [/text$/i, 'search'],
  [/^limit$/, 'list-ol'],
  [/^batchSize$/, 'cubes'],
  [/^inputCount$/, 'compress'],
  [/^errorManagement$/, 'exclamation-triangle'],
  [/id$/i, 'hashtag'],
  [/name$|session$/i, 'bookmark-o'],
];

/** A label in sentence case, as in Node-RED: `Session user ID`. */
export function sentence(label: string): string {
  const kept = /^(ID|SSL|TOTP|URL|API|IP|JSON|OAuth|\(Insecure\)|Directus|WAHA)$/;
  return label
    .split(' ')
    .map((word, i) => (i === 0 || kept.test(word) ? word : word.toLowerCase()))
    .join(' ');
}
