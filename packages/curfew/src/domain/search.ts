import type { Account } from './account.ts';
import type { Session } from './session.ts';

/**
 * Whether a free text is found in a session: ids, name, address, device, operating system; upper and lower case
 * alike. The text is only ever looked for as it is: it is no pattern.
 */
export function matchesText(session: Session, lowered: string): boolean {
  const { device } = session;
  return [
    session.id,
    session.userId,
    session.name,
    session.ip,
    device.name,
    device.type,
    device.model,
    device.os?.name,
    device.os?.version,
    ...session.accessGroups,
  ].some((part) => part?.toLowerCase().includes(lowered));
}

/** Whether a free text is found in an account: user name, address, name; upper and lower case alike. */
export function accountMentions({ username, email, name }: Account, text: string): boolean {
  const lowered = text.toLowerCase();
  return [username, email, name].some((part) => part?.toLowerCase().includes(lowered));
}
