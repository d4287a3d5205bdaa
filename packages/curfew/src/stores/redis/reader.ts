import { isCurfewError } from '../../errors.ts';
import { Batcher } from '../batcher.ts';
import type { Link, Reply } from './link.ts';
import type { Script } from './scripts/script.ts';

/**
 * Asks a script that answers many questions at once: those of one turn of the event loop go together, at most `most` of
 * them. Returns a function of the arguments of one question. What is wrong with the keys of one fails no other.
 */
export function readerOf(
  link: Link,
  script: Script,
  most: number = link.together.most,
): (question: readonly string[]) => Promise<Reply> {
  const ask = async (questions: readonly (readonly string[])[]) =>
    (await link.run(script, questions.flat())) as Reply[];
  const apart = (error: unknown) => isCurfewError(error, 'store_damaged');
  // A call that can take no more has nothing to wait for.
  const crowd = Math.min(link.together.crowd, most);
  const batcher = new Batcher(ask, { ...link.together, most, crowd, apart });
  return (question) => batcher.run(question);
}
