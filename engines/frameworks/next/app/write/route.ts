import type { NextRequest } from 'next/server';
import { sessions } from '../../lib/sessions';

export async function POST(request: NextRequest) {
  const { text } = await request.json();
  return sessions.route({}, () => new Response(text))(request, undefined);
}
