import type { Session } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api, changes, isApiError } from '../../app/api.ts';
import { useAsked } from '../../app/data.ts';
import { type Named, useNames } from '../../app/names.ts';
import { linkTo } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { may, me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { EndOne } from '../../parts/end-dialog.tsx';
import { Groups } from '../../parts/groups.tsx';
import { Page } from '../../parts/page.tsx';
import { Facts, Panel } from '../../parts/panel.tsx';
import { ChangeProblem, Problem } from '../../parts/problem.tsx';
import { Forbidden, Loading } from '../../parts/states.tsx';
import { useStep } from '../../parts/step.ts';
import {
  actorText,
  DeviceIcon,
  deviceText,
  Given,
  reasonText,
  Status,
  Time,
  UserLink,
  userText,
} from '../../parts/things.tsx';
import { Timeline } from '../../parts/timeline.tsx';
import { count, duration } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';

/** Milliseconds after which a session is looked at again while it is shown. */
const pause = 15_000;

/** One signed-in device. */
export default function OneSession({ params }: ScreenProps) {
  const id = params['id']!;
  const asked = useAsked({
    key: ['session', id],
    ask: async (signal) => (await api.getSession({ id }, { signal })).session,
    every: pause,
  });
  const session = asked.data;
  if (isApiError(asked.error, 'permission_missing')) return <Forbidden permission="sessions.read" />;
  if (!session) {
    return (
      <Page title={t.session.loading}>
        {asked.error ? <Problem error={asked.error} page onAgain={asked.again} /> : <Loading />}
      </Page>
    );
  }
  return <Shown session={session} onChanged={asked.again} />;
}

function Shown({ session, onChanged }: { session: Session; onChanged(): void }) {
  const [ending, setEnding] = useState(false);
  const isOwnUser = session.userId === me.get()?.session?.userId;
  const named = useNames([session.userId, ...(session.endedBy?.startsWith('user:') ? [session.endedBy.slice(5)] : [])]);
  const who = named(session.userId);
  const over = session.status === 'ended';
  const mayEnd = !over && (may('sessions.end') || isOwnUser);
  return (
    <Page
      title={
        <span class="with-icon">
          <DeviceIcon device={session.device} />
          {deviceText(session)}
        </span>
      }
      intro={session.id === me.get()?.session?.id ? t.session.thisOne : t.session.of(userText(session.userId, who))}
      actions={
        <>
          {!over && session.name !== undefined && <Suspending session={session} onChanged={onChanged} />}
          {mayEnd && (
            <Button kind="danger" icon="end" onClick={() => setEnding(true)}>
              {t.session.end}
            </Button>
          )}
        </>
      }
    >
      <div class="panels">
        <div class="stack">
          <About session={session} who={who} named={named} />
          <Metadata session={session} />
        </div>
        <div class="stack">
          {!over && <Deadlines session={session} />}
          <Panel title={t.session.groups.title}>
            <Groups
              groups={session.accessGroups}
              onChange={
                may('groups.change') && !over
                  ? async (change, options) => {
                      const { userId, id: sessionId } = session;
                      await changes.changeAccessGroupsOfUser({ userId, sessionId, ...change }, options);
                      return t.session.groups.changed;
                    }
                  : undefined
              }
            />
          </Panel>
          {may('events.read') && (
            <Panel title={t.session.events.title}>
              <Timeline filters={{ session: session.id }} key={session.version} />
            </Panel>
          )}
        </div>
        <Raw session={session} />
      </div>
      {ending && (
        <EndOne
          session={session}
          user={userText(session.userId, who)}
          onClose={() => setEnding(false)}
          onEnded={onChanged}
        />
      )}
    </Page>
  );
}

function Metadata({ session }: { session: Session }) {
  return (
    <Panel title={t.session.metadata.title}>
      {Object.keys(session.metadata).length === 0 ? (
        <p class="dim">{t.session.metadata.none}</p>
      ) : (
        <Facts
          facts={Object.entries(session.metadata).map(([name, value]) => [
            name,
            <Given key={name} text={typeof value === 'string' ? value : JSON.stringify(value)} />,
          ])}
        />
      )}
    </Panel>
  );
}

type AboutProps = { session: Session; who: Named | undefined; named(id: string): Named | undefined };

function About({ session, who, named }: AboutProps) {
  const texts = t.session.facts;
  const { device, ip } = session;
  const system = [device.os?.name, device.os?.version].filter(Boolean).join(' ');
  const app = [device.name, device.longVersion ?? device.version].filter(Boolean).join(' ');
  return (
    <Panel title={texts.title}>
      <Facts
        facts={[
          [texts.status, <Status key="status" status={session.status} />],
          [texts.user, <UserLink key="user" id={session.userId} named={who} />],
          ...(session.endedAt
            ? ([
                [texts.reason, reasonText(session.endReason)],
                [texts.by, <bdi key="by">{actorText(session.endedBy, named)}</bdi>],
                [texts.ended, <Time key="ended" at={session.endedAt} />],
              ] as const)
            : []),
          [texts.created, <Time key="created" at={session.createdAt} />],
          [texts.authenticated, session.authenticatedAt !== session.createdAt && <Time at={session.authenticatedAt} />],
          [texts.seen, <Time key="seen" at={session.lastSeenAt} away />],
          [
            texts.from,
            ip &&
              (may('sessions.read') ? (
                <a href={linkTo(['sessions'], { ip })}>
                  <Given text={ip} />
                </a>
              ) : (
                <Given text={ip} />
              )),
          ],
          [texts.device, app && <Given text={app} />],
          [texts.system, system && <Given text={system} />],
          [texts.name, session.name && <Given text={session.name} />],
          [texts.userAgent, session.userAgent && <Given class="long" text={session.userAgent} />],
          [texts.version, count(session.version)],
          [
            texts.id,
            <code key="id" class="long">
              {session.id}
            </code>,
          ],
        ]}
      />
    </Panel>
  );
}

function Deadlines({ session }: { session: Session }) {
  const texts = t.session.deadlines;
  const left = (until: string) => {
    const rest = Date.parse(until) - Date.now();
    return rest > 0 ? texts.left(duration(rest)) : texts.over;
  };
  const row = (title: string, from: string, until: string) => {
    const whole = Date.parse(until) - Date.parse(from);
    const used = Math.min(1, Math.max(0, (Date.now() - Date.parse(from)) / whole));
    return (
      <div class="deadline" key={title}>
        <p>
          <span>{title}</span> <strong>{left(until)}</strong>
        </p>
        <div class="meter" aria-hidden="true">
          <div style={{ inlineSize: `${Math.round((1 - used) * 100)}%` }} />
        </div>
        <p class="dim">
          <Time at={until} />
        </p>
      </div>
    );
  };
  return (
    <Panel title={texts.title}>
      {row(texts.idle, session.lastSeenAt, session.idleExpiresAt)}
      {row(texts.absolute, session.createdAt, session.expiresAt)}
    </Panel>
  );
}

/** A session that occupies a named session can be suspended and resumed with it. */
function Suspending({ session, onChanged }: { session: Session; onChanged(): void }) {
  const { busy, error, run, clear } = useStep();
  const suspended = session.status === 'suspended';
  if (!may(suspended ? 'sessions.create' : 'sessions.end')) return null;
  const submit = async () => {
    const name = session.name!;
    const done = await run((options) =>
      suspended ? changes.startNamedSession({ name }, options) : changes.stopNamedSession({ name }, options),
    );
    if (done) onChanged();
  };
  return (
    <>
      <Button busy={busy} onClick={() => void submit()} title={t.session.suspendHint}>
        {suspended ? t.session.resume : t.session.suspend}
      </Button>
      {error !== undefined && <ChangeProblem error={error} onLook={clear} />}
    </>
  );
}

function Raw({ session }: { session: Session }) {
  const text = JSON.stringify(session, undefined, 2);
  return (
    <details class="panel raw">
      <summary>{t.session.raw}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must be reached by keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </details>
  );
}
