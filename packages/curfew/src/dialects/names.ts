/** The systems whose wire formats are spoken. */
export const dialectNames = ['rocketchat', 'directus', 'waha', 'altogic'] as const;
export type DialectName = (typeof dialectNames)[number];
