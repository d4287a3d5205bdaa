import { type Service, services } from '../../packages/nodes/src/index.ts';
import { refusedBy, type Target, targets } from '../../packages/nodes/test/support/targets.ts';

/** A service to log out of, and what it refuses; the tests in the engines use the same. */
export type Offered = Target & { readonly declared: Service; readonly refused: ReturnType<typeof refusedBy> };

export const offered: readonly Offered[] = targets.map((target) => {
  const declared = services.find(({ name }) => name === target.service);
  if (declared === undefined) throw new TypeError(`no service is named ${target.service}`);
  return { ...target, declared, refused: refusedBy(target) };
});

/** The message of Log Out about an ended session, for every service. */
export const saysOver = /has ended everywhere|is (logged|signed) out|is revoked/;
