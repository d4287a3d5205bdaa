import { useState } from 'preact/hooks';
import { act, Cancelled } from '../../app/act.ts';
import { api, changes } from '../../app/api.ts';
import { useHeld } from '../../app/held.ts';
import { me, noteSignedIn } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { BackupCodes, Enrol } from '../../parts/enrol.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Problem } from '../../parts/problem.tsx';
import { say } from '../../parts/toast.tsx';
import { t } from '../../texts/index.ts';

export function FactorPanel() {
  const account = useHeld(me)?.account;
  const [open, setOpen] = useState<'enrol' | 'renew' | 'remove'>();
  const close = () => setOpen(undefined);
  const texts = t.devices.factor;
  if (!account) return null;
  return (
    <Panel title={texts.title}>
      <p class="dim">{account.totp ? texts.on(account.backupCodesLeft) : texts.off}</p>
      <div class="actions">
        {account.totp ? (
          <>
            <Button onClick={() => setOpen('renew')}>{texts.renew}</Button>
            <Button onClick={() => setOpen('remove')}>{texts.remove}</Button>
          </>
        ) : (
          <Button onClick={() => setOpen('enrol')}>{texts.setUp}</Button>
        )}
      </div>
      {open === 'enrol' && (
        <Dialog title={t.proof.enrolTitle} onClose={close}>
          <Enrol onDone={close} />
        </Dialog>
      )}
      {open === 'renew' && <Renew id={account.id} onClose={close} />}
      {open === 'remove' && <Remove id={account.id} onClose={close} />}
    </Panel>
  );
}

/** One step with one button; what is wrong is shown in place. */
function useStep(): { busy: boolean; error: unknown; run(step: () => Promise<void>): void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  return {
    busy,
    error,
    run(step) {
      setBusy(true);
      setError(undefined);
      step()
        .catch((thrown: unknown) => {
          if (!(thrown instanceof Cancelled)) setError(thrown);
        })
        .finally(() => setBusy(false));
    },
  };
}

function Renew({ id, onClose }: { id: string; onClose(): void }) {
  const [codes, setCodes] = useState<readonly string[]>();
  const { busy, error, run } = useStep();
  const texts = t.devices.factor;
  const renew = async () => {
    setCodes((await act((options) => changes.renewBackupCodes({ id }, options))).backupCodes);
    noteSignedIn(await api.me());
  };
  return (
    <Dialog title={texts.renew} onClose={onClose} firm={busy}>
      {codes ? (
        <BackupCodes codes={codes} onDone={onClose} />
      ) : (
        <>
          <p>{texts.renewText}</p>
          {error !== undefined && <Problem error={error} />}
          <footer>
            <Button onClick={onClose} disabled={busy}>
              {t.common.cancel}
            </Button>
            <Button kind="main" busy={busy} onClick={() => run(renew)}>
              {texts.renewSubmit}
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

function Remove({ id, onClose }: { id: string; onClose(): void }) {
  const { busy, error, run } = useStep();
  const texts = t.devices.factor;
  const remove = async () => {
    await act((options) => changes.removeTotp({ id }, options));
    noteSignedIn(await api.me());
    say(texts.removed);
    onClose();
  };
  return (
    <Dialog title={texts.title} onClose={onClose} firm={busy} danger>
      <p>{texts.removeText}</p>
      {error !== undefined && <Problem error={error} />}
      <footer>
        <Button onClick={onClose} disabled={busy}>
          {t.common.cancel}
        </Button>
        <Button kind="danger" busy={busy} onClick={() => run(remove)}>
          {texts.removeSubmit}
        </Button>
      </footer>
    </Dialog>
  );
}
