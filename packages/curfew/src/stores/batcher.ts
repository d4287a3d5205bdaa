/** Asks many questions at once. Resolves with the answers in the same order, or rejects for all of them. */
type Ask<Question, Answer> = (questions: readonly Question[]) => Promise<Answer[]>;

type Waiting<Question, Answer> = {
  question: Question;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
};

export type BatcherOptions = {
  /** The most calls that run at the same time. */
  parallel: number;
  /** The most questions of one call. */
  most: number;
  /** How many questions must wait before another call starts beside a running one. */
  crowd: number;
  /** Whether a failed call is repeated for each question separately, so that one's fault does not fail the others. */
  apart?: (error: unknown) => boolean;
};

/** Milliseconds after which a question no longer waits for a crowd: the running call may hang. */
const patience = 20;

/**
 * Batches calls: questions that come while a call is running wait and go together in the next one, so that one round
 * trip and one commit serve many. Only when many wait, or a call takes long, do several calls run at the same time:
 * small calls side by side cost more than one large call, and on a busy machine they take longer. A question is never
 * served by a call that began before it came.
 */
export class Batcher<Question, Answer> {
  readonly #ask: Ask<Question, Answer>;
  readonly #options: BatcherOptions;
  #queue: Waiting<Question, Answer>[] = [];
  #busy = 0;
  #starting = false;
  #impatient: NodeJS.Timeout | undefined;

  constructor(ask: Ask<Question, Answer>, options: BatcherOptions) {
    this.#ask = ask;
    this.#options = options;
  }

  run(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ question, resolve, reject });
      if (this.#starting) return;
      this.#starting = true;
      // Questions asked in the same turn of the event loop go together.
      queueMicrotask(() => {
        this.#starting = false;
        this.#start(this.#options.crowd);
      });
    });
  }

  /** @param enough how many questions must wait before another call starts beside a running one */
  #start(enough: number): void {
    const { parallel, most } = this.#options;
    while (this.#queue.length > 0 && this.#busy < parallel && (this.#busy === 0 || this.#queue.length >= enough)) {
      const taken = this.#queue.splice(0, most);
      this.#busy += 1;
      void this.#serve(taken).finally(() => {
        this.#busy -= 1;
        this.#start(this.#options.crowd);
      });
    }
    if (this.#queue.length === 0 || this.#busy === parallel || this.#impatient) return;
    this.#impatient = setTimeout(() => {
      this.#impatient = undefined;
      this.#start(1);
    }, patience);
  }

  async #serve(taken: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#ask(taken.map(({ question }) => question));
      taken.forEach(({ resolve }, i) => {
        resolve(answers[i]!);
      });
    } catch (error) {
      if (taken.length > 1 && this.#options.apart?.(error)) for (const one of taken) await this.#serve([one]);
      else for (const { reject } of taken) reject(error);
    }
  }
}
