import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useModal } from '../parts/dialog.tsx';
import { Problem } from '../parts/problem.tsx';
import { Loading } from '../parts/states.tsx';
import { say } from '../parts/toast.tsx';
import { t } from '../texts/index.ts';
import { api, changes, isSignedOut } from './api.ts';
import { client } from './data.ts';
import { useHeld } from './held.ts';
import { go } from './router.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { type Me, me, noteSignedIn, signedOut } from './who.ts';
import { arriveAs, tellOthers } from './windows.ts';

type Start = { state: 'asking' } | { state: 'out'; byOneself: boolean } | { state: 'failed'; error: unknown };

/** `asked`: who is signed in, which was asked while the rest was loading. */
export function App({ asked }: { asked: Promise<Me> }) {
  const who = useHeld(me);
  const out = useHeld(signedOut);
  const [start, setStart] = useState<Start>({ state: 'asking' });

  const hear = (answer: Promise<Me>) => {
    setStart({ state: 'asking' });
    answer.then(noteSignedIn, (error: unknown) =>
      setStart(isSignedOut(error) ? { state: 'out', byOneself: false } : { state: 'failed', error }),
    );
  };
  useLayoutEffect(() => hear(asked), []);

  const signOut = async () => {
    try {
      await changes.logout();
    } catch (error) {
      // Signed out already is signed out; with any other error one must not believe that it is done.
      if (!isSignedOut(error)) return say(t.shell.notSignedOut, 'wrong');
    }
    tellOthers({ what: 'signed-out' });
    client.clear();
    setStart({ state: 'out', byOneself: true });
    signedOut.set(undefined);
    me.set(undefined);
    go('#/', 'replace');
  };

  if (who) {
    return (
      <>
        <Shell who={who} onSignOut={signOut} />
        {out && <SignInAgain who={who} />}
      </>
    );
  }
  if (start.state === 'asking') return <Loading lines={0} />;
  if (start.state === 'failed') {
    return (
      <main class="sign-in">
        <Problem error={start.error} page onAgain={() => hear(api.me())} />
      </main>
    );
  }
  return <SignIn why={start.byOneself ? 'by-oneself' : undefined} onDone={signedIn} />;
}

function signedIn(who: Me): void {
  arriveAs(who);
  tellOthers({ what: 'signed-in' });
}

/** Covers the page of somebody who was signed out meanwhile. */
function SignInAgain({ who }: { who: Me }) {
  const cover = useRef<HTMLDialogElement>(null);
  const why = useHeld(signedOut);
  return (
    <dialog {...useModal(cover, true, () => {})} class="cover" aria-label={t.signIn.title}>
      <SignIn why={why} login={who.account?.username} onDone={signedIn} />
    </dialog>
  );
}
