import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../parts/problem.tsx';
import { Empty, Forbidden, Loading } from '../parts/states.tsx';
import { t } from '../texts/index.ts';
import { go, linkTo, usePlace } from './router.ts';
import { type Screen, type ScreenProps, screenAt, screens } from './screens.ts';
import { may } from './who.ts';

/** The screen of the place where one is; its code is loaded when it is first needed. */
export function Outlet() {
  const { path, query } = usePlace();
  const found = screenAt(path);
  const screen = found?.screen;
  const start = path.length === 0;
  useEffect(() => {
    if (!start) return;
    const first = screens.find(({ needs }) => needs === undefined || may(needs));
    go(linkTo([first!.path]), 'replace');
  }, [start]);
  if (start) return null;
  if (!found || !screen) {
    return (
      <Empty page icon="unknown" title={t.common.notFound.title}>
        <p>{t.common.notFound.text}</p>
      </Empty>
    );
  }
  if (screen.needs && !may(screen.needs)) return <Forbidden permission={screen.needs} />;
  const place = path.join('/');
  return (
    <Guard key={place}>
      <Loaded screen={screen} params={found.params} query={query} place={place} />
    </Guard>
  );
}

function Loaded({ screen, place, ...props }: ScreenProps & { screen: Screen; place: string }) {
  const [View, setView] = useState<ComponentType<ScreenProps>>();
  const [error, setError] = useState<unknown>();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let current = true;
    screen.load().then(
      (module) => current && setView(() => module.default),
      (thrown: unknown) => current && setError(thrown),
    );
    return () => {
      current = false;
    };
  }, [screen]);
  // A person who cannot see the change of screens hears the title of the new one, and goes on from there.
  useEffect(() => {
    if (!View) return;
    const heading = frame.current?.querySelector<HTMLElement>('h1');
    document.title = [heading?.textContent, t.shell.product].filter(Boolean).join(' · ');
    if (!firstScreen && !document.querySelector('dialog[open]')) heading?.focus();
    firstScreen = false;
  }, [View, place]);
  // The code of another version may be gone from the server: only loading the page again helps.
  if (error) return <Problem error={error} page onAgain={() => location.reload()} />;
  return <div ref={frame}>{View ? <View {...props} /> : <Loading />}</div>;
}

/** At the start the browser decides what has the focus. */
let firstScreen = true;

/** A fault in a screen leaves the navigation alone. */
class Guard extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state = { error: undefined as unknown };

  override componentDidCatch(error: unknown): void {
    this.setState({ error });
  }

  render() {
    if (this.state.error !== undefined) {
      return <Problem error={this.state.error} page onAgain={() => location.reload()} />;
    }
    return this.props.children;
  }
}
