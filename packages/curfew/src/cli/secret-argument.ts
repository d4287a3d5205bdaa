/** For the help of an option or argument that is a secret: other users of a machine see it on the command line. */
export const orInput = '`-` reads it from standard input';

/** The value of an option or argument that is a secret. */
export async function secretArgument(text: string): Promise<string> {
  return text === '-' ? readInput() : text;
}

/** Standard input, without a line break at its end. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}
