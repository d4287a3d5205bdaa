import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const server: Screen = {
  path: 'server',
  nav: { group: 'watch', icon: 'server', title: () => t.shell.server },
  needs: 'events.read',
  load: () => import('./index.tsx'),
};
