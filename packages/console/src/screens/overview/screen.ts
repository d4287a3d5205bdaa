import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const overview: Screen = {
  path: 'overview',
  nav: { group: 'watch', icon: 'overview', title: () => t.shell.overview },
  needs: 'events.read',
  load: () => import('./index.tsx'),
};
