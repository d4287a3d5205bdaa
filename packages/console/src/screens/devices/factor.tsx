import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { useHeld } from '../../app/held.ts';
import { me } from '../../app/who.ts';
import { lookWhoIsSignedIn } from '../../app/windows.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { BackupCodes, EnrolDialog } from '../../parts/enrol.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ChangeProblem } from '../../parts/problem.tsx';
import { useStep } from '../../parts/step.ts';
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
      {open === 'enrol' && <EnrolDialog onClose={close} onDone={close} />}
      {open === 'renew' && <Renew id={account.id} onClose={close} />}
      {open === 'remove' && <Remove id={account.id} onClose={close} />}
    </Panel>
  );
}

function Renew({ id, onClose }: { id: string; onClose(): void }) {
  const [codes, setCodes] = useState<readonly string[]>();
  const { busy, error, run } = useStep();
  const texts = t.devices.factor;
  const renew = async () => {
    const done = await run((options) => changes.renewBackupCodes({ id }, options));
    if (!done) return;
    setCodes(done.result.backupCodes);
    await lookWhoIsSignedIn();
  };
  return (
    <Dialog title={texts.renew} onClose={onClose} firm={busy || codes !== undefined}>
      {codes ? (
        <BackupCodes codes={codes} onDone={onClose} />
      ) : (
        <>
          <p>{texts.renewText}</p>
          {error !== undefined && <ChangeProblem error={error} onLook={onClose} />}
          <footer>
            <Button onClick={onClose} disabled={busy}>
              {t.common.cancel}
            </Button>
            <Button kind="main" busy={busy} onClick={() => void renew()}>
              {texts.renewSubmit}
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

function Remove({ id, onClose }: { id: string; onClose(): void }) {
  const texts = t.devices.factor;
  return (
    <Confirm
      title={texts.removeTitle}
      action={texts.removeSubmit}
      danger
      step={async (options) => {
        await changes.removeTotp({ id }, options);
        await lookWhoIsSignedIn();
      }}
      outcome={() => {
        say(texts.removed);
        return undefined;
      }}
      onClose={onClose}
    >
      <p>{texts.removeText}</p>
    </Confirm>
  );
}
