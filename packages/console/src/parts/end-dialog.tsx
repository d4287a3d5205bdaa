import type { Receipt as ReceiptOf, Session } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Cancelled, needsProof, noteChange } from '../app/act.ts';
import { api, type CallOptions, changes, isApiError, isDoubtAboutChange } from '../app/api.ts';
import { holdSignIn, me, noteSignedOut } from '../app/who.ts';
import { arriveAs, type Ended } from '../app/windows.ts';
import { count } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { ChangeProblem, Problem } from './problem.tsx';
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
  /** There is more to end: the dialog stays as it is, so that one can go on. */
  unfinished?: boolean;
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
  /** What has ended already, if anything has, although the step failed or was given up. */
  onStopped?(): Outcome | undefined;
  /** Says what to do about an error, if it is not one that can be tried again as it is. */
  onError?(error: unknown): ComponentChildren;
};

export function EndDialog({ title, onClose, many = 1, own, submit, children, onSubmit, onStopped, onError }: Props) {
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
    const result = done?.result ?? onStopped?.();
    if (result && !done) noteChange(result.which);
    if (!result?.unfinished) setProgress(undefined);
    if (result && !result.unfinished) {
      setOutcome(result);
      if (result.own) noteSignedOut('by-oneself');
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
      {error !== undefined && (onError?.(error) || <ChangeProblem error={error} onLook={onClose} />)}
      <Said>
        {outcome ? (
          <>
            {outcome.receipt && <Receipt receipt={outcome.receipt} ended={outcome.ended} />}
            {outcome.notes?.map((note) => (
              <p key={note}>{note}</p>
            ))}
          </>
        ) : progress ? (
          <p>{progress}</p>
        ) : (
          busy && <Ending />
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
        // A fresh sign-in that was asked for in between has replaced this browser's session.
        const id = own ? me.get()!.session!.id : session.id;
        const { receipt } = await changes.endSession({ id }, options);
        onEnded(new Set([session.id]));
        return { receipt, own, which: { ids: [id] } };
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
  const before = me.get()?.session;
  const own = sessions.some(({ id }) => id === before?.id);
  // Kept when the step is repeated after a proof that was asked for in between: what has ended is not ended again.
  const done = useRef({ receipts: [] as ReceiptOf[], ended: new Set<string>() });
  const failures = useRef({ failed: [] as unknown[], unknown: [] as unknown[] });
  const outcome = (): Outcome => {
    const { receipts, ended } = done.current;
    const { failed, unknown } = failures.current;
    const left = sessions.length - receipts.length - failed.length - unknown.length;
    const texts = t.sessions.dialog;
    onEnded(ended);
    return {
      receipt: together(receipts),
      ended: receipts.length,
      which: { ids: [...ended] },
      own: own && ended.has(before!.id),
      notes: [
        ...(left > 0 ? [texts.notConfirmed(left)] : []),
        ...(unknown.length > 0 ? [texts.unknown(unknown.length)] : []),
        ...(failed.length > 0 ? [texts.failed(failed.length)] : []),
      ],
      failed: failed[0],
    };
  };
  return (
    <EndDialog
      title={t.sessions.dialog.many(sessions.length)}
      submit={t.sessions.dialog.submit(sessions.length)}
      many={sessions.length}
      own={own}
      onClose={onClose}
      onSubmit={async (options, progress) => {
        const { receipts, ended } = done.current;
        failures.current = { failed: [], unknown: [] };
        const { failed, unknown } = failures.current;
        const { leading, others, last } = inOrder(
          sessions.filter(({ id }) => !ended.has(id)),
          before,
        );
        const end = async ({ id }: Session, given: CallOptions = {}) => {
          // A fresh sign-in that was asked for in between has replaced this browser's session.
          const now = id === before?.id ? me.get()!.session!.id : id;
          try {
            receipts.push((await changes.endSession({ id: now }, given)).receipt);
            ended.add(id).add(now);
          } catch (error) {
            if (needsProof(error)) {
              others.length = 0;
              throw error;
            }
            (isDoubtAboutChange(error) ? unknown : failed).push(error);
          }
          progress(receipts.length, sessions.length);
        };
        for (const session of leading) await end(session, options);
        const worker = async () => {
          for (let next = others.shift(); next; next = others.shift()) await end(next);
        };
        // Those on their way are waited for, also when one of them is refused: they may end something.
        const over = await Promise.allSettled(Array.from({ length: atOnce }, worker));
        for (const each of over) if (each.status === 'rejected') throw each.reason;
        if (last) await end(last, options);
        if (receipts.length === 0) throw unknown[0] ?? failed[0];
        return outcome();
      }}
      onStopped={() => (done.current.receipts.length > 0 ? outcome() : undefined)}
    >
      <p>{t.sessions.dialog.manyText(sessions.length, undefined)}</p>
      <p class="dim">{t.sessions.dialog.of(users)}</p>
    </EndDialog>
  );
}

/**
 * Another person's session may require another proof than one's own. One of each is ended first and alone, so that the
 * proof is asked for once. This browser's own session is the last one, because nothing works after it.
 */
function inOrder(sessions: readonly Session[], mine: { id: string; userId: string } | undefined) {
  const last = sessions.find(({ id }) => id === mine?.id);
  const rest = sessions.filter((session) => session !== last);
  const leading = [
    rest.find(({ userId }) => userId !== mine?.userId),
    rest.find(({ userId }) => userId === mine?.userId),
  ].filter((session) => session !== undefined);
  return { leading, others: rest.filter((session) => !leading.includes(session)), last };
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
  /** Where to go on after a step that failed; it also says how many have ended so far. */
  const rest = useRef<string>(undefined);
  const look = () => {
    setCounted(undefined);
    setError(undefined);
    rest.current = undefined;
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
        let given: CallOptions = options;
        for (;;) {
          const preview = rest.current ?? counted.preview!;
          const step = await changes.endPreviewed({ preview }, given);
          // A code works once; the server remembers it for what follows.
          given = {};
          progress(step.ended + step.alreadyEnded, step.counted);
          rest.current = step.preview;
          if (step.preview !== undefined) continue;
          onEnded();
          const notes = [
            ...(step.alreadyEnded > 0 ? [texts.alreadyEnded(step.alreadyEnded)] : []),
            ...(step.changed > 0 ? [texts.changed(step.changed)] : []),
          ];
          return { receipt: step.receipt, ended: step.ended, notes, own };
        }
      }}
      onStopped={() => {
        if (rest.current === undefined) return undefined;
        onEnded();
        return { receipt: undefined, unfinished: true };
      }}
    >
      <p>{texts.manyText(sessions, users)}</p>
      {partial && <p class="notice warning">{texts.partial(sessions)}</p>}
    </EndDialog>
  );
}

type CountedProps = {
  title: string;
  /** Whose active sessions are counted; everybody's without it. */
  user?: string;
  /** With fewer there is nothing to end. */
  least?: number;
  onClose(): void;
  children(total: number): ComponentChildren;
};

/** Counts active sessions before an end is confirmed: what the page shows may be older. */
export function Counted({ title, user, least = 1, onClose, children }: CountedProps) {
  const [total, setTotal] = useState<number>();
  const [error, setError] = useState<unknown>();
  const look = () => {
    setError(undefined);
    api
      .listSessions({ status: 'active', user, limit: 1 })
      .then((page) => setTotal(page.total ?? page.sessions.length), setError);
  };
  useEffect(look, []);
  if (total !== undefined && total >= least) return <>{children(total)}</>;
  if (total !== undefined) return <Dialog title={t.sessions.dialog.nothing} onClose={onClose} />;
  return (
    <Dialog title={title} onClose={onClose}>
      {error !== undefined ? <Problem error={error} onAgain={look} /> : <Loading lines={1} />}
    </Dialog>
  );
}

/** Ends everybody's sessions, however many there are, in one step. */
export function EndEveryone({ onClose, onEnded }: { onClose(): void; onEnded(): void }) {
  const texts = t.sessions.dialog;
  return (
    <Counted title={texts.everyone} onClose={onClose}>
      {(total) => (
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
      )}
    </Counted>
  );
}

type OthersProps = {
  user: string;
  title: string;
  /** What will happen, to so many. */
  text(total: number): string;
  onClose(): void;
  onEnded(): void;
};

/** Ends all of one's own sessions except this browser's. */
export function EndOthers({ user, title, text, onClose, onEnded }: OthersProps) {
  return (
    <Counted title={title} user={user} least={2} onClose={onClose}>
      {(total) => (
        <EndDialog
          title={title}
          submit={t.sessions.dialog.submit(total - 1)}
          many={total - 1}
          onClose={onClose}
          onSubmit={async (options) => {
            // A sign-in may have replaced this browser's session without this window knowing. The server refuses to spare
            // a session that has ended.
            const now = await api.me();
            arriveAs(now);
            const { userId, id: except } = now.session!;
            if (userId !== user) throw new Cancelled();
            const { ended, receipt } = await changes.endSessionsOfUser({ userId, except }, options);
            onEnded();
            return { ended, receipt, which: { user: userId, except } };
          }}
        >
          <p>{text(total - 1)}</p>
        </EndDialog>
      )}
    </Counted>
  );
}
