import { useEffect, useState } from 'preact/hooks';

/** A value outside of the page's tree, which components can follow. */
export type Held<Value> = {
  get(): Value;
  set(value: Value): void;
  follow(changed: () => void): () => void;
};

export function held<Value>(first: Value): Held<Value> {
  let value = first;
  const followers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const changed of [...followers]) changed();
    },
    follow(changed) {
      followers.add(changed);
      return () => followers.delete(changed);
    },
  };
}

export function useHeld<Value>(from: Held<Value>): Value {
  const [value, setValue] = useState(() => from.get());
  useEffect(() => {
    const read = () => setValue(() => from.get());
    // It may have changed between drawing and now.
    read();
    return from.follow(read);
  }, [from]);
  return value;
}
