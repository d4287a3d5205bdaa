import { useEffect, useState } from 'preact/hooks';
import { act, Cancelled } from '../app/act.ts';
import { api, isApiError } from '../app/api.ts';
import { me } from '../app/who.ts';
import { lookWhoIsSignedIn } from '../app/windows.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';
import { Dialog } from './dialog.tsx';
import { Field, Username } from './field.tsx';
import { ChangeProblem } from './problem.tsx';

type DialogProps = {
  /** Why it is needed. */
  text?: string;
  onClose(): void;
  onDone(): void;
};

/** Sets up the second factor of one's own account: password, QR code, first code, backup codes. */
export function EnrolDialog({ text, onClose, onDone }: DialogProps) {
  const [codes, setCodes] = useState<readonly string[]>();
  return (
    <Dialog title={t.proof.enrolTitle} onClose={onClose} firm={codes !== undefined}>
      {text && !codes && <p>{text}</p>}
      {codes ? <BackupCodes codes={codes} onDone={onDone} /> : <Enrol onCodes={setCodes} onClose={onClose} />}
    </Dialog>
  );
}

function Enrol({ onCodes, onClose }: { onCodes(codes: readonly string[]): void; onClose(): void }) {
  const [begun, setBegun] = useState<{ secret: string; url: string }>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [code, setCode] = useState('');
  const [missing, setMissing] = useState(false);
  const id = me.get()!.account!.id;

  const [password, setPassword] = useState('');

  const begin = async () => {
    setMissing(password === '');
    if (password === '') return;
    setError(undefined);
    setBusy(true);
    try {
      setBegun(await act((options) => api.startTotp({ id, currentPassword: password }, options)));
      setMissing(false);
    } catch (thrown) {
      if (!(thrown instanceof Cancelled)) setError(thrown);
    } finally {
      setBusy(false);
    }
  };

  const confirm = async () => {
    setMissing(code.trim() === '');
    if (code.trim() === '') return;
    setBusy(true);
    try {
      const { backupCodes } = await api.confirmTotp({ id, code: code.replace(/\s/g, '') });
      onCodes(backupCodes);
      await lookWhoIsSignedIn();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };

  /** Whether a factor is set up now is part of who is signed in. */
  const look = () => {
    onClose();
    void lookWhoIsSignedIn();
  };

  const wrong = isApiError(error, 'second_factor_invalid');
  if (!begun) {
    const refused = isApiError(error, 'invalid_credentials');
    return (
      <form
        noValidate
        class="enrol"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void begin();
        }}
      >
        {error !== undefined && !refused && <ChangeProblem error={error} onLook={look} />}
        <Username of={me.get()!.account!.username} />
        <Field
          label={t.proof.password}
          type="password"
          autoComplete="current-password"
          value={password}
          onValue={setPassword}
          error={
            missing ? t.proof.missingPassword : refused ? t.problems.told['invalid_credentials']?.title : undefined
          }
        />
        <footer>
          <Button kind="main" type="submit" busy={busy}>
            {t.signIn.next}
          </Button>
        </footer>
      </form>
    );
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
      {error !== undefined && !wrong && <ChangeProblem error={error} onLook={look} />}
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

/** Shown once: their dialog stays until one says that they are kept. */
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
