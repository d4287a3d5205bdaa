import type { ComponentType } from 'preact';
import type { IconName } from '../parts/icon.tsx';
import { account } from '../screens/account/screen.ts';
import { accounts } from '../screens/accounts/screen.ts';
import { audit } from '../screens/audit/screen.ts';
import { devices } from '../screens/devices/screen.ts';
import { keys } from '../screens/keys/screen.ts';
import { named } from '../screens/named/screen.ts';
import { overview } from '../screens/overview/screen.ts';
import { server } from '../screens/server/screen.ts';
import { session } from '../screens/session/screen.ts';
import { sessions } from '../screens/sessions/screen.ts';
import { user } from '../screens/user/screen.ts';
import type { Query } from './router.ts';
import type { Permission } from './who.ts';

export type ScreenProps = {
  /** What the segments that begin with a colon are. */
  params: Readonly<Record<string, string>>;
  query: Query;
};

/** One screen: where it is, who may see it, and how its code is loaded. */
export type Screen = {
  /** Its path, such as `sessions` or `sessions/:id`. */
  path: string;
  /** Its place in the navigation; a screen without one is reached from others. */
  nav?: { group: 'watch' | 'manage' | 'own'; icon: IconName; title(): string };
  /** Who lacks it does not see the screen, nor a link to it. */
  needs?: Permission;
  load(): Promise<{ default: ComponentType<ScreenProps> }>;
};

/** In the order of the navigation; the first one that somebody may see is where they begin. */
export const screens: readonly Screen[] = [
  overview,
  sessions,
  session,
  user,
  audit,
  server,
  named,
  accounts,
  account,
  keys,
  devices,
];

const loaded = new Map<Screen, ComponentType<ScreenProps>>();

/** A screen whose code has been loaded. */
export const loadedScreen = (screen: Screen): ComponentType<ScreenProps> | undefined => loaded.get(screen);

export async function loadScreen(screen: Screen): Promise<ComponentType<ScreenProps>> {
  const { default: view } = await screen.load();
  loaded.set(screen, view);
  return view;
}

export type Found = { screen: Screen; params: Record<string, string> };

export function screenAt(path: readonly string[]): Found | undefined {
  for (const screen of screens) {
    const parts = screen.path.split('/');
    if (parts.length !== path.length) continue;
    const params: Record<string, string> = {};
    const fits = parts.every((part, i) => {
      if (!part.startsWith(':')) return part === path[i];
      params[part.slice(1)] = path[i]!;
      return true;
    });
    if (fits) return { screen, params };
  }
  return undefined;
}
