import type { Session } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api, changes, isApiError } from '../../app/api.ts';
import { useAsked } from '../../app/data.ts';
import { type List, useList } from '../../app/list.ts';
import { useNames } from '../../app/names.ts';
import { linkTo } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { may, me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { Counted, EndDialog, EndOne, EndOthers } from '../../parts/end-dialog.tsx';
import { useEndedElsewhere } from '../../parts/ended-elsewhere.ts';
import { Groups } from '../../parts/groups.tsx';
import { Page } from '../../parts/page.tsx';
import { Facts, Panel } from '../../parts/panel.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ReadAgain, ReadAt } from '../../parts/read-at.tsx';
import { SessionTable } from '../../parts/session-table.tsx';
import { Empty, Forbidden, Loading } from '../../parts/states.tsx';
import { Given, Time, userText } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';

type Open = 'all' | 'others' | { end: Session } | undefined;

/** Everything of one person. */
export default function User({ params }: ScreenProps) {
  const id = params['id']!;
  const own = me.get()?.session?.userId === id;
  const list = useList<Session>(id, async (cursor, signal) => {
    const page = await api.listSessions({ user: id, status: 'active', limit: 100, cursor }, { signal });
    return { ...page, rows: page.sessions };
  });
  useEndedElsewhere(list);
  const named = useNames([id]);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  if (isApiError(list.error, 'permission_missing')) return <Forbidden permission="sessions.read" />;

  const who = userText(id, named(id));
  const mayEnd = may('sessions.end') || own;
  // What has ended since the list was read is still shown in it.
  const ended = [...list.rows()].filter(({ status }) => status === 'ended').length;
  const total = Math.max(0, (list.total ?? list.count) - ended);
  const markEnded = (ids: ReadonlySet<string> | 'all', except?: string) =>
    list.change((session) =>
      session.id !== except && (ids === 'all' || ids.has(session.id)) ? { ...session, status: 'ended' } : session,
    );
  return (
    <Page
      title={<Given text={who} />}
      actions={
        mayEnd &&
        total > 0 && (
          <>
            {own && total > 1 && (
              <Button icon="end" onClick={() => setOpen('others')}>
                {t.user.endOthers}
              </Button>
            )}
            <Button kind="danger" icon="end" onClick={() => setOpen('all')}>
              {t.user.endAll}
            </Button>
          </>
        )
      }
    >
      <div class="panels">
        {(may('accounts.manage') || own) && <AccountPanel id={id} />}
        {may('groups.change') && list.count > 0 && <AllGroups id={id} list={list} />}
      </div>
      <div class="summary">
        <h2>{list.isPending ? t.user.sessions : t.user.active(total)}</h2>
        {!list.isPending && (
          <p role="status">
            <ReadAt list={list} />
          </p>
        )}
        {!list.isPending && <ReadAgain list={list} />}
        {may('sessions.read') && (
          <a class="button quiet" href={linkTo(['sessions'], { user: id, status: 'ended' })}>
            {t.user.ended}
          </a>
        )}
      </div>
      {list.isPending &&
        (list.error === undefined ? <Loading lines={3} /> : <Problem error={list.error} page onAgain={list.again} />)}
      {!list.isPending &&
        (list.count === 0 ? (
          <Empty icon="sessions" title={t.user.none.title}>
            <p>{t.user.none.text}</p>
          </Empty>
        ) : (
          <SessionTable
            list={list}
            status="active"
            ofUser
            onEnd={mayEnd ? (session) => setOpen({ end: session }) : undefined}
          />
        ))}
      {open === 'all' && <EndAll id={id} who={who} onClose={close} onEnded={() => markEnded('all')} />}
      {open === 'others' && (
        <EndOthers
          user={id}
          title={t.user.endOthersTitle}
          text={t.user.endOthersText}
          onClose={close}
          onEnded={() => markEnded('all', me.get()?.session?.id)}
        />
      )}
      {typeof open === 'object' && <EndOne session={open.end} user={who} onClose={close} onEnded={markEnded} />}
    </Page>
  );
}

type EndAllProps = { id: string; who: string; onClose(): void; onEnded(): void };

function EndAll({ id, who, onClose, onEnded }: EndAllProps) {
  const own = me.get()?.session?.userId === id;
  return (
    <Counted title={t.user.endAllTitle(who)} user={id} onClose={onClose}>
      {(total) => (
        <EndDialog
          title={t.user.endAllTitle(who)}
          submit={t.sessions.dialog.submit(total)}
          many={total}
          own={own}
          onClose={onClose}
          onSubmit={async (options) => {
            const { ended, receipt } = await changes.endSessionsOfUser({ userId: id }, options);
            onEnded();
            return { ended, receipt, own, which: { user: id } };
          }}
        >
          <p>{t.user.endAllText(total, who)}</p>
        </EndDialog>
      )}
    </Counted>
  );
}

/** The account, if this user has one in Curfew. */
function AccountPanel({ id }: { id: string }) {
  const asked = useAsked({
    key: ['account-of-user', id],
    ask: async (signal) => {
      const found = await api.listAccounts({ ids: id }, { signal });
      return found.accounts[0] ?? null;
    },
    // Other users' ids are of the application's own making.
    when: may('accounts.manage') && /^[0-9A-Za-z]{20,24}$/.test(id),
  });
  const own = me.get()?.account;
  const account = asked.data ?? (own?.id === id ? own : undefined);
  if (!account) return asked.error ? <Problem error={asked.error} onAgain={asked.again} /> : null;
  const texts = t.user.account;
  return (
    <Panel title={texts.title}>
      <Facts
        facts={[
          [texts.username, <Given key="username" text={account.username} />],
          [texts.name, account.name && <Given text={account.name} />],
          [texts.email, account.email && <Given text={account.email} />],
          [texts.roles, account.roles.join(', ')],
          [texts.factor, account.totp ? texts.factorOn : texts.factorOff],
          [texts.lastLogin, account.lastLoginAt ? <Time at={account.lastLoginAt} /> : texts.never],
          [texts.disabled, account.disabled && '✓'],
        ]}
      />
    </Panel>
  );
}

/** The groups of all sessions that were read. */
function AllGroups({ id, list }: { id: string; list: List<Session> }) {
  const groups = [...new Set([...list.rows()].flatMap((session) => session.accessGroups))].sort();
  return (
    <Panel title={t.user.groups}>
      <p class="dim">{t.user.groupsHint}</p>
      <Groups
        groups={groups}
        onChange={async ({ add = [], remove = [] }, options) => {
          const { updated } = await changes.changeAccessGroupsOfUser({ userId: id, add, remove }, options);
          list.change((session) => ({
            ...session,
            accessGroups: [...new Set([...session.accessGroups.filter((group) => !remove.includes(group)), ...add])],
          }));
          return t.session.groups.changedAll(updated);
        }}
      />
    </Panel>
  );
}
