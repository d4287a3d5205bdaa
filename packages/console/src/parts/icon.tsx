/** Drawn on a grid of 24, in the colour of the text. All of them are decoration: the name is in the text beside them. */
const shapes = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  sessions: 'M3 5h13v9H3zM1 18h11M15 10h7v10h-7zM18.5 17.5v.01',
  named: 'M4 4h8l8 8-8 8-8-8zM8.5 8.5v.01',
  accounts: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.6-6 8-6s8 2 8 6',
  keys: 'M14.5 13.5a5 5 0 1 0-4-4L3 17v4h4v-3h3v-3zM16 8v.01',
  audit: 'M6 3h9l4 4v14H6zM9.5 11h6M9.5 15h6M9.5 7h2.5',
  server: 'M4 4h16v6H4zM4 14h16v6H4zM8 7v.01M8 17v.01',
  devices: 'M7 2.5h10v19H7zM11 18.5h2',
  desktop: 'M3 4h18v12H3zM8 20h8M12 16v4',
  tablet: 'M5 2.5h14v19H5zM11 18.5h2',
  program: 'M4 5h16v14H4zM8 10l3 2.5L8 15M13 15h3',
  unknown: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .9-1 1.7M12 16.5v.01',
  signOut: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5 10 17.5 19.5 7',
  warning: 'M12 3.5 22 20.5H2zM12 10v4.5M12 17.5v.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
  again: 'M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M4 20h16',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  more: 'M5 12v.01M12 12v.01M19 12v.01',
  next: 'M9 5l7 7-7 7',
  appearance: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z',
  away: 'M3 3l18 18M8.5 16a5 5 0 0 1 6 0M5 12.5a10 10 0 0 1 4-2.4M15 10.4a10 10 0 0 1 4 2.1M2 9a15 15 0 0 1 4-2.4M10 5.1A15 15 0 0 1 22 9M12 20v.01',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}
