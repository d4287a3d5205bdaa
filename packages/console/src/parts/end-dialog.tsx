import type { Receipt as ReceiptOf, Session } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { api, type CallOptions, changes, isApiError } from '../app/api.ts';
import { holdSignIn, me, noteSignedOut } from '../app/who.ts';
import type { Ended } from '../app/windows.ts';
import { count } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';
import { Ending, Receipt, Said } from './receipt.tsx';
import { Loading } from './states.tsx';
import { useStep } from './step.ts';
import { deviceText } from './things.tsx';

/*
 * Every end goes the same way: what will end is shown with its exact number, the person confirms it, and then sees the
 * receipt. A failed step loses nothing: the dialog stays, with what is wrong.
 */

export type Outcome = {
  receipt: ReceiptOf | undefined;
  /** How many have ended; left out for one. */
  ended?: number;
  /** Which ones, if that is known. */
  which?: Ended;
  /** What else is to be said. */
  notes?: readonly string[];
  /** This browser's own session has ended. */
  own?: boolean;
  failed?: unknown;
};

type Props = {
  title: string;
  onClose(): void;
  /** How many will end: for more than one, the number has to be typed. */
  many?: number | undefined;
  /** This browser's own session ends too, which has to be confirmed separately. */
  own?: boolean | undefined;
  submit: string;
  children: ComponentChildren;
  onSubmit(options: CallOptions, progress: (done: number, of: number) => void): Promise<Outcome>;
  /** Says what to do about an error, if it is not one that can be tried again as it is. */
  onError?(error: unknown): ComponentChildren;
};

export function EndDialog({ title, onClose, many = 1, own, submit, children, onSubmit, onError }: Props) {
  const [typed, setTyped] = useState('');
  const [alsoMe, setAlsoMe] = useState(false);
  const [wrong, setWrong] = useState<'number' | 'own'>();
  const { busy, error, run } = useStep();
  const [progress, setProgress] = useState<string>();
  const [outcome, setOutcome] = useState<Outcome>();
  const form = useRef<HTMLFormElement>(null);
  const foot = useRef<HTMLElement>(null);
  const id = useId();
  const texts = t.sessions.dialog;
  // While something has ended and was not read yet, nothing covers it.
  const release = useRef<() => void>(undefined);
  useEffect(() => () => release.current?.(), []);
  useEffect(() => {
    if (outcome) foot.current!.querySelector('button')!.focus();
  }, [outcome]);

  const mark = (what: 'number' | 'own') => {
    setWrong(what);
    form.current?.querySelector<HTMLInputElement>(`input[type=${what === 'number' ? 'text' : 'checkbox'}]`)?.focus();
  };
  const end = async () => {
    if (many > 1 && typed.replace(/\D/g, '') !== String(many)) return mark('number');
    if (own && !alsoMe) return mark('own');
    setWrong(undefined);
    release.current ??= holdSignIn();
    const done = await run(
      (options) => onSubmit(options, (ended, of) => setProgress(texts.progress(ended, of))),
      ({ which }) => which,
    );
    setProgress(undefined);
    if (done) {
      setOutcome(done.result);
      if (done.result.own) noteSignedOut('by-oneself');
      return;
    }
    release.current?.();
    release.current = undefined;
  };

  return (
    <Dialog title={outcome ? t.common.receipt.over : title} onClose={onClose} firm={busy} danger={!outcome}>
      {!outcome && children}
      {!outcome && (
        <form
          ref={form}
          id={id}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) void end();
          }}
        >
          {own && (
            <div class="own">
              <p>{many > 1 ? texts.everyoneOwn : texts.own}</p>
              <label class="check">
                <input
                  type="checkbox"
                  checked={alsoMe}
                  aria-invalid={wrong === 'own' || undefined}
                  onChange={(event) => setAlsoMe(event.currentTarget.checked)}
                />
                {texts.ownTwice}
              </label>
            </div>
          )}
          {many > 1 && (
            <Field
              label={texts.type(count(many))}
              hint={texts.typeHint}
              error={wrong === 'number' ? texts.wrongNumber(count(many)) : undefined}
              value={typed}
              onValue={setTyped}
              inputMode="numeric"
              autoComplete="off"
            />
          )}
        </form>
      )}
      {error !== undefined && (onError?.(error) || <Problem error={error} />)}
      <Said>
        {outcome ? (
          <>
            {outcome.receipt && <Receipt receipt={outcome.receipt} ended={outcome.ended} />}
            {outcome.notes?.map((note) => (
              <p key={note}>{note}</p>
            ))}
          </>
        ) : (
          busy && (progress ? <p>{progress}</p> : <Ending />)
        )}
      </Said>
      {outcome?.failed !== undefined && <Problem error={outcome.failed} />}
      <footer ref={foot}>
        {outcome ? (
          <Button kind="main" onClick={onClose}>
            {texts.done}
          </Button>
        ) : (
          <>
            <Button onClick={onClose} disabled={busy}>
              {t.common.cancel}
            </Button>
            <Button kind="danger" type="submit" form={id} busy={busy} data-first={many <= 1 && !own ? true : undefined}>
              {submit}
            </Button>
          </>
        )}
      </footer>
    </Dialog>
  );
}

