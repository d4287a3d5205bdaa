/** The systems whose wire formats are supported. */
export const dialectNames = ['rocketchat', 'directus', 'waha', 'altogic'] as const;
export type DialectName = (typeof dialectNames)[number];
