const form = document.querySelector('form');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  // `cookie`: no script ever sees the session token.
  const answer = await fetch('/v1/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...Object.fromEntries(new FormData(form)), cookie: true }),
  });
  if (answer.ok) location.assign('/');
  else document.querySelector('[role=alert]').textContent = `${(await answer.json()).title}.`;
});
