/* For a store that does not answer: do not wait for long, and do not ask again meanwhile. */

/** Asks again only after the last answer, so that questions do not pile up at a store that is stuck. */
export function oneAtATime<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asking: Promise<Value> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** The answer, or `undefined` if it takes longer. @throws what the answer throws */
export async function within<Value>(milliseconds: number, answer: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
