import { type NextRequest, NextResponse } from 'next/server';
import { sessions } from './lib/sessions';

export const proxy = (request: NextRequest) => sessions.proxy(request, NextResponse.next);

export const config = { matcher: '/((?!_next/|favicon.ico).*)' };
