import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const keys: Screen = {
  path: 'keys',
  nav: { group: 'manage', icon: 'keys', title: () => t.shell.keys },
  needs: 'keys.manage',
  load: () => import('./index.tsx'),
};
