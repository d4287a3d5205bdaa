/** What a timer of JavaScript can wait at most, in milliseconds; for more, it does not wait at all. */
const longest = 2 ** 31 - 1;

/** @throws `RangeError` if a time-out is no number of milliseconds that a timer can wait */
export function refuseTimeout(timeout: number, orNone = false): void {
  if (Number.isInteger(timeout) && timeout > 0 && timeout <= longest) return;
  if (orNone && timeout === Number.POSITIVE_INFINITY) return;
  const range = `a whole number of milliseconds from 1 to ${longest}`;
  throw new RangeError(`timeout must be ${range}${orNone ? ', or Infinity' : ''}; it is ${timeout}`);
}
