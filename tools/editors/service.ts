import { type Service, services } from '../../packages/nodes/src/index.ts';
import { type Target, targets } from '../../packages/nodes/test/support/targets.ts';

/** A service to log out of, and what it refuses: the same that the tests in the engines use. */
export type Offered = Target & { readonly declared: Service; readonly refused: Refused };
type Refused = { readonly parameters: Record<string, unknown>; readonly message: RegExp };

/** OAuth's revocation confirms every token (RFC 7009 §2.2) but one of a kind that the server does not revoke. */
const unrevokable: Refused = {
  parameters: { oauthToken: 'unrevokable', oauthHint: 'refresh_token' },
  message: /unsupported_token_type/,
};

export const offered: readonly Offered[] = targets.map((target) => {
  const declared = services.find(({ name }) => name === target.service);
  if (declared === undefined) throw new TypeError(`no service is named ${target.service}`);
  return { ...target, declared, refused: target.unknown.code === undefined ? unrevokable : target.unknown };
});

/** What Log Out says of a session that is over, whatever the service. */
export const saysOver = /has ended everywhere|is (logged|signed) out|is revoked/;
