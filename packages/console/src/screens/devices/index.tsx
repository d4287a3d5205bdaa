import type { Session } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api, changes } from '../../app/api.ts';
import { useHeld } from '../../app/held.ts';
import { useList } from '../../app/list.ts';
import { me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { EndDialog, EndOthers } from '../../parts/end-dialog.tsx';
import { useEndedElsewhere } from '../../parts/ended-elsewhere.ts';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Loading } from '../../parts/states.tsx';
import { DeviceIcon, deviceText, Given } from '../../parts/things.tsx';
import { distance, shortTime } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';
import { FactorPanel } from './factor.tsx';
import { PasswordPanel } from './password.tsx';

type Open = 'others' | { end: Session } | undefined;

/** For everybody: where one is signed in, and out of it. */
export default function Devices() {
  const who = useHeld(me);
  const userId = who?.session?.userId ?? '';
  const current = who?.session?.id;
  const list = useList<Session>(userId, async (cursor, signal) => {
    const page = await api.listSessions({ user: userId, status: 'active', limit: 100, cursor }, { signal });
    return { ...page, rows: page.sessions };
  });
  useEndedElsewhere(list);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const all = [...list.rows()];
  const others = all.filter(({ id, status }) => id !== current && status === 'active');
  const here = all.find(({ id }) => id === current) ?? who?.session;
  const markEnded = (ids: ReadonlySet<string> | 'others') =>
    list.change((session) =>
      ids === 'others'
        ? session.id === me.get()?.session?.id
          ? session
          : ended(session)
        : ids.has(session.id)
          ? ended(session)
          : session,
    );
  return (
    <Page title={t.devices.title} intro={t.devices.intro}>
      <section class="devices" aria-label={t.devices.thisDevice}>
        <h2>{t.devices.thisDevice}</h2>
        {here && <Device session={here} here />}
      </section>
      <section class="devices" aria-label={t.devices.others}>
        <div class="summary">
          <h2>{t.devices.others}</h2>
          {others.length > 1 && (
            <Button kind="danger" icon="end" onClick={() => setOpen('others')}>
              {t.devices.endOthers}
            </Button>
          )}
        </div>
        {list.isPending &&
          (list.error === undefined ? <Loading lines={2} /> : <Problem error={list.error} onAgain={list.again} />)}
        {!list.isPending && others.length === 0 && <p class="dim">{t.devices.noOthers}</p>}
        <ul>
          {others.map((session) => (
            <li key={session.id}>
              <Device session={session} onEnd={() => setOpen({ end: session })} />
            </li>
          ))}
        </ul>
        {!list.isPending && list.hasMore && (
          <Button busy={list.isFetching} onClick={list.more}>
            {t.session.events.more}
          </Button>
        )}
      </section>
      {who?.account && (
        <div class="panels">
          <PasswordPanel onChanged={list.again} />
          <FactorPanel />
        </div>
      )}
      {open === 'others' && (
        <EndOthers
          user={userId}
          title={t.devices.othersTitle}
          text={t.devices.othersText}
          onClose={close}
          onEnded={() => markEnded('others')}
        />
      )}
      {typeof open === 'object' && (
        <EndOneOfMine session={open.end} onClose={close} onEnded={() => markEnded(new Set([open.end.id]))} />
      )}
    </Page>
  );
}

const ended = (session: Session): Session => ({ ...session, status: 'ended' });

function Device({ session, here, onEnd }: { session: Session; here?: boolean; onEnd?: () => void }) {
  const device = deviceText(session);
  return (
    <article class={`device-card${here ? ' here' : ''}`}>
      <DeviceIcon device={session.device} />
      <div>
        <p class="name">{device}</p>
        <p class="dim">
          {here ? t.devices.here : t.devices.seen(distance(session.lastSeenAt))}
          {session.ip && (
            <>
              {' · '}
              <Given text={session.ip} />
            </>
          )}
          {' · '}
          {t.devices.since(shortTime(session.createdAt))}
        </p>
      </div>
      {onEnd && (
        <Button icon="end" onClick={onEnd} aria-label={t.devices.endOne(device)}>
          {t.sessions.end}
        </Button>
      )}
    </article>
  );
}

type EndProps = { onClose(): void; onEnded(): void };

function EndOneOfMine({ session, onClose, onEnded }: EndProps & { session: Session }) {
  return (
    <EndDialog
      title={t.devices.dialogTitle}
      submit={t.sessions.dialog.submitOne}
      onClose={onClose}
      onSubmit={async (options) => {
        const { receipt } = await changes.endSession({ id: session.id }, options);
        onEnded();
        return { receipt, which: { ids: [session.id] } };
      }}
    >
      <p>{t.devices.dialogText(deviceText(session))}</p>
    </EndDialog>
  );
}
