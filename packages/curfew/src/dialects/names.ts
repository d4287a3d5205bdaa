/** The systems whose wire formats are spoken. */
export const dialectNames = ['rocketchat', 'waha', 'altogic'] as const;
export type DialectName = (typeof dialectNames)[number];
