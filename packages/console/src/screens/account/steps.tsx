import type { Account } from 'curfew-client';
import { useRef } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Receipt } from '../../parts/receipt.tsx';
import { say } from '../../parts/toast.tsx';
import { t } from '../../texts/index.ts';

export type Step = 'disable' | 'enable' | 'delete' | 'resetFactor' | 'confirmEmail';

type Props = {
  account: Account;
  step: Step;
  /** `gone`: the account no longer exists. */
  onClose(gone?: boolean): void;
};

/** The steps that change an account without a form. */
export function StepDialog({ account, step, onClose }: Props) {
  const { id, username } = account;
  const gone = useRef(false);
  const { title, text, action } = t.accounts.steps[step];
  const common = {
    title: title(username),
    action,
    children: <p>{text}</p>,
    onClose: () => onClose(),
  };
  switch (step) {
    case 'disable':
    case 'enable': {
      const disabled = step === 'disable';
      return (
        <Confirm
          {...common}
          danger={disabled}
          ends={disabled}
          step={(options) => changes.updateAccount({ id, disabled }, options)}
          outcome={({ receipt }) => (receipt ? <Receipt receipt={receipt} /> : undefined)}
        />
      );
    }
    case 'delete':
      return (
        <Confirm
          {...common}
          danger
          ends
          step={async (options) => {
            const deleted = await changes.deleteAccount({ id }, options);
            gone.current = true;
            return deleted;
          }}
          outcome={({ receipt }) => <Receipt receipt={receipt} />}
          onClose={() => onClose(gone.current)}
        />
      );
    case 'resetFactor':
      return (
        <Confirm
          {...common}
          danger
          step={(options) => changes.removeTotp({ id }, options)}
          outcome={() => {
            say(t.accounts.factorReset);
            return undefined;
          }}
        />
      );
    case 'confirmEmail':
      return (
        <Confirm {...common} step={(options) => changes.confirmEmail({ id, email: account.pendingEmail! }, options)} />
      );
  }
}
