/** The systems whose wire formats are spoken. */
export const dialectNames = ['rocketchat'] as const;
export type DialectName = (typeof dialectNames)[number];
