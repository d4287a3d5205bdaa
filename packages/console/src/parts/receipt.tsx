import type { Receipt as ReceiptOf } from 'curfew-client';
import { useEffect, useState } from 'preact/hooks';
import { holdSignIn } from '../app/who.ts';
import { fullTime, visible } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Icon } from './icon.tsx';

/** While an end is on its way: for how long, once that is noticeable. */
export function Ending() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((value) => value + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="ending" role="status">
      <span class="spinner" aria-hidden="true" />
      {seconds < 2 ? t.common.receipt.waiting : t.common.receipt.waitingLong(seconds)}
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
    <div class="receipt" role="status">
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
