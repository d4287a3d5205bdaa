/* What a second factor was shown for stands beside when. */
export const factors = 'ALTER TABLE sessions ADD COLUMN factor_shown text;';
