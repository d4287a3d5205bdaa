import { isCurfewError } from '../../errors.ts';
import { Batcher } from '../batcher.ts';
import type { Link, Reply } from './link.ts';
import type { Script } from './scripts/script.ts';

/**
 * Asks a script that answers many questions at once: those of one turn of the event loop go together. Returns a function of
 * the arguments of one question. What is wrong with the keys of one fails no other.
 */
export function readerOf(link: Link, script: Script): (question: readonly string[]) => Promise<Reply> {
  const ask = async (questions: readonly (readonly string[])[]) =>
    (await link.run(script, questions.flat())) as Reply[];
  const apart = (error: unknown) => isCurfewError(error, 'store_damaged');
  const batcher = new Batcher(ask, { ...link.together, apart });
  return (question) => batcher.run(question);
}
