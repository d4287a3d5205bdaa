import type { Texts } from '../index.ts';
import { accounts } from './accounts.ts';
import { audit } from './audit.ts';
import { common } from './common.ts';
import { devices } from './devices.ts';
import { keys } from './keys.ts';
import { named } from './named.ts';
import { problems } from './problems.ts';
import { proof } from './proof.ts';
import { rights } from './rights.ts';
import { server } from './server.ts';
import { sessions } from './sessions.ts';
import { shell } from './shell.ts';
import { signIn } from './sign-in.ts';

export const de: Texts = {
  accounts,
  audit,
  common,
  devices,
  keys,
  named,
  problems,
  proof,
  rights,
  server,
  sessions,
  shell,
  signIn,
};
