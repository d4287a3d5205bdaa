import type { Receipt as ReceiptOf } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../app/api.ts';
import { useAsked } from '../app/data.ts';
import { holdSignIn, may } from '../app/who.ts';
import { fullTime, name, visible } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Icon } from './icon.tsx';

/**
 * What is happening and what came of it. It is there before there is anything to say: a screen reader reads what appears
 * in it, but may pass over a region that appears together with its text.
 */
export function Said({ children }: { children: ComponentChildren }) {
  return (
    <div class="said" role="status">
      {children}
    </div>
  );
}

/** Seconds after which it is said what an end waits for. */
const noticeable = 2;

/** While an end is on its way: for whom it waits and for how long, once that is noticeable. */
export function Ending() {
  const [seconds, setSeconds] = useState(0);
  const isLong = seconds >= noticeable;
  const state = useAsked({
    key: ['server'],
    ask: (signal) => api.serverState({}, { signal }),
    when: isLong && may('events.read'),
    every: 1000,
  });
  const behind = state.data?.verifiers.filter(({ lag }) => lag > 0) ?? [];
  const names = [...new Set(behind.map(({ name: own, key }) => own ?? key.name))].map((one) => name(one)).join(', ');
  const texts = t.common.receipt;
  useEffect(() => {
    const timer = setInterval(() => setSeconds((value) => value + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="ending">
      <span class="spinner" aria-hidden="true" />
      <span>
        {isLong ? (names ? texts.waitingFor(names) : texts.waitingLong) : texts.waiting}
        {/* Not read out, or it would be every second. */}
        {isLong && <span aria-hidden="true"> {texts.seconds(seconds)}</span>}
      </span>
    </p>
  );
}

/** The proof that it is over. While it is shown, nothing covers it, even if it ended this browser's own session. */
export function Receipt({ receipt, ended }: { receipt: ReceiptOf; ended?: number | undefined }) {
  useEffect(() => holdSignIn(), []);
  const { verifiers, nodes, everywhere, waitedMs } = receipt;
  const applications = verifiers.acknowledged + verifiers.expired;
  const names = verifiers.waitedFor?.map(visible).join(', ');
  const at = receipt.endedAt ?? receipt.changedAt;
  const texts = t.common.receipt;
  return (
    <div class="receipt">
      <Icon name={everywhere ? 'check' : 'info'} />
      <div>
        {ended !== undefined && <p class="ended">{texts.ended(ended)}</p>}
        <p class="over">{everywhere ? texts.everywhere(applications, waitedMs) : texts.stored}</p>
        {verifiers.expired > 0 && (
          <p class="late">{names ? texts.byLease(names) : texts.byLeaseUnnamed(verifiers.expired)}</p>
        )}
        <p class="dim">
          {nodes.applied > 0 && `${texts.nodes(nodes.applied)} · `}
          {texts.sequence(receipt.sequence)}
          {at && ` · ${fullTime(at)}`}
        </p>
      </div>
    </div>
  );
}
