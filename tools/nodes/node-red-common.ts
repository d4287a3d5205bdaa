import { ignoreTlsField, type Parameter, type Service } from 'curfew-nodes';

/** The parameters of a service count only while it is chosen. */
export function parametersOf({ name, parameters }: Service): Parameter[] {
  return parameters.map((parameter) => ({ ...parameter, when: { service: [name], ...parameter.when } }));
}

/** All fields of the ways to sign in to a service, each once. */
export function credentialFields({ credentials }: Pick<Service, 'credentials'>): Parameter[] {
  const all = [...credentials.flatMap(({ fields }) => fields), ignoreTlsField];
  return [...new Map(all.map((field) => [field.name, field])).values()];
}

/** Node-RED's labels are written as sentences are: `Session user ID`. */
export function sentence(label: string): string {
  const kept = /^(ID|SSL|TOTP|URL|API|IP|JSON|OAuth|\(Insecure\)|Directus|WAHA)$/;
  return label
    .split(' ')
    .map((word, i) => (i === 0 || kept.test(word) ? word : word.toLowerCase()))
    .join(' ');
}