type OneProps = { session: Session; user: string; onClose(): void; onEnded(ids: ReadonlySet<string>): void };

/** Ends one session; that of this browser asks twice. */
export function EndOne({ session, user, onClose, onEnded }: OneProps) {
  const own = session.id === me.get()?.session?.id;
  return (
    <EndDialog
      title={t.sessions.dialog.one}
      submit={t.sessions.dialog.submitOne}
      own={own}
      onClose={onClose}
      onSubmit={async (options) => {
        const { receipt } = await changes.endSession({ id: session.id }, options);
        onEnded(new Set([session.id]));
        return { receipt, own, which: { ids: [session.id] } };
      }}
    >
      <p>{t.sessions.dialog.oneText(deviceText(session), user)}</p>
    </EndDialog>
  );
}

type SomeProps = {
  sessions: readonly Session[];
  users: string;
  onClose(): void;
  onEnded(ids: ReadonlySet<string>): void;
};

/** How many ends are on their way at once. */
const atOnce = 6;

/** Ends the sessions that were chosen one by one. */
export function EndSome({ sessions, users, onClose, onEnded }: SomeProps) {
  const current = me.get()?.session?.id;
  const own = sessions.some(({ id }) => id === current);
  return (
    <EndDialog
      title={t.sessions.dialog.many(sessions.length)}
      submit={t.sessions.dialog.submit(sessions.length)}
      many={sessions.length}
      own={own}
      onClose={onClose}
      onSubmit={async (options, progress) => {
        // The first one alone, because it may need a code; this browser's own last, because nothing works after it.
        const [first, ...others] = sessions
          .map(({ id }) => id)
          .sort((a, b) => Number(a === current) - Number(b === current));
        const last = own && others.length > 0 ? others.pop() : undefined;
        const receipts = [(await changes.endSession({ id: first! }, options)).receipt];
        const ended = new Set([first!]);
        let failed: unknown;
        let failures = 0;
        const end = async (id: string) => {
          try {
            receipts.push((await changes.endSession({ id })).receipt);
            ended.add(id);
          } catch (error) {
            failed = error;
            failures += 1;
          }
          progress(ended.size, sessions.length);
        };
        const waiting = [...others];
        const worker = async () => {
          for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await end(id);
        };
        await Promise.all(Array.from({ length: atOnce }, worker));
        if (last !== undefined) await end(last);
        onEnded(ended);
        return {
          receipt: together(receipts),
          ended: ended.size,
          which: { ids: [...ended] },
          own: own && ended.has(current!),
          ...(failures > 0 && { failed, notes: [t.sessions.dialog.failed(failures)] }),
        };
      }}
    >
      <p>{t.sessions.dialog.manyText(sessions.length, undefined)}</p>
      <p class="dim">{t.sessions.dialog.of(users)}</p>
    </EndDialog>
  );
}

/** One receipt for several ends: it holds when all of them hold. */
function together(receipts: readonly ReceiptOf[]): ReceiptOf {
  const last = receipts.reduce((a, b) => (b.sequence > a.sequence ? b : a));
  const most = (of: (receipt: ReceiptOf) => number) => Math.max(...receipts.map(of));
  const waitedFor = [...new Set(receipts.flatMap(({ verifiers }) => verifiers.waitedFor ?? []))];
  return {
    ...last,
    everywhere: receipts.every(({ everywhere }) => everywhere),
    waitedMs: most(({ waitedMs }) => waitedMs),
    verifiers: {
      acknowledged: most(({ verifiers }) => verifiers.acknowledged),
      expired: most(({ verifiers }) => verifiers.expired),
      ...(waitedFor.length > 0 && { waitedFor }),
    },
    nodes: { applied: most(({ nodes }) => nodes.applied), expired: most(({ nodes }) => nodes.expired) },
  };
}

