import { useEffect, useState } from 'preact/hooks';
import { act, Cancelled } from '../app/act.ts';
import { api, isApiError } from '../app/api.ts';
import { me, noteSignedIn } from '../app/who.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';
import { Loading } from './states.tsx';

/** Sets up the second factor of one's own account: QR code, first code, backup codes. */
export function Enrol({ onDone }: { onDone(): void }) {
  const [begun, setBegun] = useState<{ secret: string; url: string }>();
  const [codes, setCodes] = useState<readonly string[]>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [code, setCode] = useState('');
  const [missing, setMissing] = useState(false);
  const id = me.get()!.account!.id;

  const begin = () => {
    setError(undefined);
    act((options) => api.startTotp({ id }, options)).then(setBegun, setError);
  };
  useEffect(begin, []);

  const confirm = async () => {
    setMissing(code.trim() === '');
    if (code.trim() === '') return;
    setBusy(true);
    try {
      const { backupCodes } = await api.confirmTotp({ id, code: code.replace(/\s/g, '') });
      noteSignedIn(await api.me());
      setCodes(backupCodes);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };

  if (codes) return <BackupCodes codes={codes} onDone={onDone} />;
  const wrong = isApiError(error, 'second_factor_invalid');
  if (!begun) {
    if (error instanceof Cancelled) return <Button onClick={begin}>{t.common.again}</Button>;
    return error ? <Problem error={error} onAgain={begin} /> : <Loading lines={3} />;
  }
  return (
    <form
      noValidate
      class="enrol"
      onSubmit={(event) => {
        event.preventDefault();
        void confirm();
      }}
    >
      <p>{t.proof.scan}</p>
      <QrCode text={begun.url} />
      <p>{t.proof.typeInstead}</p>
      <p class="secret">
        <code>{begun.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
        <CopyButton text={begun.secret} />
      </p>
      {error !== undefined && !wrong && <Problem error={error} />}
      <Field
        label={t.proof.code}
        hint={t.proof.firstCode}
        error={missing ? t.proof.missing : wrong ? t.proof.wrong : undefined}
        value={code}
        onValue={setCode}
        inputMode="numeric"
        autoComplete="one-time-code"
        class="code"
      />
      <footer>
        <Button kind="main" type="submit" busy={busy}>
          {t.proof.enrol}
        </Button>
      </footer>
    </form>
  );
}

/** Shown once: one has to say that they are kept. */
export function BackupCodes({ codes, onDone }: { codes: readonly string[]; onDone(): void }) {
  return (
    <div class="backup">
      <h3>{t.proof.backupTitle}</h3>
      <p>{t.proof.backupText}</p>
      <ul class="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <footer>
        <CopyButton text={codes.join('\n')} />
        <Button kind="main" onClick={onDone}>
          {t.proof.goOn}
        </Button>
      </footer>
    </div>
  );
}

/** The library is loaded when a code is drawn. */
function QrCode({ text }: { text: string }) {
  const [rows, setRows] = useState<boolean[][]>();
  useEffect(() => {
    void import('uqr').then(({ encode }) => setRows(encode(text, { border: 2 }).data));
  }, [text]);
  const size = rows?.length ?? 1;
  const path = rows?.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t.proof.qr}>
      <path d={path ?? ''} />
    </svg>
  );
}
