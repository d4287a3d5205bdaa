import { prefixes, type TokenKind } from 'curfew-client/protocol';
import type { Parameter } from './parameter.ts';

/** Names the kind of a Curfew token that was given in place of another. */
const kinds: Readonly<Record<TokenKind, string>> = {
  session: 'a session token (an access token)',
  refresh: 'a refresh token',
  key: 'an API key',
};

function notOf(others: readonly TokenKind[], wanted: string): (text: string) => string | undefined {
  return (text) => {
    const found = others.find((kind) => text.startsWith(prefixes[kind]));
    return found === undefined ? undefined : `contains ${kinds[found]}; it requires ${wanted}.`;
  };
}

export const sessionUserId: Parameter = {
  name: 'userId',
  label: 'Session User ID',
  help: "The application's own ID of the user to whom the session belongs",
  kind: 'text',
  required: true,
  max: 255,
  placeholder: 'ada',
};

export const tokenOrId: Parameter = {
  name: 'sessionToken',
  label: 'Session Token',
  help: 'The token of the session, or its ID, which the other operations output',
  kind: 'secret',
  required: true,
  max: 256,
  check: notOf(['refresh', 'key'], 'a session token or the ID of a session'),
};

export const sessionToken: Parameter = {
  name: 'sessionToken',
  label: 'Session Token',
  help: `The token of the session, which begins with ${prefixes.session}`,
  kind: 'secret',
  required: true,
  max: 256,
  placeholder: `${prefixes.session}…`,
  check: notOf(['refresh', 'key'], 'a session token'),
};

export const refreshToken: Parameter = {
  name: 'refreshToken',
  label: 'Refresh Token',
  help: `The refresh token of the session, which begins with ${prefixes.refresh}`,
  kind: 'secret',
  required: true,
  max: 256,
  placeholder: `${prefixes.refresh}…`,
  check: notOf(['session', 'key'], 'a refresh token'),
};

export const accessGroups: Parameter = {
  name: 'accessGroups',
  label: 'Access Groups',
  help: 'One key, several separated by commas, or a list of keys. They determine what the session may access.',
  kind: 'texts',
  max: 100,
  placeholder: 'staff, billing',
};

export const sessionId: Parameter = {
  name: 'sessionId',
  label: 'Session ID',
  help: 'The ID of the session',
  kind: 'text',
  required: true,
  max: 64,
  check: notOf(['session', 'refresh', 'key'], 'the ID of a session'),
};
