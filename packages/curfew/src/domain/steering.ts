/**
 * Characters that steer a terminal: control characters; those that change the writing direction, so that one name can
 * be displayed as another; and Unicode's line and paragraph separators.
 */
const steering = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Whether a text can be a displayed name: it does not steer a terminal, and has no half of a surrogate pair. */
export function isReadable(text: string): boolean {
  return text.isWellFormed() && text.search(steering) < 0;
}

/** Text from others, such as a user id or a user agent, on one line and without anything that steers a terminal. */
export function oneLine(text: string): string {
  return text.replace(steering, '·');
}

/** Equivalent lines of JSON without anything that steers a terminal. */
export function escapeSteering(json: string): string {
  // Nearly all are pure ASCII, in which JSON has escaped control characters already.
  if (!/[^\n\x20-\x7e]/.test(json)) return json;
  return json.replace(steering, (one) =>
    one === '\n' ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
