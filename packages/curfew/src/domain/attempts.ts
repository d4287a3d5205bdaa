/** At most `max` attempts in `window` milliseconds. */
export type AttemptRule = { max: number; window: number };
