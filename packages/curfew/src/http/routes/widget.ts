import { widgetLifetime } from '../../authority/widget.ts';
import { operation } from '../operation.ts';
import { presentReceipt, presentWidgetEnd, presentWidgetSession } from '../present.ts';
import { Device, maybe, Receipt, ref, sessionId, Type, text, time, userId } from '../schemas.ts';
import { endAnswer, endedMessage } from './sessions.ts';

const tag = 'Widget';

export const createWidgetToken = operation({
  id: 'createWidgetToken',
  method: 'POST',
  path: '/v1/users/:userId/widget-token',
  tag,
  summary: 'Make a token with which a page can list and end the sessions of one user',
  description:
    'For `<curfew-devices>` of `curfew-client/devices`. The application’s server asks for it, and gives it to its page. It ' +
    'works for a few minutes, on pages of that origin, and for nothing but the calls of the widget. It ends with the ' +
    'API key that made it and, with `session`, with that session; without, when all sessions of the user are ended.',
  access: { permission: 'sessions.end', and: 'sessions.read', person: 'second-factor' },
  params: Type.Object({ userId }, { additionalProperties: false }),
  body: Type.Object(
    {
      origin: text(300, 'The origin of the pages that will use it.', { examples: ['https://app.example.com'] }),
      session: maybe(text(64, 'The id of the user’s session in which the page is shown: the widget marks it.')),
      lifetime: maybe(
        Type.Integer({
          minimum: 1,
          maximum: widgetLifetime.most / 1000,
          default: widgetLifetime.usual / 1000,
          description: 'Seconds for which it works.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 201,
    description: 'The token.',
    schema: Type.Object({
      token: Type.String({ description: 'The widget token. Shown once.', examples: ['cfw_…'] }),
      expiresAt: time('Until when it works.'),
    }),
  },
  errors: ['user_id_too_long', 'session_not_found'],
  async handle({ authority, caller, params, body: { lifetime, ...body } }) {
    const request = { ...body, lifetime: lifetime && lifetime * 1000 };
    const { token, expiresAt } = await authority.createWidgetToken(caller, params.userId, request);
    return { token, expiresAt: new Date(expiresAt).toISOString() };
  },
});

export const listWidgetSessions = operation({
  id: 'listWidgetSessions',
  method: 'GET',
  path: '/v1/widget/sessions',
  tag,
  summary: 'List the active sessions of the user of a widget token',
  description: 'The one in which the page is shown first, then those that were last seen: at most 100.',
  access: 'widget',
  answer: {
    status: 200,
    description: 'The sessions.',
    schema: Type.Object({
      sessions: Type.Array(
        Type.Object({
          id: sessionId,
          current: Type.Boolean({ description: 'Whether the page is shown in it.' }),
          device: ref(Device),
          ip: maybe(Type.String()),
          createdAt: time('When it was opened.'),
          lastSeenAt: time('When it was last verified, to the minute.'),
        }),
      ),
      total: Type.Integer({ description: 'How many there are.' }),
    }),
  },
  async handle({ authority, widget }) {
    const { sessions, total } = await authority.listWidgetSessions(widget!);
    return { sessions: sessions.map(presentWidgetSession), total };
  },
});

export const endWidgetSession = operation({
  id: 'endWidgetSession',
  method: 'DELETE',
  path: '/v1/widget/sessions/:id',
  tag,
  summary: 'End a session of the user of a widget token',
  access: 'widget',
  params: Type.Object({ id: sessionId }, { additionalProperties: false }),
  answer: {
    status: 200,
    description: 'The session has ended.',
    schema: Type.Pick(endAnswer, ['success', 'message', 'receipt']),
  },
  errors: ['session_not_found'],
  async handle({ authority, widget, params }) {
    return presentWidgetEnd(await authority.endWidgetSession(widget!, params.id));
  },
});

export const endOtherWidgetSessions = operation({
  id: 'endOtherWidgetSessions',
  method: 'POST',
  path: '/v1/widget/sessions/end-others',
  tag,
  summary: 'End all sessions of the user of a widget token but the one in which the page is shown',
  description: 'Requires a token that was made with `session`.',
  access: 'widget',
  answer: {
    status: 200,
    description: 'The sessions have ended.',
    schema: Type.Object({
      success: Type.Boolean(),
      message: Type.String(),
      ended: Type.Integer({ description: 'How many sessions this call ended.' }),
      receipt: ref(Receipt),
    }),
  },
  errors: ['session_not_found'],
  async handle({ authority, widget }) {
    const { ended, receipt } = await authority.endOtherWidgetSessions(widget!);
    return { success: true, message: endedMessage(ended), ended, receipt: presentReceipt(receipt) };
  },
});
