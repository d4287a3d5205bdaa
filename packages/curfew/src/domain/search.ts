import type { Account } from './account.ts';
import type { Session } from './session.ts';

/**
 * Whether a session contains a text: in its ids, name, address, device, operating system or groups, ignoring case. The
 * text is taken literally; it is not a pattern.
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

/** Whether an account contains a text: in its user name, address or name, ignoring case. */
export function accountMentions({ username, email, name }: Account, text: string): boolean {
  const lowered = text.toLowerCase();
  return [username, email, name].some((part) => part?.toLowerCase().includes(lowered));
}
