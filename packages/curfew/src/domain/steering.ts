/**
 * What steers a terminal: control characters; those that turn the direction of writing round, so that one name is shown
 * for another; and the two ends of lines that only Unicode knows.
 */
const steering = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Whether a text has nothing in it that steers a terminal, and no half of a character: what a name that people see is. */
export function isReadable(text: string): boolean {
  return text.isWellFormed() && text.search(steering) < 0;
}

/** What others wrote, such as a user id or a user agent, on one line, and with nothing in it that steers a terminal. */
export function oneLine(text: string): string {
  return text.replace(steering, '·');
}

/** Lines of JSON that mean the same, and have nothing in them that steers a terminal. */
export function escapeSteering(json: string): string {
  // Nearly all have nothing but ASCII, which JSON has escaped already.
  if (!/[^\n\x20-\x7e]/.test(json)) return json;
  return json.replace(steering, (one) =>
    one === '\n' ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
