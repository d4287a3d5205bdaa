/** Asks many questions at once. Resolves with the answers in the same order, or rejects for all of them. */
type Ask<Question, Answer> = (questions: readonly Question[]) => Promise<Answer[]>;

type Waiting<Question, Answer> = {
  question: Question;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
};

/**
 * Batches calls: while `parallel` calls are running, further questions wait and go together in the next one, so that
 * one round trip and one commit serve many. A question is never served by a call that began before it came.
 */
export class Batcher<Question, Answer> {
  readonly #ask: Ask<Question, Answer>;
  readonly #parallel: number;
  readonly #most: number;
  /** Whether a failed call is repeated for each question separately, so that one's fault does not fail the others. */
  readonly #apart: (error: unknown) => boolean;
  #queue: Waiting<Question, Answer>[] = [];
  #busy = 0;

  constructor(
    ask: Ask<Question, Answer>,
    { parallel, most, apart }: { parallel: number; most: number; apart?: (error: unknown) => boolean },
  ) {
    this.#ask = ask;
    this.#parallel = parallel;
    this.#most = most;
    this.#apart = apart ?? (() => false);
  }

  run(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ question, resolve, reject });
      // Questions asked in the same turn of the event loop go together.
      if (this.#queue.length === 1) queueMicrotask(() => this.#start());
    });
  }

  #start(): void {
    while (this.#busy < this.#parallel && this.#queue.length > 0) {
      const taken = this.#queue.splice(0, this.#most);
      this.#busy += 1;
      void this.#serve(taken).finally(() => {
        this.#busy -= 1;
        this.#start();
      });
    }
  }

  async #serve(taken: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#ask(taken.map(({ question }) => question));
      taken.forEach(({ resolve }, i) => {
        resolve(answers[i]!);
      });
    } catch (error) {
      if (taken.length > 1 && this.#apart(error)) for (const one of taken) await this.#serve([one]);
      else for (const { reject } of taken) reject(error);
    }
  }
}
