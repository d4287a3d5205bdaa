import type { CanActivate } from '@nestjs/common';
import type { Handle } from '@sveltejs/kit/hooks';
import { nestSessions } from 'curfew-client/nestjs';
import { svelteKitSessions } from 'curfew-client/sveltekit';

/*
 * The types of the adapters fit those of the frameworks. The programs in `src` show it for the others; these two are
 * built apart from this workspace's types.
 */
export const handle: Handle = svelteKitSessions(() => undefined as never)(() => ({ groups: ['staff'] }));
export const guard: CanActivate = nestSessions(() => undefined as never, { HttpException: undefined as never })();
