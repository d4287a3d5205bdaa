import type { NamedSession } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { usePages } from '../../app/pages.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { DeviceIcon, deviceText, Given, Time, UserLink } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';
import { ConfigDialog, NewNamed } from './config.tsx';
import { type Step, StepDialog } from './steps.tsx';

type Doing = { named: NamedSession; what: Step | 'config' };

export default function Named() {
  const [creating, setCreating] = useState(false);
  const [doing, setDoing] = useState<Doing>();
  const pages = usePages({
    key: ['named'],
    ask: (cursor, signal) => api.listNamedSessions({ limit: 50, cursor }, { signal }),
  });
  const all = pages.data?.flatMap((page) => page.namedSessions);
  const close = () => setDoing(undefined);
  return (
    <Page
      title={t.named.title}
      intro={t.named.intro}
      actions={
        may('sessions.create') && (
          <Button kind="main" onClick={() => setCreating(true)}>
            {t.named.create}
          </Button>
        )
      }
    >
      {pages.isPending && <Loading />}
      {pages.error && !all && <Problem error={pages.error} page onAgain={pages.again} />}
      {all?.length === 0 && (
        <Empty icon="named" title={t.named.empty.title}>
          <p>{t.named.empty.text}</p>
        </Empty>
      )}
      {all && all.length > 0 && (
        <>
          <List all={all} onDo={(named, what) => setDoing({ named, what })} />
          <More {...pages} />
        </>
      )}
      {creating && <NewNamed onClose={() => setCreating(false)} />}
      {doing?.what === 'config' && <ConfigDialog named={doing.named} onClose={close} />}
      {doing && doing.what !== 'config' && <StepDialog named={doing.named} step={doing.what} onClose={close} />}
    </Page>
  );
}

function List({ all, onDo }: { all: readonly NamedSession[]; onDo(named: NamedSession, what: Doing['what']): void }) {
  const { columns } = t.named;
  return (
    <Table
      caption={t.named.list}
      columns={[columns.name, columns.status, columns.session, columns.user, columns.changed]}
      actions={columns.actions}
    >
      {all.map((named) => (
        <tr key={named.name}>
          <th scope="row">
            <Given text={named.name} />
          </th>
          <td data-label={columns.status}>
            <span class={`status ${looks[named.status]}`}>{t.named.status[named.status]}</span>
          </td>
          <td data-label={columns.session}>
            {named.session && (
              <a class="with-icon" href={linkTo(['sessions', named.session.id])}>
                <DeviceIcon device={named.session.device} />
                {deviceText(named.session)}
              </a>
            )}
          </td>
          <td data-label={columns.user}>{named.session && <UserLink id={named.session.userId} />}</td>
          <td data-label={columns.changed}>
            <Time at={named.updatedAt} away />
          </td>
          <td class="end">
            <Steps named={named} onDo={onDo} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** How each status looks: as that of a session does. */
const looks: Record<NamedSession['status'], string> = { working: 'active', waiting: 'ended', stopped: 'suspended' };

function Steps({ named, onDo }: { named: NamedSession; onDo(named: NamedSession, what: Doing['what']): void }) {
  const { name, status, session } = named;
  const steps: Doing['what'][] = [
    ...(may('sessions.create') ? (['config'] as const) : []),
    ...(may('sessions.create') && status === 'stopped' ? (['start'] as const) : []),
    ...(may('sessions.end') && status !== 'stopped' ? (['stop'] as const) : []),
    ...(may('sessions.end') && session ? (['logout'] as const) : []),
    ...(may('sessions.end') ? (['delete'] as const) : []),
  ];
  return (
    <span class="steps">
      {steps.map((what) => (
        <Button key={what} aria-label={t.named.named(t.named.actions[what], name)} onClick={() => onDo(named, what)}>
          {t.named.actions[what]}
        </Button>
      ))}
    </span>
  );
}
