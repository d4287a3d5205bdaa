import { html } from 'hono/html';

type Html = ReturnType<typeof html>;

const layout = (title: string, content: Html) => html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>${title}</title>
      <link rel="icon" href="data:," />
      <style>
        :root { color-scheme: light dark; font-family: system-ui, sans-serif }
        main { max-width: 22rem; margin: 10vh auto; padding: 0 1rem }
        form, label { display: grid; gap: 0.5rem; margin-bottom: 0.5rem }
        input, button { padding: 0.5rem; font: inherit }
      </style>
    </head>
    <body>
      <main>
        <h1>${title}</h1>
        ${content}
      </main>
    </body>
  </html>`;

export const signInPage = (problem = ''): Html =>
  layout(
    'Sign in',
    html`<form method="post" action="/login">
      <label>User name <input name="user" autocomplete="username" required /></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
      <p role="alert">${problem}</p>
      <button>Sign in</button>
    </form>`,
  );

export const homePage = (userId: string, devices: number): Html =>
  layout(
    'Shop',
    html`<p role="status">
        Hello ${userId}. You are signed in ${devices === 1 ? 'on this device only' : `on ${devices} devices`}.
      </p>
      <form method="post" action="/logout"><button>Sign out</button></form>
      <form method="post" action="/logout-everywhere"><button>Sign out everywhere</button></form>`,
  );