export type Filters = {
  status?: 'active' | 'suspended' | undefined;
  filter?: string | undefined;
  user?: string | undefined;
  group?: string | undefined;
  name?: string | undefined;
  ip?: string | undefined;
};

type MatchingProps = { filters: Filters; except?: readonly string[]; onClose(): void; onEnded(): void };

/** Counts what matches, and ends exactly what was counted. */
export function EndMatching({ filters, except = [], onClose, onEnded }: MatchingProps) {
  const [counted, setCounted] = useState<Awaited<ReturnType<typeof api.previewSessions>>>();
  const [error, setError] = useState<unknown>();
  const look = () => {
    setCounted(undefined);
    setError(undefined);
    api.previewSessions({ ...filters, ...(except.length > 0 && { except: [...except] }) }).then(setCounted, setError);
  };
  useEffect(look, []);
  const texts = t.sessions.dialog;
  if (!counted || counted.preview === undefined) {
    return (
      <Dialog title={counted ? texts.nothing : texts.counting} onClose={onClose}>
        {error !== undefined ? <Problem error={error} onAgain={look} /> : !counted && <Loading lines={1} />}
      </Dialog>
    );
  }
  const { sessions, users, partial, own } = counted;
  return (
    <EndDialog
      key={counted.countedAt}
      title={texts.many(sessions)}
      submit={texts.submit(sessions)}
      many={sessions}
      own={own}
      onClose={onClose}
      onError={(thrown) =>
        isApiError(thrown, 'preview_expired', 'preview_invalid', 'preview_of_another') && (
          <Problem error={thrown} again={texts.recount} onAgain={look} />
        )
      }
      onSubmit={async (options, progress) => {
        let preview: string | undefined = counted.preview;
        let given: CallOptions = options;
        for (;;) {
          const step: Awaited<ReturnType<typeof changes.endPreviewed>> = await changes.endPreviewed(
            { preview: preview! },
            given,
          );
          // A code works once; the server remembers it for what follows.
          given = {};
          progress(step.ended + step.alreadyEnded, step.counted);
          preview = step.preview;
          if (preview !== undefined) continue;
          onEnded();
          const notes = [
            ...(step.alreadyEnded > 0 ? [texts.alreadyEnded(step.alreadyEnded)] : []),
            ...(step.changed > 0 ? [texts.changed(step.changed)] : []),
          ];
          return { receipt: step.receipt, ended: step.ended, notes, own };
        }
      }}
    >
      <p>{texts.manyText(sessions, users)}</p>
      {partial && <p class="notice warning">{texts.partial(sessions)}</p>}
    </EndDialog>
  );
}

/** Ends everybody's sessions, however many there are, in one step. */
export function EndEveryone({ onClose, onEnded }: { onClose(): void; onEnded(): void }) {
  const [total, setTotal] = useState<number>();
  const [error, setError] = useState<unknown>();
  const look = () => {
    setError(undefined);
    api
      .listSessions({ status: 'active', limit: 1 })
      .then((page) => setTotal(page.total ?? page.sessions.length), setError);
  };
  useEffect(look, []);
  const texts = t.sessions.dialog;
  if (total === undefined) {
    return (
      <Dialog title={texts.everyone} onClose={onClose}>
        {error !== undefined ? <Problem error={error} onAgain={look} /> : <Loading lines={1} />}
      </Dialog>
    );
  }
  return (
    <EndDialog
      title={texts.everyone}
      submit={texts.submit(total)}
      many={total}
      own={me.get()?.session !== undefined}
      onClose={onClose}
      onSubmit={async (options) => {
        const { ended, receipt } = await changes.endEveryone({ confirm: 'everyone' }, options);
        onEnded();
        return { receipt, ended, own: true };
      }}
    >
      <p>{texts.everyoneText(total)}</p>
    </EndDialog>
  );
}
