import { commitChanges } from './commits.ts';

/** What an application keeps with a session. `data` was the name of a column already. */
export const content = `
CALL lock_writers();
ALTER TABLE sessions ADD COLUMN content text;
${commitChanges({ aliases: true, content: true })}`;
