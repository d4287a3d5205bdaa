const me = await fetch('/api/me');
if (me.status === 401) location.assign('/login.html');
else {
  const { userId, devices } = await me.json();
  const where = devices === 1 ? 'on this device only' : `on ${devices} devices`;
  document.querySelector('[role=status]').textContent = `Hello ${userId}. You are signed in ${where}.`;
}

for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', async () => {
    await fetch(`/api/${button.id}`, { method: 'POST' });
    location.assign('/login.html');
  });
}
