const minute = 60_000;
const partOfIdle = 10;

/**
 * Milliseconds from one note of a session's use to the next: a minute, or a tenth of a shorter idle limit. A verifier
 * reports that often, and the server writes that often.
 */
export function pauseBetweenUses(idle: number): number {
  return Math.min(minute, idle / partOfIdle);
}
