/** The systems whose wire formats are spoken. */
export const dialectNames = ['rocketchat', 'directus'] as const;
export type DialectName = (typeof dialectNames)[number];
