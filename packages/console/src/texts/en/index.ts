import { common } from './common.ts';
import { devices } from './devices.ts';
import { overview } from './overview.ts';
import { problems } from './problems.ts';
import { proof } from './proof.ts';
import { session } from './session.ts';
import { sessions } from './sessions.ts';
import { shell } from './shell.ts';
import { signIn } from './sign-in.ts';
import { user } from './user.ts';

export const en = { common, devices, overview, problems, proof, session, sessions, shell, signIn, user };
