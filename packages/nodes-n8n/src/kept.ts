import { createHash } from 'node:crypto';
import { type Credential, Kept, type Values } from 'curfew-nodes';

/**
 * What is kept for each credential, by its content, including the URL. n8n itself would sign in without the options of
 * the node; and a second-factor code works once, so an execution reuses the session of the previous one.
 */
const keptByCredential = new Map<string, Kept>();

export function keptFor({ name, fields }: Credential, values: Values): Kept {
  const typed = [name, ...fields.map((field) => values[field.name])];
  const key = createHash('sha256').update(JSON.stringify(typed)).digest('hex');
  const kept = keptByCredential.get(key) ?? new Kept();
  keptByCredential.set(key, kept);
  return kept;
}
