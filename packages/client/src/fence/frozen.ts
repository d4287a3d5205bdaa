/** Freezes a value of JSON with everything in it: several callers share it, and none may change it for the others. */
export function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
