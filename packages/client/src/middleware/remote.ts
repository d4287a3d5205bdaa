import type { Client } from '../client.ts';
import type { SessionVerifier } from './sessions.ts';

/**
 * Checks sessions with one call to the server for each request, where no verifier can run, such as on an edge runtime.
 * The client's API key needs the scope `sessions.verify`.
 *
 *     const verifier = remoteVerifier(createClient({ url, token: key }));
 */
export function remoteVerifier(client: Pick<Client, 'verifySession'>): SessionVerifier {
  return {
    check: () => undefined,
    async verify(credential) {
      const asked = typeof credential === 'string' ? { token: credential } : { alias: credential.alias };
      const { active, session, reason = 'unknown' } = await client.verifySession(asked);
      if (!active || !session) return { active: false, reason };
      const { id, userId, name, accessGroups, metadata } = session;
      const [authenticatedAt, expiresAt] = [Date.parse(session.authenticatedAt), Date.parse(session.expiresAt)];
      return { active: true, session: { id, userId, name, accessGroups, authenticatedAt, expiresAt, metadata } };
    },
  };
}
