/* What an application keeps with a session. `data` was the name of a column already. */
export const content = 'ALTER TABLE sessions ADD COLUMN content text;';
