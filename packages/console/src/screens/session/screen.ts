import type { Screen } from '../../app/screens.ts';

/** Everybody may see their own; the server decides. */
export const session: Screen = { path: 'sessions/:id', load: () => import('./index.tsx') };
