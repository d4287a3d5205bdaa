import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const sessions: Screen = {
  path: 'sessions',
  nav: { group: 'watch', icon: 'sessions', title: () => t.shell.sessions },
  needs: 'sessions.read',
  load: () => import('./index.tsx'),
};
