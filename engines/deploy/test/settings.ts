import { options } from '../../../packages/curfew/src/start/config.ts';

const all = Object.values<{ env: string; file?: true }>(options);

/** The variables that the server reads. */
export const variables: ReadonlySet<string> = new Set(
  all.flatMap(({ env, file }) => (file ? [env, `${env}_FILE`] : [env])),
);
