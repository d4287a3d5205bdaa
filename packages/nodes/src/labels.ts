import { operations } from './operations/index.ts';
import { requestOptions } from './request-options.ts';
import { serviceParameter, services } from './services/index.ts';

/** The editor's label for the parameter that an engine names by its path in a saved workflow. */
export function labelOf(path: string): string {
  const name = path.split('.').at(-1);
  const all = [
    ...operations.flatMap(({ parameters }) => parameters),
    serviceParameter,
    ...services.flatMap(({ parameters }) => parameters),
    ...requestOptions,
  ];
  return all.find((parameter) => parameter.name === name)?.label ?? path;
}
