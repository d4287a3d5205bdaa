import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Problem } from '../parts/problem.tsx';
import { t } from '../texts/index.ts';
import { type CurfewApiError, changes, isApiError, isSignedOut } from './api.ts';
import type { Me } from './who.ts';

type Props = {
  /** Why somebody who was signed in no longer is. */
  why: CurfewApiError | 'by-oneself' | undefined;
  /** The user name to begin with. */
  login?: string | undefined;
  onDone(me: Me): void;
};

/** User name or address and password; then a code, if the account has a second factor. */
export function SignIn({ why, login: first = '', onDone }: Props) {
  const [login, setLogin] = useState(first);
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [step, setStep] = useState<'password' | 'code'>('password');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  // To the field that is to be filled in next.
  useLayoutEffect(() => {
    const wanted = step === 'code' ? 'code' : first && login === first ? 'password' : 'login';
    form.current?.querySelector<HTMLInputElement>(`[name=${wanted}]`)?.focus();
  }, [step]);

  const submit = async () => {
    const who = login.trim();
    if (who === '' || password === '') return setError(t.signIn.missing);
    const totp = code.replace(/\s/g, '');
    if (step === 'code' && totp === '') return setError(t.signIn.missingCode);
    setBusy(true);
    setError(undefined);
    try {
      await changes.login({
        ...(who.includes('@') ? { email: who } : { username: who }),
        password,
        ...(step === 'code' && { totp }),
        cookie: true,
      });
      onDone(await changes.me());
    } catch (thrown) {
      setBusy(false);
      if (isApiError(thrown, 'second_factor_required')) setStep('code');
      else setError(isSignedOut(thrown) ? t.signIn.noCookie : thrown);
      if (isApiError(thrown, 'second_factor_invalid')) {
        setCode('');
        form.current?.querySelector<HTMLInputElement>('[name=code]')?.focus();
      }
    }
  };

  return (
    <main class="sign-in" tabIndex={-1}>
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void submit();
        }}
      >
        <p class="mark">
          <Icon name="appearance" />
          <span>{t.shell.product}</span>
        </p>
        <h1>{step === 'code' ? t.signIn.codeTitle : t.signIn.title}</h1>
        {step === 'code' && <p class="dim">{t.signIn.codeFor(login.trim())}</p>}
        {why && (
          <p class="notice" role="status">
            {whyText(why)}
          </p>
        )}
        {!isSecureContext && (
          <p class="notice warning" role="alert">
            {t.signIn.insecure}
          </p>
        )}
        {typeof error === 'string' && (
          <p class="notice warning" role="alert">
            {error}
          </p>
        )}
        {error !== undefined && typeof error !== 'string' && <Problem error={error} />}
        {step === 'password' ? (
          <>
            <Field
              label={t.signIn.login}
              name="login"
              autoComplete="username"
              autoCapitalize="none"
              spellcheck={false}
              maxLength={254}
              value={login}
              onValue={setLogin}
            />
            <Field
              label={t.signIn.password}
              name="password"
              type="password"
              autoComplete="current-password"
              value={password}
              onValue={setPassword}
            />
          </>
        ) : (
          <Field
            label={t.signIn.code}
            name="code"
            hint={t.signIn.codeHint}
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellcheck={false}
            class="code"
            maxLength={40}
            value={code}
            onValue={setCode}
          />
        )}
        <Button kind="main" type="submit" busy={busy}>
          {t.signIn.submit}
        </Button>
        {step === 'code' && (
          <Button
            kind="quiet"
            onClick={() => {
              setStep('password');
              setPassword('');
              setCode('');
              setError(undefined);
            }}
          >
            {t.signIn.otherAccount}
          </Button>
        )}
      </form>
    </main>
  );
}

function whyText(why: CurfewApiError | 'by-oneself'): string {
  if (why === 'by-oneself') return t.signIn.endedWhy.byOneself;
  const reason = why.problem?.reason;
  const text = reason && t.common.reason[reason as keyof typeof t.common.reason];
  return text ? t.signIn.endedWhy.ended(text) : t.signIn.endedWhy.otherwise;
}
