import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import { App } from './app/app.tsx';
import { showTheme } from './app/settings.ts';
import { loadTexts } from './texts/index.ts';

showTheme();
await loadTexts();
render(<App />, document.getElementById('app')!);
