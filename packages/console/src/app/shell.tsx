import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Given } from '../parts/things.tsx';
import { Toast } from '../parts/toast.tsx';
import { t } from '../texts/index.ts';
import { Away } from './away.tsx';
import { useHeld } from './held.ts';
import { Outlet } from './outlet.tsx';
import { Proof } from './proof.tsx';
import { linkTo, usePlace } from './router.ts';
import { type Screen, screens } from './screens.ts';
import { type Language, language, languages, setLanguage, setTheme, type Theme, theme, themes } from './settings.ts';
import { type Me, may } from './who.ts';

/** What is around every screen: navigation, who is signed in, how it looks, and the way out. */
export function Shell({ who, onSignOut }: { who: Me; onSignOut(): Promise<void> }) {
  const menu = useRef<HTMLElement>(null);
  const place = usePlace();
  // On a narrow screen the navigation covers the page: it goes away once somewhere was chosen.
  useEffect(() => {
    if (menu.current?.matches(':popover-open')) menu.current.hidePopover();
  }, [place]);
  return (
    <div class="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it is one, but what follows the # is where one is on the console. */}
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>('main')?.focus();
        }}
      >
        {t.shell.skip}
      </a>
      <header class="bar">
        <button type="button" class="button quiet bare" popovertarget="navigation">
          <Icon name="menu" />
          <span class="unseen">{t.shell.menu}</span>
        </button>
        <Mark />
        <SignOut onSignOut={onSignOut} bare />
      </header>
      <nav class="side" id="navigation" popover="auto" aria-label={t.shell.navigation} ref={menu}>
        <Mark />
        <Navigation current={place.path[0]} />
        <div class="me">
          <p class="who">
            <span class="unseen">{t.shell.signedInAs(who.account?.username ?? who.session?.userId ?? '')}</span>
            <span aria-hidden="true">
              <Given text={who.account?.name ?? who.account?.username ?? who.session?.userId ?? ''} />
            </span>
          </p>
          <Appearance />
          <SignOut onSignOut={onSignOut} />
        </div>
      </nav>
      <main id="content" tabIndex={-1}>
        <Away />
        <Outlet />
      </main>
      <Toast />
      <Proof />
    </div>
  );
}

function Mark() {
  return (
    <a class="mark" href="#/">
      <Icon name="appearance" />
      <span>{t.shell.product}</span>
    </a>
  );
}

function Navigation({ current }: { current: string | undefined }) {
  const seen = screens.filter(({ needs, nav }) => nav && (needs === undefined || may(needs)));
  const groups = ['watch', 'manage', 'own'] as const;
  return (
    <div class="places">
      {groups.map((group) => {
        const links = seen.filter(({ nav }) => nav!.group === group);
        if (links.length === 0) return null;
        return (
          <ul key={group} aria-label={t.shell.groups[group]}>
            {links.map((screen) => (
              <NavLink screen={screen} current={current === screen.path} key={screen.path} />
            ))}
          </ul>
        );
      })}
    </div>
  );
}

function NavLink({ screen, current }: { screen: Screen; current: boolean }) {
  const { icon, title } = screen.nav!;
  return (
    <li>
      <a href={linkTo([screen.path])} aria-current={current ? 'page' : undefined}>
        <Icon name={icon} />
        {title()}
      </a>
    </li>
  );
}

function Appearance() {
  const chosen = useHeld(theme);
  return (
    <div class="appearance">
      <label>
        <span class="unseen">{t.shell.theme}</span>
        <select value={chosen} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          {themes.map((one) => (
            <option value={one} key={one}>
              {t.shell.themes[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">{t.shell.language}</span>
        <select value={language} onChange={(event) => setLanguage(event.currentTarget.value as Language)}>
          {!(language in languages) && <option value={language}>{language}</option>}
          {Object.entries(languages).map(([tag, own]) => (
            <option value={tag} key={tag} lang={tag}>
              {own}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function SignOut({ onSignOut, bare }: { onSignOut(): Promise<void>; bare?: boolean }) {
  const [busy, setBusy] = useState(false);
  return (
    <Button
      kind="quiet"
      icon="signOut"
      bare={bare}
      busy={busy}
      onClick={() => {
        setBusy(true);
        void onSignOut().finally(() => setBusy(false));
      }}
    >
      {t.shell.signOut}
    </Button>
  );
}
