import { sessions } from '../../lib/sessions';
import { logIn, logOut, rename } from './actions';

export default async function Page() {
  const found = await sessions.read();
  if ('refusal' in found) {
    return (
      <form action={logIn}>
        <input name="userId" />
        <button type="submit">Sign in</button>
      </form>
    );
  }
  return (
    <>
      <p>Hello {found.session.userId}</p>
      <form action={rename}>
        <input name="name" />
        <button type="submit">Rename</button>
      </form>
      <form action={logOut}>
        <button type="submit">Log out</button>
      </form>
    </>
  );
}
