/** The result of one check of `doctor`. */
export type Finding = { check: string; state: 'ok' | 'warning' | 'fault'; says: string; remedy?: string };
