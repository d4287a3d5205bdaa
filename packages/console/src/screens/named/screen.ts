import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const named: Screen = {
  path: 'named',
  nav: { group: 'manage', icon: 'named', title: () => t.shell.namedSessions },
  needs: 'sessions.read',
  load: () => import('./index.tsx'),
};
