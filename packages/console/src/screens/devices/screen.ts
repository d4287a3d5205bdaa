import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const devices: Screen = {
  path: 'devices',
  nav: { group: 'own', icon: 'devices', title: () => t.shell.devices },
  load: () => import('./index.tsx'),
};
