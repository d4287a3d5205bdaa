import type { FastifyInstance } from 'fastify';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';

type Parser = (
  request: Parameters<Parameters<FastifyInstance['addContentTypeParser']>[2]>[0],
  body: string,
  done: (error: Error | null, body?: unknown) => void,
) => void;

/**
 * Reads JSON bodies, for the API and the dialects. Some clients declare JSON and then send no body, so an empty body
 * gives `empty`. One that is nested too deeply is refused before it is parsed: recursive functions such as
 * `JSON.stringify` would run out of stack.
 */
export function jsonParser(app: FastifyInstance, empty: unknown): Parser {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request, body, done) => {
    if (body === '') done(null, empty);
    else if (isTooDeep(body)) done(new CurfewError('body_not_json', { detail: tooDeep }));
    else parse(request, body, done);
  };
}

const tooDeep = `It is nested more than ${limits.jsonDepth} levels deep.`;

/** Counts the brackets outside strings in a single pass, whether or not the rest is JSON. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === quote) inText = !inText;
    else if (inText) i += Number(character === backslash);
    else if (character === openList || character === openObject) depth += 1;
    else if (character === closeList || character === closeObject) depth -= 1;
    if (depth > limits.jsonDepth) return true;
  }
  return false;
}

const [quote, backslash, openList, openObject, closeList, closeObject] = [...'"\\[{]}'].map((one) => one.charCodeAt(0));

/** Accepts JSON and empty bodies of any type; any other content is refused. */
export function acceptJson(app: FastifyInstance, empty: unknown): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, jsonParser(app, empty));
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') done(null, empty);
    else done(new CurfewError('unsupported_media_type'));
  });
}
