import type { Screen } from '../../app/screens.ts';

export const account: Screen = {
  path: 'accounts/:id',
  needs: 'accounts.manage',
  load: () => import('./index.tsx'),
};
