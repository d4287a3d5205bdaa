import type { Session } from 'curfew-client';
import { api } from '../../app/api.ts';
import { useAsked } from '../../app/data.ts';
import { linkTo, type Query } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { DeviceIcon, deviceText, Given, Time, UserLink } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';

const tabs = ['active', 'suspended', 'ended'] as const;

export default function Sessions({ query }: ScreenProps) {
  const status = tabs.find((tab) => tab === query['status']) ?? 'active';
  const asked = useAsked({
    key: ['sessions', status],
    ask: (signal) => api.listSessions({ status, limit: 100 }, { signal }),
  });
  return (
    <Page title={t.sessions.title}>
      <Tabs status={status} query={query} />
      {asked.isPending && <Loading />}
      {asked.error && <Problem error={asked.error} page onAgain={asked.again} />}
      {asked.data && (asked.data.sessions.length === 0 ? <None /> : <List sessions={asked.data.sessions} />)}
    </Page>
  );
}

function Tabs({ status, query }: { status: string; query: Query }) {
  return (
    <nav class="tabs" aria-label={t.sessions.tabs.label}>
      {tabs.map((tab) => (
        <a
          href={linkTo(['sessions'], { ...query, status: tab === 'active' ? undefined : tab })}
          aria-current={tab === status ? 'page' : undefined}
          key={tab}
        >
          {t.sessions.tabs[tab]}
        </a>
      ))}
    </nav>
  );
}

function None() {
  return (
    <Empty icon="sessions" title={t.sessions.empty.title}>
      <p>{t.sessions.empty.text}</p>
    </Empty>
  );
}

function List({ sessions }: { sessions: readonly Session[] }) {
  const { columns } = t.sessions;
  return (
    <div class="table">
      <table>
        <caption class="unseen">{t.sessions.list}</caption>
        <thead>
          <tr>
            <th scope="col">{columns.device}</th>
            <th scope="col">{columns.user}</th>
            <th scope="col">{columns.from}</th>
            <th scope="col">{columns.created}</th>
            <th scope="col">{columns.seen}</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <th scope="row">
                <span class="with-icon">
                  <DeviceIcon device={session.device} />
                  {deviceText(session)}
                </span>
              </th>
              <td data-label={columns.user}>
                <UserLink id={session.userId} />
              </td>
              <td data-label={columns.from}>{session.ip && <Given text={session.ip} />}</td>
              <td data-label={columns.created}>
                <Time at={session.createdAt} />
              </td>
              <td data-label={columns.seen}>
                <Time at={session.lastSeenAt} away />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
