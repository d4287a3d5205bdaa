const { session, account } = await (await fetch('/v1/me')).json();
const sessions = `/v1/users/${encodeURIComponent(session.userId)}/sessions`;
const { total } = await (await fetch(sessions)).json();
const where = total === 1 ? 'on this device only' : `on ${total} devices`;
document.querySelector('[role=status]').textContent = `Hello ${account.username}. You are signed in ${where}.`;

document.querySelector('#logout').addEventListener('click', async () => {
  await fetch('/v1/logout', { method: 'POST' });
  location.assign('/login.html');
});
document.querySelector('#logout-everywhere').addEventListener('click', async () => {
  // Requires a sign-in within the last 15 minutes; without, the sign-in page is the right place, too.
  await fetch(sessions, { method: 'DELETE' });
  location.assign('/login.html');
});
