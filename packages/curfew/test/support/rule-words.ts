import { endReasons } from '../../src/domain/reasons.ts';

/**
 * What a rule answers, why a session ends, and how groups change. As whole words; reasons that are also the name of a
 * number (everyone's epoch, the time that a session may be idle) only as a text.
 */
const words = [
  ...[
    'refuse',
    'replace',
    'too_many',
    'too_many_groups',
    'name_taken',
    'name_stopped',
    'username_taken',
    'email_taken',
  ],
  ...['epoch_moved', 'not_found', 'conflict', 'already', 'unchanged', 'policy'],
  ...endReasons.filter((reason) => !(['everyone', 'idle'] as string[]).includes(reason)),
].map((word) => new RegExp(`\\b${word}\\b`));
const texts = [/(?<!shared \.\. |state', |'walk', )'everyone'(?!, c\.everyone)/, /'idle'/];
/** Lists of groups are read for an index, and compared; nobody adds to them or takes away. */
const arithmetic = [/\bgroups\b *(\|\||-|\+) /, /\barray_(append|prepend|remove|cat|agg)\([^)]*\bgroups\b/];

/** The words of rules in a program of SQL or Lua, comments aside, each with what is around it. */
export function ruleWords(source: string): string[] {
  const program = source.replace(/--.*$/gm, '');
  return [...words, ...texts, ...arithmetic].flatMap((word) => {
    const found = word.exec(program);
    return found ? [program.slice(Math.max(0, found.index - 40), found.index + 60).replace(/\s+/g, ' ')] : [];
  });
}
