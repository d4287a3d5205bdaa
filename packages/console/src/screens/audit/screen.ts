import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const audit: Screen = {
  path: 'audit',
  nav: { group: 'watch', icon: 'audit', title: () => t.shell.audit },
  needs: 'events.read',
  load: () => import('./index.tsx'),
};
