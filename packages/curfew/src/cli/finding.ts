/** What `doctor` has found out of one thing that it looks at. */
export type Finding = { check: string; state: 'ok' | 'warning' | 'fault'; says: string; remedy?: string };
