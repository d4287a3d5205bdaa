import { limits } from '../../domain/limits.ts';
import { operation } from '../operation.ts';
import { presentPreview, presentReceipt } from '../present.ts';
import { maybe, oneOf, Receipt, ref, sessionId, Type, time, waiting } from '../schemas.ts';
import { filters } from './sessions.ts';

const tag = 'Sessions';
const handle = (description: string) => Type.String({ maxLength: 32_768, description, examples: ['…'] });

export const previewSessions = operation({
  id: 'previewSessions',
  method: 'POST',
  path: '/v1/sessions/preview',
  tag,
  summary: 'Count the sessions that match, and get a handle with which exactly these can be ended',
  description:
    'Counts sessions that have not ended, by the filters of `listSessions`. The count is exact for the moment `countedAt`. ' +
    'After ten seconds it stops: then `partial` is true, and the newest sessions were counted. `preview` is the handle for ' +
    '`endPreviewed`. People may count their own with `user`.',
  access: { permission: 'sessions.read', owner: ({ body }) => body.user },
  body: Type.Object(
    {
      ...filters,
      status: maybe(oneOf(['active', 'suspended'], { description: 'Without it, both.' })),
      except: maybe(
        Type.Array(sessionId, { maxItems: limits.previewExcept, description: 'Sessions to leave out: at most 100.' }),
      ),
    },
    { additionalProperties: false, examples: [{ group: 'staff' }] },
  ),
  answer: {
    status: 200,
    description: 'The numbers, and the handle.',
    schema: Type.Object({
      sessions: Type.Integer({ description: 'How many sessions match.' }),
      users: Type.Integer({ description: 'How many different users have them.' }),
      partial: Type.Boolean({ description: 'There may be more: the time was used up.' }),
      own: Type.Boolean({ description: 'Whether the caller’s own session is among them.' }),
      countedAt: time('The moment for which the numbers are exact.'),
      preview: maybe(handle('The handle, for `endPreviewed`; absent if no session matches.')),
      expiresAt: time('Until when the handle can be used.'),
    }),
  },
  errors: ['user_id_too_long', 'session_not_found'],
  handle: async ({ authority, caller, body }) => presentPreview(await authority.previewSessions(caller, body)),
});

export const endPreviewed = operation({
  id: 'endPreviewed',
  method: 'POST',
  path: '/v1/sessions/end-previewed',
  tag,
  summary: 'End exactly the sessions that were counted in a preview',
  description:
    'Works for about a second. If that was not enough, the answer has the `preview` for the rest: repeat the call with it. ' +
    'The last answer has none, and has the receipt for all of them. Sessions that were opened after the count are not ' +
    'ended. Those that have ended since are in `alreadyEnded`. Those of a part in which other sessions match than were ' +
    'counted, for instance because access groups were changed, are left alone: they are in `changed`, and you can count ' +
    'again. A handle works only for the caller that made it, for ten minutes, and for at most 50 minutes after the count. ' +
    'The caller’s own session is the last to end. If a call fails, repeat it.',
  access: { permission: 'sessions.end', person: 'second-factor' },
  query: waiting,
  body: Type.Object({ preview: handle('`preview` of the previous answer.') }, { additionalProperties: false }),
  answer: {
    status: 200,
    description: 'What has become of the sessions so far.',
    schema: Type.Object({
      counted: Type.Integer({ description: 'How many sessions were counted.' }),
      ended: Type.Integer({ description: 'How many of them were ended with the preview.' }),
      alreadyEnded: Type.Integer({ description: 'How many of them had ended before.' }),
      changed: Type.Integer({ description: 'How many of them were left alone, because what matches has changed.' }),
      preview: maybe(handle('The handle for the rest; absent if that was all.')),
      receipt: maybe(ref(Receipt)),
    }),
  },
  errors: ['preview_invalid', 'preview_expired', 'preview_of_another'],
  async handle({ authority, caller, body, query }) {
    const ended = await authority.endPreviewed(caller, { preview: body.preview, wait: query.wait });
    return { ...ended, receipt: ended.receipt && presentReceipt(ended.receipt) };
  },
});
