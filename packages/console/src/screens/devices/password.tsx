import { useState } from 'preact/hooks';
import { act, Cancelled } from '../../app/act.ts';
import { changes, isApiError } from '../../app/api.ts';
import { me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field, Username } from '../../parts/field.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ChangeProblem } from '../../parts/problem.tsx';
import { say } from '../../parts/toast.tsx';
import { t } from '../../texts/index.ts';

/** A new password ends the other sessions. */
export function PasswordPanel({ onChanged }: { onChanged(): void }) {
  const [open, setOpen] = useState(false);
  const texts = t.devices.password;
  return (
    <Panel title={texts.title}>
      <p class="dim">{texts.text}</p>
      <div>
        <Button onClick={() => setOpen(true)}>{texts.open}</Button>
      </div>
      {open && <Change onClose={() => setOpen(false)} onChanged={onChanged} />}
    </Panel>
  );
}

function Change({ onClose, onChanged }: { onClose(): void; onChanged(): void }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const texts = t.devices.password;

  const submit = async () => {
    setTried(true);
    if (current === '' || next === '') return;
    setBusy(true);
    setError(undefined);
    try {
      const { id } = me.get()!.account!;
      await act((options) => changes.updateAccount({ id, password: next, currentPassword: current }, options));
      say(texts.done);
      onChanged();
      onClose();
    } catch (thrown) {
      if (!(thrown instanceof Cancelled)) setError(thrown);
      setBusy(false);
    }
  };

  const wrong = isApiError(error, 'invalid_credentials');
  const weak = isApiError(error, 'invalid_value');
  return (
    <Dialog title={texts.title} onClose={onClose} firm={busy}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void submit();
        }}
      >
        <Username of={me.get()!.account!.username} />
        <Field
          label={texts.current}
          type="password"
          autoComplete="current-password"
          value={current}
          onValue={setCurrent}
          error={tried && current === '' ? texts.missing : wrong ? texts.wrong : undefined}
        />
        <Field
          label={texts.new}
          hint={texts.hint}
          type="password"
          autoComplete="new-password"
          value={next}
          onValue={setNext}
          error={tried && next === '' ? texts.missing : weak ? (error.problem?.detail ?? texts.hint) : undefined}
        />
        {error !== undefined && !wrong && !weak && <ChangeProblem error={error} onLook={onClose} />}
        <footer>
          <Button onClick={onClose} disabled={busy}>
            {t.common.cancel}
          </Button>
          <Button kind="main" type="submit" busy={busy}>
            {texts.submit}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
