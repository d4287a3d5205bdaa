const form = document.querySelector('form');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { status } = await fetch('/api/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (status === 204) location.assign('/');
  else document.querySelector('[role=alert]').textContent = 'The user name or the password is wrong.';
});
