import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/manage.css';
import './styles/shell.css';
import { api } from './app/api.ts';
import { App } from './app/app.tsx';
import { currentPlace } from './app/router.ts';
import { loadScreen, screenAt, screens } from './app/screens.ts';
import { showTheme } from './app/settings.ts';
import { count } from './texts/forms.ts';
import { loadTexts } from './texts/index.ts';

showTheme();
// What the first screen needs is asked for at once; each part would otherwise wait for the one before.
const asked = api.me();
asked.catch(() => {});
loadScreen(screenAt(currentPlace().path)?.screen ?? screens[0]!).catch(() => {});
const texts = loadTexts();
// The first number that a browser formats takes it tens of milliseconds; now there is nothing else to do.
count(0);
await texts;
render(<App asked={asked} />, document.getElementById('app')!);
