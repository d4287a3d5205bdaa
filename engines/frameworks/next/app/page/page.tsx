import { redirect } from 'next/navigation';
import { sessions } from '../../lib/sessions';

export default async function Page() {
  const found = await sessions.read();
  if ('refusal' in found) redirect('/login');
  return <p>Hello {found.session.userId}</p>;
}
