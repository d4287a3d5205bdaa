import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { arrive } from '../parts/heading.ts';
import { Problem } from '../parts/problem.tsx';
import { Empty, Forbidden, Loading } from '../parts/states.tsx';
import { t } from '../texts/index.ts';
import { currentPlace, go, linkTo, usePlace } from './router.ts';
import { loadedScreen, loadScreen, type Screen, type ScreenProps, screenAt, screens } from './screens.ts';
import { may } from './who.ts';

/** The screen of the place where one is; its code is loaded when it is first needed. */
export function Outlet() {
  const { path, query } = usePlace();
  const found = screenAt(path);
  const screen = found?.screen;
  const start = path.length === 0;
  const place = path.join('/');
  const before = useRef(place);
  // Before the new screen's title is there.
  if (before.current !== place) {
    if (before.current !== '') arrive();
    before.current = place;
  }
  useEffect(() => {
    // Somebody may have gone elsewhere since this was drawn.
    if (!start || currentPlace().path.length > 0) return;
    const first = screens.find(({ nav, needs }) => nav && (needs === undefined || may(needs)));
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
  return (
    <Guard key={place}>
      <Loaded screen={screen} params={found.params} query={query} />
    </Guard>
  );
}

function Loaded({ screen, ...props }: ScreenProps & { screen: Screen }) {
  const [View, setView] = useState<ComponentType<ScreenProps> | undefined>(() => loadedScreen(screen));
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (View) return undefined;
    let current = true;
    loadScreen(screen).then(
      (view) => current && setView(() => view),
      (thrown: unknown) => current && setError(thrown),
    );
    return () => {
      current = false;
    };
  }, [screen]);
  // The code of another version may be gone from the server: only loading the page again helps.
  if (error) return <Problem error={error} page onAgain={() => location.reload()} />;
  return View ? <View {...props} /> : <Loading />;
}

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
