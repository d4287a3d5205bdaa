import type { Screen } from '../../app/screens.ts';

/** Everybody may see themselves; the server decides. */
export const user: Screen = { path: 'users/:id', load: () => import('./index.tsx') };
