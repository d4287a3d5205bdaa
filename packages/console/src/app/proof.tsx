import { useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { EnrolDialog } from '../parts/enrol.tsx';
import { Field, Username } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import { t } from '../texts/index.ts';
import { type Question, questions } from './act.ts';
import { api, isApiError, isSignedOut } from './api.ts';
import { useHeld } from './held.ts';
import { me, noteSignedIn } from './who.ts';
import { tellOthers } from './windows.ts';

/** Asks for what a step needs, over whatever is open, and lets the step go on. */
export function Proof() {
  return useHeld(questions).map((asked) => <ProofDialog asked={asked} key={asked.why.problem?.instance} />);
}

function ProofDialog({ asked }: { asked: Question }) {
  const { why, answer, cancel } = asked;
  const hasFactor = me.get()?.account?.totp === true;
  const fresh = why.code === 'fresh_sign_in_required';
  const [enrolling, setEnrolling] = useState(!fresh && !hasFactor && why.problem?.methods?.length === 0);
  if (enrolling) return <EnrolDialog text={t.proof.enrolText} onClose={cancel} onDone={() => setEnrolling(false)} />;
  return (
    <Dialog title={t.proof.title} onClose={cancel}>
      <p>{fresh ? t.proof.freshText : t.proof.text}</p>
      {fresh && !hasFactor ? <Password onDone={() => answer(undefined)} /> : <Code why={why} onCode={answer} />}
    </Dialog>
  );
}

function Code({ why, onCode }: { why: Question['why']; onCode(code: string): void }) {
  const [code, setCode] = useState('');
  const [error, setError] = useState(why.code === 'second_factor_invalid' ? t.proof.wrong : undefined);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const given = code.replace(/\s/g, '');
        if (given === '') setError(t.proof.missing);
        else onCode(given);
      }}
    >
      <Field
        label={t.proof.code}
        hint={t.proof.codeHint}
        error={error}
        value={code}
        onValue={setCode}
        autoComplete="one-time-code"
        autoCapitalize="off"
        spellcheck={false}
        class="code"
      />
      <footer>
        <Button kind="main" type="submit">
          {t.proof.submit}
        </Button>
      </footer>
    </form>
  );
}

/** Without a second factor, a fresh sign-in is the proof. It replaces the session of this browser. */
function Password({ onDone }: { onDone(): void }) {
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  /** The session of this browser is already another one; it is only not known yet which. */
  const isSignedIn = useRef(false);
  const submit = async () => {
    if (password === '') return setError('missing');
    setBusy(true);
    try {
      if (!isSignedIn.current) {
        await api.login({ username: me.get()!.account!.username, password, cookie: true });
        isSignedIn.current = true;
        tellOthers({ what: 'signed-in' });
      }
      noteSignedIn(await api.me());
      onDone();
    } catch (thrown) {
      if (isSignedOut(thrown)) isSignedIn.current = false;
      setError(thrown);
      setBusy(false);
    }
  };
  const wrong = isApiError(error, 'invalid_credentials');
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {error !== undefined && error !== 'missing' && !wrong && <Problem error={error} />}
      <Username of={me.get()!.account!.username} />
      <Field
        label={t.proof.password}
        type="password"
        autoComplete="current-password"
        value={password}
        onValue={setPassword}
        error={
          error === 'missing'
            ? t.proof.missingPassword
            : wrong
              ? t.problems.told['invalid_credentials']?.title
              : undefined
        }
      />
      <footer>
        <Button kind="main" type="submit" busy={busy}>
          {t.proof.submit}
        </Button>
      </footer>
    </form>
  );
}
