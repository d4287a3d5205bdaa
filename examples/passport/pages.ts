const layout = (title: string, content: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <style>
      :root { color-scheme: light dark; font-family: system-ui, sans-serif }
      main { max-width: 22rem; margin: 10vh auto; padding: 0 1rem }
      form, label { display: grid; gap: 0.5rem; margin-bottom: 0.5rem }
      input, button { padding: 0.5rem; font: inherit }
    </style>
  </head>
  <body><main><h1>${title}</h1>${content}</main></body>
</html>`;

export const signInPage = (problem: string): string =>
  layout(
    'Sign in',
    `<form method="post" action="/login">
      <label>User name <input name="username" autocomplete="username" required></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
      <p role="alert">${problem}</p>
      <button>Sign in</button>
    </form>`,
  );

export const homePage = (user: string): string =>
  layout(
    'Shop',
    `<p role="status">Hello ${user.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}.</p>
    <form method="post" action="/logout"><button>Sign out</button></form>
    <form method="post" action="/logout-everywhere"><button>Sign out everywhere</button></form>`,
  );

export const wrong = 'The user name or the password is wrong.';
