import type { NamedSession, Receipt as ReceiptOf } from 'curfew-client';
import { type CallOptions, changes } from '../../app/api.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Receipt } from '../../parts/receipt.tsx';
import { t } from '../../texts/index.ts';

export type Step = 'start' | 'stop' | 'logout' | 'delete';

type Done = { receipt?: ReceiptOf | undefined };

const steps: Record<Step, (name: string, options: CallOptions) => Promise<Done>> = {
  start: (name, options) => changes.startNamedSession({ name }, options),
  stop: (name, options) => changes.stopNamedSession({ name }, options),
  logout: (name, options) => changes.logoutNamedSession({ name }, options),
  delete: (name, options) => changes.deleteNamedSession({ name }, options),
};

export function StepDialog({ named: { name }, step, onClose }: { named: NamedSession; step: Step; onClose(): void }) {
  const { title, text } = t.named.steps[step];
  return (
    <Confirm
      title={title(name)}
      action={t.named.actions[step]}
      danger={step === 'logout' || step === 'delete'}
      ends={step !== 'start'}
      step={(options) => steps[step](name, options)}
      outcome={({ receipt }) => (receipt ? <Receipt receipt={receipt} /> : undefined)}
      onClose={onClose}
    >
      <p>{text}</p>
    </Confirm>
  );
}
