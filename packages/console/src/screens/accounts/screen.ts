import type { Screen } from '../../app/screens.ts';
import { t } from '../../texts/index.ts';

export const accounts: Screen = {
  path: 'accounts',
  nav: { group: 'manage', icon: 'accounts', title: () => t.shell.accounts },
  needs: 'accounts.manage',
  load: () => import('./index.tsx'),
};
